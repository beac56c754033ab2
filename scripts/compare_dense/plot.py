"""Speed-up over CMSIS-NN's dense kernels against density, one panel a shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

from compare_dense import recorded
from compare_dense.cases import CONVOLUTIONS, FULLY_CONNECTED, PATTERNS
from compare_dense.measurement import Row

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_COLORS = {
    "element": "#7f7f7f",
    "1x2": "#2a9d8f",
    "1x4": "#1f5fbf",
    "1x16": "#e07a1f",
    "4x4": "#9b3fa8",
    "4x16": "#c8324b",
}
_TWINS = {"1x16": "1x4", "4x16": "4x4"}  # may be stored as the other, and run alike
_ALIKE = 0.05


def draw(rows: list[Row], target: str, stem: Path) -> None:
    """Writes `stem`.png and `stem`.svg.

    Args:
        rows: Of `shapes.density_cases`.
        target: The core.
        stem: Path without suffix.
    """
    panels = [*CONVOLUTIONS, *FULLY_CONNECTED]
    plt.rcParams.update({"svg.hashsalt": "keras-nest", "svg.fonttype": "none"})
    rows, names = _without_twins(rows)
    figure, axes = plt.subplots(2, 3, figsize=(11, 7.2), sharex=True, sharey=True)
    for axis, name in zip(axes.flat, panels, strict=True):
        chosen = [row for row in rows if row.name == name]
        _panel(axis, chosen, target)
        kind = "fully connected" if name in FULLY_CONNECTED else "conv"
        axis.set_title(f"{kind} {name.replace('-', '→')}", fontsize=10, loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("density: share of the weights that are kept")
    for axis in axes[:, 0]:
        axis.set_ylabel("speed-up over dense CMSIS-NN")
    handles = [
        plt.Line2D([], [], color=_COLORS[name], marker="o", markersize=4, label=label)
        for name, label in names.items()
    ]
    handles += [
        plt.Line2D([], [], color="black", ls="--", lw=1.2, label="our dense kernel"),
        plt.Line2D([], [], color="black", lw=1.2, label="CMSIS-NN, dense"),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=8, frameon=False)
    version = "4ab83cc3" if recorded.is_baseline(target) else "4.0.0"
    figure.suptitle(
        f"{target.replace('cortex-m', 'Cortex-M')}: executed instructions of CMSIS-NN "
        f"{version}, dense, over those of nested sparse kernels",
        x=0.01,
        ha="left",
        fontsize=12,
    )
    figure.tight_layout(rect=(0, 0.045, 1, 0.985))
    figure.savefig(stem.with_suffix(".png"), dpi=100)
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)


def _without_twins(rows: list[Row]) -> tuple[list[Row], dict[str, str]]:
    """The rows without patterns that cost what another one does, and labels."""
    found = {(row.name, row.pattern): row.speedups for row in rows}
    names = {
        name: name for name in PATTERNS if any(row.pattern == name for row in rows)
    }
    for twin, other in _TWINS.items():
        pairs = [
            (values, found[name, other])
            for (name, pattern), values in found.items()
            if pattern == twin
        ]
        if pairs and all(
            abs(a / b - 1) < _ALIKE
            for left, right in pairs
            for a, b in zip(left, right, strict=True)
        ):
            names[other] = f"{other}, {twin}"
            del names[twin]
    return [row for row in rows if row.pattern in (*names, "dense")], names


def _panel(axis: Any, rows: list[Row], target: str) -> None:
    axis.axhline(1, color="black", lw=1.2, zorder=1)
    for row in rows:
        values = recorded.baseline_speedups(row, target)
        if row.pattern == "dense":
            axis.axhline(values[0], color="black", ls="--", lw=1.2, zorder=1)
        else:
            axis.plot(
                [100 * density for density in row.densities],
                values,
                color=_COLORS[row.pattern],
                marker="o",
                markersize=4,
                lw=1.6,
            )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(110, 9)
    ticks = [100, 50, 30, 20, 10]
    axis.set_xticks(ticks, [f"{tick} %" for tick in ticks])
    axis.set_xticks([], minor=True)
    steps = [0.25, 0.5, 1, 2, 4, 8, 16]
    axis.set_yticks(steps, [f"{step:g}×" for step in steps])
    axis.set_yticks([], minor=True)
    axis.grid(axis="y", color="#e5e5e5", lw=0.8, zorder=0)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
