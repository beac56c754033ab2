"""Rings of blocks as counts and relative indices, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_nest.format.operation import (
    NEVER,
    FormatError,
    Int64Array,
    UInt8Array,
)

ZERO_BLOCK = -1  # in `source`: an escape or a filler, its values are zero


@dataclass(frozen=True)
class Rings:
    """Entries of all rings in stored order: row group, ring, column.

    Attributes:
        counts: int64 `[row groups, rings]`, entries of each ring.
        deltas: int64, blocks to advance from the entry before (from block 0 for
            the first of a ring).
        source: int64, flat index into the grid of blocks, or `ZERO_BLOCK`.
    """

    counts: Int64Array
    deltas: Int64Array
    source: Int64Array

    @property
    def balanced(self) -> bool:
        """Whether every row group has the same counts."""
        return bool(np.all(self.counts == self.counts[:1]))


def rings_of(grid: UInt8Array, rings: int) -> Rings:
    """Lists the blocks of `grid` with a level below `rings`.

    Args:
        grid: uint8 `[row groups, blocks per row]`, the level of each block.
        rings: Number of rings to list.
    """
    group, column = np.nonzero(grid < rings)
    ring = grid[group, column].astype(np.int64)
    order = np.lexsort((column, ring, group))
    cell = (group * rings + ring)[order]
    column = column[order]
    source = (group[order] * grid.shape[1] + column).astype(np.int64)
    counts = np.bincount(cell, minlength=len(grid) * rings)
    before = np.where(np.diff(cell, prepend=-1) == 0, np.roll(column, 1), 0)
    return Rings(counts.reshape(len(grid), rings), column - before, source)


def with_escapes(rings: Rings, largest: int) -> Rings:
    """`rings` with zero-valued blocks wherever a delta exceeds `largest`."""
    escapes = np.maximum(rings.deltas - 1, 0) // largest
    if not escapes.any():
        return rings
    entries = escapes + 1
    last = np.cumsum(entries) - 1
    deltas = np.full(last[-1] + 1, largest)
    deltas[last] = rings.deltas - largest * escapes
    source = np.full(len(deltas), ZERO_BLOCK)
    source[last] = rings.source
    cell = np.repeat(np.arange(rings.counts.size), rings.counts.ravel())
    counts = np.bincount(cell, weights=entries, minlength=rings.counts.size)
    return Rings(counts.astype(np.int64).reshape(rings.counts.shape), deltas, source)


def with_fillers(rings: Rings) -> Rings:
    """`rings` with zero-valued blocks at ring ends so that counts are balanced."""
    if rings.balanced:
        return rings
    groups = len(rings.counts)
    counts = np.repeat(rings.counts.max(0, keepdims=True), groups, 0)
    ends = np.cumsum(rings.counts.ravel())
    missing = (counts - rings.counts).ravel()
    at = np.repeat(ends, missing)
    return Rings(
        counts,
        np.insert(rings.deltas, at, 0),
        np.insert(rings.source, at, ZERO_BLOCK),
    )


def columns_of(rings: Rings, blocks_per_row: int) -> Int64Array:
    """The block column of every entry.

    Raises:
        FormatError: an entry lies past the end of its row.
    """
    total = np.cumsum(rings.deltas)
    starts = np.cumsum(rings.counts.ravel()) - rings.counts.ravel()
    before = np.concatenate([[0], total])[starts]
    columns: Int64Array = total - np.repeat(before, rings.counts.ravel())
    if columns.size and columns.max() >= blocks_per_row:
        raise FormatError(
            f"Expected blocks below {blocks_per_row} in a packed op's rows. "
            f"Received: block {columns.max()}."
        )
    return columns


def grid_of(rings: Rings, columns: Int64Array, blocks_per_row: int) -> UInt8Array:
    """The level of each block, 255 where no entry names it.

    Args:
        rings: Rings whose `source` is `ZERO_BLOCK` for entries to leave out.
        columns: The block column of every entry.
        blocks_per_row: Width of the grid.

    Raises:
        FormatError: a block is named twice.
    """
    groups, levels = rings.counts.shape
    cell = np.repeat(np.arange(rings.counts.size), rings.counts.ravel())
    kept = rings.source != ZERO_BLOCK
    at = (cell // levels * blocks_per_row + columns)[kept]
    if np.unique(at).size != at.size:
        raise FormatError(
            "Expected each block at most once in a packed op. "
            "Received: a block that is named twice."
        )
    grid = np.full(groups * blocks_per_row, NEVER, np.uint8)
    grid[at] = (cell % levels)[kept]
    return grid.reshape(groups, blocks_per_row)
