"""What to say where a layer's pattern gains nothing on its target."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest import format as packed_format
from keras_nest.converter.choose import (
    TOLERANCE,
    Choice,
    Option,
    Request,
    dense_instructions,
    options_of,
)
from keras_nest.converter.costs import CostTable
from keras_nest.format import NEVER, NestedOp
from keras_nest.masks import PATTERNS, Pattern

# Of a level that keeps more of the weights than this, nobody expects a gain.
_DENSE = 0.75


@dataclasses.dataclass(frozen=True)
class Advice:
    """A layer that gains nothing over dense weights at some sparse level.

    Attributes:
        levels: Those levels.
        patterns: Names of patterns that gain at all of them, fastest first.
    """

    levels: tuple[int, ...]
    patterns: tuple[str, ...]


def advise(op: NestedOp, choice: Choice, costs: CostTable) -> Advice | None:
    """None where the fastest encoding beats dense weights at every sparse level.

    Args:
        op: An op with masks.
        choice: How it is packed.
        costs: The target's table.
    """
    without = _levels_without_gain(op, choice.fastest, choice.dense)
    if not without:
        return None
    return Advice(tuple(without), tuple(_faster_patterns(op, costs)))


def _faster_patterns(op: NestedOp, costs: CostTable) -> list[str]:
    found = []
    request = Request(costs, "speed")
    for name in PATTERNS:
        pattern = Pattern.parse(name)
        block = (pattern.rows, pattern.cols)
        g = op.geometry
        if block == op.block or g.in_c % block[1] or g.out_c < block[0]:
            continue
        other = with_block(op, block)
        dense = dense_instructions(other, costs)
        options = [
            option
            for option in options_of(other, request)
            if option.monotone and not _levels_without_gain(other, option, dense)
        ]
        if options:
            found.append((min(option.mean for option in options), name))
    return [name for _, name in sorted(found)]


def _levels_without_gain(op: NestedOp, option: Option, dense: int) -> list[int]:
    most = _DENSE * op.weights.size
    return [
        level
        for level, instructions in enumerate(option.instructions)
        if TOLERANCE * instructions > dense
        and packed_format.level_weights(op, level) <= most
    ]


def with_block(op: NestedOp, block: tuple[int, int]) -> NestedOp:
    """An op of the same shape and densities in another pattern, masks at random.

    For costs only: its weights are all 1.
    """
    rows, cols = block
    shape = (-(-op.geometry.out_c // rows), op.geometry.columns // cols)
    kept = [packed_format.level_weights(op, level) for level in range(op.levels)]
    bounds = np.asarray(kept) / op.weights.size * shape[0] * shape[1]
    ranks = np.random.default_rng(0).permutation(shape[0] * shape[1])
    grid = np.searchsorted(np.rint(bounds), ranks, side="right").reshape(shape)
    grid = np.where(grid < op.levels, grid, NEVER)
    level_of = grid.repeat(rows, axis=0)[: op.geometry.out_c].repeat(cols, axis=1)
    weights = np.where(level_of == NEVER, 0, 1).astype(np.int8)
    return dataclasses.replace(
        op, weights=weights, level_of=level_of.astype(np.uint8), block=block
    )
