"""Masks of levels that mix: sparsities between the channels that a level keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.masks import NEVER, Pattern, block_scores, kept_counts

Array = np.ndarray[Any, Any]


def level_of_mixed(
    scores: Array,
    channels: Array,
    sparsities: Sequence[float],
    pattern: Pattern,
    held: Array | None = None,
) -> Array:
    """Ranks the weights between the channels of each level, the lowest level first.

    A level keeps all that the one below keeps, and of the other blocks between its own
    channels those with the highest scores: levels are nested whatever their sparsities.
    A block that reaches beyond a level's channels is not between them.

    Args:
        scores: [rows, columns] importance of each weight, for example its magnitude.
        channels: [rows, columns] the lowest level that has both the input and the
            output channel of a weight, 255 for none.
        sparsities: By level, the share of the weights between its channels that it
            leaves out, to the nearest block; less where the level below keeps more.
        pattern: See `keras_nest.masks.level_of`.
        held: `level_of` so far, uint8 [rows, columns], constant within each block: what
            a sparser level holds goes first.

    Returns:
        uint8 [rows, columns]: the lowest level that keeps the weight, 255 for none.
    """
    rows, columns = scores.shape
    if columns % pattern.cols:
        raise NestError(
            f"Expected a multiple of {pattern.cols} columns for pattern {pattern}. "
            f"Received: scores of shape {scores.shape}"
        )
    shape = pattern.units(rows, columns)
    score = -block_scores(scores, pattern).reshape(shape)
    first = _highest(channels, pattern).reshape(shape)
    lowest = np.zeros(shape, np.uint8)
    if held is not None:
        lowest = held[:: pattern.rows, :: pattern.cols].reshape(shape)
    found = np.full(shape, NEVER, np.uint8)
    for level, sparsity in enumerate(sparsities):
        inside = first <= level
        free = inside & (found == NEVER)
        taken = (found != NEVER).sum(axis=1)
        counts = [kept_counts(int(n), (sparsity,))[0] for n in inside.sum(axis=1)]
        more = np.maximum(np.asarray(counts) - taken, 0)
        order = np.lexsort((score, lowest, ~free), axis=1)
        chosen = np.zeros(shape, bool)
        ranks = np.arange(shape[1]) < more[:, None]
        np.put_along_axis(chosen, order, ranks, axis=1)
        found[chosen & free] = level
    groups = found.reshape(-1, columns // pattern.cols)
    return groups.repeat(pattern.cols, axis=1).repeat(pattern.rows, axis=0)[:rows]


def _highest(values: Array, pattern: Pattern) -> Array:
    """The highest value of each block, [row groups, blocks in a row]."""
    rows, columns = values.shape
    groups = -(-rows // pattern.rows)
    padded = np.zeros((groups * pattern.rows, columns), values.dtype)
    padded[:rows] = values
    parts = padded.reshape(groups, pattern.rows, columns // pattern.cols, pattern.cols)
    return np.asarray(parts.max(axis=(1, 3)))
