"""Accuracy against what an inference costs, a line for each way to train."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from reproduce.gather import TITLES, Column, Result, mean, spread
from reproduce.pages import sections

matplotlib.use("Agg")
import matplotlib.pyplot as plt

_COLORS = {
    "tfmot": "#8c6d31",
    "separate": "#7f7f7f",
    "separate-best": "#3d3d3d",
    "us-net": "#e07a1f",
    "dress": "#2a9d8f",
    "lcs": "#9b3fa8",
    "reds": "#c8324b",
    "nested-sparse": "#6aa0d8",
    "best": "#1f5fbf",
}
_COSTS = {
    "macs": "million multiply-accumulates of an image",
    "instructions": "million instructions of the Cortex-M4, predicted",
}


def draw(results: Sequence[Result], path: Path) -> None:
    """Writes a .png: a row of panels for each set of levels.

    Args:
        results: Of all runs of one network and data set, with one section or more.
        path: The file.
    """
    sets = sections(results)
    figure, axes = plt.subplots(
        len(sets), 2, figsize=(11, 4.2 * len(sets)), sharey="row", squeeze=False
    )
    for row, columns in zip(axes, sets, strict=True):
        for axis, (key, label) in zip(row, _COSTS.items(), strict=True):
            for column in columns:
                _line(axis, column, key)
            axis.set_xlabel(label)
            axis.grid(color="#e5e5e5", lw=0.8)
            axis.set_axisbelow(True)
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
        row[0].set_ylabel("test accuracy, int8 in TFLM (%)")
        row[1].legend(frameon=False, fontsize=9, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _line(axis: Any, column: Column, key: str) -> None:
    points = []
    for level in range(len(column.levels)):
        accuracy = column.values(level, "int8")
        x, y = mean(column.values(level, key)), mean(accuracy)
        if x is not None and y is not None:
            points.append((x / 1e6, 100 * y, 100 * (spread(accuracy) or 0.0)))
    if points:
        xs, ys, error = zip(*points, strict=True)
        axis.errorbar(
            xs,
            ys,
            yerr=error if any(error) else None,
            label=TITLES[column.name],
            color=_COLORS[column.name],
            marker="o",
            markersize=4,
            lw=2.2 if column.name == "best" else 1.4,
            capsize=2,
            zorder=3 if column.name == "best" else 2,
        )
