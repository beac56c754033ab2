"""Simulates the governor under a bursty load, against each level alone.

Runs the firmware's own C (tflm_ops/src/governor) on costs and scores in the metadata of
a .tflite, and writes docs/governor: a page, its figures as JSON, and a plot.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from governor_load import Load, Machine, Result, Scene, draw, run, seconds_of
from rich.console import Console
from rich.table import Table

from keras_nest.converter import annotate, flatbuffer
from keras_nest.errors import NestError
from keras_nest.files import read_bytes, write_atomic
from keras_nest.metadata import LevelsMetadata
from keras_nest.runtime.governor import Governor

SEEDS = range(1, 11)
BATTERY_INFERENCES = 20_000
MICRO = 1e6


def policies(
    levels: int, costs: list[int], scene: Scene, machine: Machine
) -> dict[str, tuple[Any, Any]]:
    """By name: what picks the level, and what learns from an Invoke."""

    def nothing(seconds: float) -> None:
        pass

    found: dict[str, tuple[Any, Any]] = {
        f"level {level}": (lambda *_, level=level: level, nothing)
        for level in range(levels)
    }
    governor = Governor(costs)
    for level in (0, levels - 1):  # as a firmware does before anything depends on it
        governor.at(level)
        governor.after(round(MICRO * seconds_of(costs[level], machine, scene, 0, 0.0)))
    found["governor"] = (
        lambda frame, now, budget: governor.before(int(MICRO * budget)),
        lambda seconds: governor.after(round(MICRO * seconds)),
    )

    def clairvoyant(frame: int, now: float, budget: float) -> int:
        for level in range(levels - 1, 0, -1):
            if seconds_of(costs[level], machine, scene, frame, now) <= budget:
                return level
        return 0

    found["knows beforehand"] = (clairvoyant, nothing)
    return found


def figures(result: Result, scores: np.ndarray) -> dict[str, Any]:
    """What a policy gave, as shares of all frames."""
    reached = scores[result.levels[result.in_time]]
    ran = result.levels[result.levels >= 0]
    return {
        "frames": len(result.levels),
        "misses": float(1 - result.in_time.mean()),
        "accuracy_in_time": float(reached.mean()),
        "correct_in_time": float(reached.sum() / len(result.levels)),
        "level_shares": [float(np.mean(ran == n)) for n in range(len(scores))],
        "switches": float(np.mean(ran[1:] != ran[:-1])),
    }


def battery(costs: list[int], scores: np.ndarray, machine: Machine) -> dict[str, Any]:
    """So many inferences from a battery that lasts for them at level 1 and a third.

    Energy goes with time, and the last half draws a tenth more (a colder day).
    """
    base = [
        (cost + machine.other_instructions) * machine.cycles / machine.hertz
        for cost in costs
    ]
    middle = min(1, len(costs) - 1)
    whole = round(BATTERY_INFERENCES * base[middle] * 4 / 3 * MICRO)
    found = {}
    for name in [*(f"level {n}" for n in range(len(costs))), "governor"]:
        rng = np.random.default_rng(1)
        governor = Governor(costs)
        left, done = whole, []
        for number in range(BATTERY_INFERENCES):
            remaining = BATTERY_INFERENCES - number
            if name != "governor":
                level = int(name.split()[1])
            elif number < 2:
                level = governor.at(number * (len(costs) - 1))
            else:
                level = governor.before(left // remaining)
            more = 1.1 if number >= BATTERY_INFERENCES / 2 else 1.0
            noise = 1 + abs(rng.normal(0, machine.jitter))
            used = round(base[level] * more * noise * MICRO)
            if used > left:
                break
            governor.after(used)
            left -= used
            done.append(level)
        found[name] = {
            "done": len(done) / BATTERY_INFERENCES,
            "left": left / whole,
            "correct": float(scores[done].sum() / BATTERY_INFERENCES),
        }
    return found


def simulate(metadata: LevelsMetadata, core: str, load: Load) -> dict[str, Any]:
    """All policies over all seeds, and one scene's course for the plot."""
    machine = Machine()
    costs = [int(count or 0) for count in metadata.instructions[core]]
    scores = np.array([one.score for one in metadata.levels], float)
    runs: dict[str, list[dict[str, Any]]] = {}
    course: dict[str, list[float]] = {}
    for seed in SEEDS:
        scene = draw(load, machine, seed)
        for name, (pick, learn) in policies(len(costs), costs, scene, machine).items():
            result = run(scene, load, machine, costs, pick, learn)
            runs.setdefault(name, []).append(figures(result, scores))
            if name == "governor" and seed == SEEDS[0]:
                course = {
                    "start": result.starts.tolist(),
                    "level": result.levels.tolist(),
                    "waiting": result.waiting.tolist(),
                    "in_time": result.in_time.tolist(),
                }
    return {
        "core": core,
        "instructions": costs,
        "accuracy": scores.tolist(),
        "accuracy_samples": metadata.samples,
        "seeds": list(SEEDS),
        "machine": dataclasses.asdict(machine),
        "load": dataclasses.asdict(load),
        "policies": {
            name: {
                key: np.mean([one[key] for one in several], axis=0).tolist()
                for key in several[0]
            }
            for name, several in runs.items()
        },
        "battery_inferences": BATTERY_INFERENCES,
        "battery": battery(costs, scores, machine),
        "course": course,
    }


def load_metadata(path: Path, core: str) -> LevelsMetadata:
    """The metadata of a file that has all that a simulation needs."""
    found = annotate.of_file(flatbuffer.load(read_bytes(path)))
    if found.metric != "accuracy" or any(one.score is None for one in found.levels):
        raise NestError(
            f"Expected an accuracy of every level in {path}. Received: none",
            hint=f"Measure it: keras-nest evaluate {path} --data test.npz --save",
        )
    if core not in found.instructions:
        raise NestError(
            f"Expected one of {', '.join(found.instructions)}. Received: {core}"
        )
    return found


def print_tables(facts: dict[str, Any]) -> None:
    table = Table(title=f"{facts['policies']['governor']['frames']:,.0f} frames a run")
    for column in ("policy", "missed", "accuracy in time", "correct in time"):
        table.add_column(column, justify="right" if table.columns else "left")
    for name, one in facts["policies"].items():
        keys = ("misses", "accuracy_in_time", "correct_in_time")
        table.add_row(name, *(f"{100 * one[key]:.2f} %" for key in keys))
    console = Console()
    console.print(table)
    table = Table(title=f"{BATTERY_INFERENCES:,} inferences from one battery")
    for column in ("policy", "done", "battery left", "correct"):
        table.add_column(column, justify="right" if table.columns else "left")
    for name, one in facts["battery"].items():
        table.add_row(
            name, *(f"{100 * one[key]:.2f} %" for key in ("done", "left", "correct"))
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="simulate_governor", description=__doc__)
    parser.add_argument(
        "model", type=Path, nargs="?", default=Path("out/quickstart/model.tflite")
    )
    parser.add_argument("--core", default="cortex-m4", help="default: cortex-m4")
    parser.add_argument("--seconds", type=float, default=600.0, help="default: 600")
    parser.add_argument("--out", type=Path, default=Path("docs/governor"))
    options = parser.parse_args()
    try:
        metadata = load_metadata(options.model, options.core)
    except NestError as error:
        raise SystemExit(f"Error: {error}") from error
    facts = simulate(metadata, options.core, Load(seconds=options.seconds))
    options.out.mkdir(parents=True, exist_ok=True)
    from governor_page import page, plot

    plot(facts, options.out / "simulation.png")
    del facts["course"]
    write_atomic(options.out / "simulation.json", json.dumps(facts, indent=2).encode())
    write_atomic(options.out / "README.md", page(facts).encode())
    print_tables(facts)


if __name__ == "__main__":
    main()
