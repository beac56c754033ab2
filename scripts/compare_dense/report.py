"""Markdown tables of what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from compare_dense import recorded
from compare_dense.cases import CONVOLUTIONS, PATTERNS, SHAPES
from compare_dense.measurement import Row

if TYPE_CHECKING:
    from compare_dense.nets import Net
    from compare_dense.rivals import Rival

KINDS = {"dense": "conv, fully connected", "depthwise": "depthwise"}


def table(header: list[str], lines: Iterable[list[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *lines))


def densities(rows: list[Row], target: str) -> str:
    """Every shape and pattern: how many times faster than CMSIS-NN."""
    levels = next(row.densities for row in rows if row.pattern != "dense")[::-1]
    header = ["shape", "pattern", "encoding", *map(_percent, levels)]
    header += ["CMSIS-NN", "recorded", "own at 100 %", "scratch bytes", "packed bytes"]
    lines = []
    for row in rows:
        speedups = _ratios(recorded.baseline_speedups(row, target))
        speedups += [""] * (len(levels) - len(speedups))
        newer = recorded.kernel(row.name, target)
        lines.append(
            [row.name, row.pattern, row.encoding, *speedups]
            + [f"{row.cmsis_nn[-1]:,}", "" if newer is None else f"{newer:,}"]
            + [f"{n:,}" for n in _costs(row)]
        )
    return table(header, lines)


def means(rows: list[Row], target: str) -> str:
    """Geometric means over the four convolutions, against three dense kernels."""
    convolutions = [row for row in rows if row.name in CONVOLUTIONS]
    own = {row.name: row for row in convolutions if row.pattern == "dense"}
    levels = next(row.densities for row in rows if row.pattern != "dense")[::-1]
    against = {
        "CMSIS-NN 4.0.0": lambda row: row.speedups,
        "CMSIS-NN 4ab83cc3, recorded": lambda row: recorded.speedups(row, target),
        "our dense kernel": lambda row: [
            own[row.name].instructions[0] / n for n in row.instructions
        ],
    }
    lines = []
    for pattern in ("dense", *PATTERNS):
        chosen = [row for row in convolutions if row.pattern == pattern]
        for name, speedups in against.items():
            found = [speedups(row) for row in chosen]
            if not chosen or None in found or (pattern == "dense" and "our" in name):
                continue
            values = [
                f"{recorded.geometric_mean(level):.2f}"
                for level in zip(*found, strict=True)
            ][::-1]
            lines.append([pattern, name, *values, *[""] * (len(levels) - len(values))])
    return table(["pattern", "against", *map(_percent, levels)], lines)


def tops(rows: list[Row], target: str) -> str:
    """The densest level dense: each encoding's speed and bytes."""
    header = ["shape", "encoding", *map(_percent, rows[0].densities[::-1])]
    header += ["packed bytes", "over the weights"]
    lines = []
    for row in rows:
        speedups = _ratios(recorded.baseline_speedups(row, target))
        weights = math.prod(SHAPES[row.name].weights_shape)
        size = [f"{row.weight_bytes:,}", f"{row.weight_bytes / weights:.2f}"]
        lines.append([row.name, row.encoding, *speedups, *size])
    return table(header, lines)


def nets(measured: list[Net], recorded_sums: dict[str, dict[str, int] | None]) -> str:
    """Sums over the layers of nets, depthwise ones apart, and their ratios."""
    levels = max(len(net.sparsities) for net in measured)
    header = ["net", "sparsities", "layers", "CMSIS-NN", "recorded"]
    header += [f"level {level}" for level in range(levels)] + [".tflite bytes"]
    lines = []
    for net in measured:
        for kind, shown in KINDS.items():
            newer = (recorded_sums.get(net.name) or {}).get(kind)
            ours = net.total(kind, lambda row: row.instructions)
            theirs = net.total(kind, lambda row: row.cmsis_nn)
            if not ours:
                continue
            cells = [
                f"{own:,} ({own / dense:.3f})"
                for own, dense in zip(ours, theirs, strict=True)
            ]
            cells += [""] * (levels - len(cells))
            sums = [f"{theirs[-1]:,}", f"{newer:,}" if newer else ""]
            sparsities = " ".join(map(str, net.sparsities))
            lines.append(
                [net.name, sparsities, shown, *sums, *cells, f"{net.tflite_bytes:,}"]
            )
    return table(header, lines)


def rivals(ways: list[Rival]) -> str:
    """Ways to have several accuracies."""
    levels = range(len(ways[0].instructions))
    header = ["way", "flash bytes", *[f"level {level}" for level in levels]]
    header += ["RAM for weights", "to switch"]
    lines = []
    for way in ways:
        counts = [f"{n:,}" for n in (way.flash_bytes, *way.instructions, way.ram_bytes)]
        lines.append([way.name, *counts, way.switch])
    return table(header, lines)


def _costs(row: Row) -> tuple[int, int, int]:
    return row.instructions[-1], row.scratch_bytes, row.weight_bytes


def _ratios(speedups: list[float]) -> list[str]:
    """From the densest level on, as densities are shown."""
    return [f"{value:.2f}" for value in speedups[::-1]]


def _percent(density: float) -> str:
    return f"{100 * density:.0f} %"
