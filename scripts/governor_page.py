"""The page and the plot of `scripts/simulate_governor`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

WINDOW = (45.0, 80.0)  # seconds of one run that the plot shows


def page(facts: dict[str, Any]) -> str:
    """Markdown, made from the figures alone."""
    machine, load = facts["machine"], facts["load"]
    governor = facts["policies"]["governor"]
    costs = ", ".join(f"{cost:,}" for cost in facts["instructions"])
    accuracy = ", ".join(f"{100 * one:.2f} %" for one in facts["accuracy"])
    shares = ", ".join(
        f"{100 * share:.0f} % at level {number}"
        for number, share in enumerate(governor["level_shares"])
    )
    middle = min(1, len(facts["instructions"]) - 1)
    paragraphs = [
        f"""Made by `scripts/simulate_governor` from the model's own metadata; the
        governor that runs is the firmware's C. **A simulation: no board was measured.**
        From the file: instructions of the nested ops on the {facts["core"]} ({costs})
        and accuracy in TFLM ({accuracy}, on {facts["accuracy_samples"]:,} images).
        Assumed: {machine["hertz"] / 1e6:g} MHz at {machine["cycles"]:g} cycles an
        instruction, {machine["other_instructions"]:,} instructions of builtin ops,
        Invokes up to a few per cent longer by chance, and another task that leaves
        {100 * machine["throttled"]:.0f} % of the clock for
        {machine["busy_seconds"]:g} s every {machine["idle_seconds"]:g} s or so.""",
        "## Frames with a deadline",
        f"""{load["quiet_rate"]:g} frames a second, in bursts {load["burst_rate"]:g}, at
        random times; a result counts {1000 * load["deadline"]:g} ms after its frame at
        the latest. Frames wait in one queue; one whose deadline is over is not run.
        Means of {len(facts["seeds"])} runs of {load["seconds"]:g} s,
        {governor["frames"]:,.0f} frames each, the same for every policy.""",
        _table(
            facts["policies"],
            {
                "misses": "deadlines missed",
                "accuracy_in_time": "mean accuracy of those in time",
                "correct_in_time": "right and in time, of all",
                "switches": "switches a frame",
            },
        ),
        f"""The governor's Invokes: {shares}. The budget of a frame leaves as much to
        all that wait behind it. "Knows beforehand" has the same budget, but is told
        what the Invoke will take, other tasks and chance included, and has neither
        margin nor hysteresis.""",
        "![levels over half a minute; misses against accuracy](simulation.png)",
        "## A battery that has to last",
        f"""Inferences wanted: {facts["battery_inferences"]:,}. The battery holds what
        they take at level {middle}, and a third more; the second half draws a tenth
        more than the first. Budget of each: what is left over the inferences that are
        left. An inference not done is not right.""",
        _table(
            facts["battery"],
            {
                "done": "inferences done",
                "left": "battery left",
                "correct": "right, of all",
            },
        ),
    ]
    wrapped = [
        one
        if one.startswith(("#", "|", "!"))
        else textwrap.fill(" ".join(one.split()), 88, break_on_hyphens=False)
        for one in paragraphs
    ]
    return "\n\n".join(["# The governor under a bursty load", *wrapped]) + "\n"


def _table(policies: dict[str, Any], columns: dict[str, str]) -> str:
    rows = [
        f"| policy | {' | '.join(columns.values())} |",
        f"| :-- |{' --: |' * len(columns)}",
        *(_row(name, one, tuple(columns)) for name, one in policies.items()),
    ]
    return "\n".join(rows)


def _row(name: str, one: dict[str, Any], keys: tuple[str, ...]) -> str:
    cells = [
        f"{one[key]:.3f}" if key == "switches" else f"{100 * one[key]:.2f} %"
        for key in keys
    ]
    return f"| {name} | {' | '.join(cells)} |"


def plot(facts: dict[str, Any], path: Path) -> None:
    """A part of one run above, all policies below."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(8, 7), layout="constrained")
    start = np.array(facts["course"]["start"])
    shown = (start >= WINDOW[0]) & (start < WINDOW[1])
    level = np.array(facts["course"]["level"])[shown]
    late = ~np.array(facts["course"]["in_time"])[shown]
    waiting = np.array(facts["course"]["waiting"])[shown]
    above.fill_between(
        start[shown], waiting, step="post", color="#d8d8d8", label="frames waiting"
    )
    above.set(xlabel="seconds", ylabel="frames waiting")
    above.set_title("The governor's levels under bursts", loc="left")
    right = above.twinx()
    ran = level >= 0
    right.plot(start[shown][ran], level[ran], ".", ms=4, color="#1f5fbf", label="level")
    right.plot(
        start[shown][late], np.maximum(level[late], 0), "x", color="#c8324b", ms=6,
        label="missed",
    )  # fmt: skip
    count = len(facts["instructions"])
    right.set(ylabel="level", yticks=range(count), ylim=(-0.3, count - 0.5))
    handles = [axis.get_legend_handles_labels() for axis in (above, right)]
    lines, labels = handles[0][0] + handles[1][0], handles[0][1] + handles[1][1]
    right.legend(lines, labels, loc="upper right", ncols=3, fontsize=8)
    for name, one in facts["policies"].items():
        fixed = name.startswith("level")
        below.plot(
            *(100 * one["misses"], 100 * one["accuracy_in_time"]),
            "s" if fixed else ("o" if name == "governor" else "d"),
            color="#7f7f7f" if fixed else "#1f5fbf",
            fillstyle="none" if name == "knows beforehand" else "full",
        )
        place = (7, 5) if name == "knows beforehand" else (7, -11)
        below.annotate(
            *(name, (100 * one["misses"], 100 * one["accuracy_in_time"])),
            **{"textcoords": "offset points", "xytext": place, "fontsize": 9},
        )
    below.set(
        xscale="symlog",
        xlabel="deadlines missed (%)",
        ylabel="accuracy of frames in time (%)",
        xlim=(0, 100),
    )
    below.margins(y=0.2)
    below.grid(alpha=0.3)
    figure.savefig(path, dpi=130)
    plt.close(figure)
