"""Random ops whose levels are widths."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.format import Geometry, NestedOp, Segment, Widths
from tests.kernels.random_ops import random_geometry, random_tables


def random_widths_op(
    rng: np.random.Generator, kind: str, in_c: int | None = None
) -> NestedOp:
    """An op with widths; everything drawn at random but what is given."""
    sets = int(rng.choice([1, 1, 2, 4])) if kind == "fully_connected" else 1
    if in_c is None:
        in_c = int(rng.choice([1, 3, 4, 7, 8, 12, 16, 24])) * sets
    g = random_geometry(rng, kind, in_c)
    multiple = 1
    if kind == "depthwise_conv_2d":
        multiple = int(rng.choice([1, 1, 2]))
        g = dataclasses.replace(g, out_c=in_c * multiple)
    elif rng.random() < 0.4:
        g = dataclasses.replace(g, out_c=int(rng.integers(12, 24)))
    levels = int(rng.choice([1, 2, 3, 5]))
    return with_widths(rng, g, levels, random_widths(rng, g, levels, sets))


def random_widths(
    rng: np.random.Generator, g: Geometry, levels: int, sets: int = 1
) -> Widths:
    """Widths that an op of this shape can have."""
    if g.op == "depthwise_conv_2d":
        outputs = g.out_c // g.in_c * _rising(rng, levels, 1, g.in_c)
        return Widths(tuple(outputs.tolist()))
    outputs = _rising(rng, levels, 1, g.out_c)
    segments = _segments(rng, levels, g.in_c // sets)
    return Widths(tuple(outputs.tolist()), segments, sets)


def with_widths(
    rng: np.random.Generator, g: Geometry, levels: int, widths: Widths
) -> NestedOp:
    """An op of this shape with these widths."""
    op = random_tables(rng, g, levels, None)
    op.act_min = min(op.act_min, op.output_zero_point)
    op.act_max = max(op.act_max, op.output_zero_point)
    op.widths, op.level_of = widths, widths.level_of(g)
    return op


def active_only(op: NestedOp, x: np.ndarray, level: int) -> np.ndarray:
    """The input with the zero point where the level has none."""
    assert op.widths is not None
    return op.widths.only_active(op.geometry, x, op.input_zero_point, level)


def _rising(rng: np.random.Generator, levels: int, low: int, high: int) -> np.ndarray:
    counts = np.sort(rng.integers(low, high + 1, levels))
    if rng.random() < 0.6:
        counts[-1] = high
    return counts


def _segments(rng: np.random.Generator, levels: int, size: int) -> tuple[Segment, ...]:
    most = min(size, int(rng.choice([1, 1, 2, 3])))
    starts = sorted(rng.choice(size, most, replace=False).tolist())
    if rng.random() < 0.7:
        starts[0] = 0
    ends = [*starts[1:], size]
    counts = [
        _rising(rng, levels, int(i == 0), end - start)
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    return tuple(
        Segment(start, tuple(count.tolist()))
        for start, count in zip(starts, counts, strict=True)
    )
