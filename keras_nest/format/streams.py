"""The encoding "offsets": pairs of blocks, their input offsets beside their values."""

from __future__ import annotations

import numpy as np

from keras_nest.format.operation import FormatError, Int8Array, Int64Array


def pair_dtype(rows: int, cols: int) -> np.dtype:
    """Two blocks as stored: two offsets, then the values of both."""
    if rows * cols == 1:
        return np.dtype([("entries", [("offset", "<u2"), ("value", "<i2")], 2)])
    return np.dtype([("offsets", "<u2", 2), ("values", "i1", 2 * rows * cols)])


def pairs_of(per_group: Int64Array) -> int:
    """Pairs that row groups of so many entries take; each starts with a new one."""
    return int(np.sum((per_group + 1) // 2))


def slots_of(per_group: Int64Array) -> tuple[Int64Array, Int64Array]:
    """For each entry, its pair and its place (0 or 1) in the pair."""
    starts = np.cumsum((per_group + 1) // 2) - (per_group + 1) // 2
    before = np.cumsum(per_group) - per_group
    index = np.arange(int(per_group.sum())) - np.repeat(before, per_group)
    return np.repeat(starts, per_group) + index // 2, index % 2


def write(per_group: Int64Array, offsets: Int64Array, blocks: Int8Array) -> bytes:
    """The values section.

    Args:
        per_group: int64 `[row groups]`, entries of each.
        offsets: int64 `[entries]`.
        blocks: int8 `[entries, rows, cols]`.
    """
    _, rows, cols = blocks.shape
    pair, place = slots_of(per_group)
    stored = np.zeros(pairs_of(per_group), pair_dtype(rows, cols))
    if rows * cols == 1:
        stored["entries"]["offset"][pair, place] = offsets
        stored["entries"]["value"][pair, place] = blocks[:, 0, 0]
        return stored.tobytes()
    stored["offsets"][pair, place] = offsets
    values = np.zeros((len(stored), 2, rows, cols), np.int8)
    values[pair, place] = blocks
    if cols == 2:  # a0 b0 a1 b1: every second byte is one block's
        values = values.transpose(0, 2, 3, 1)
    stored["values"] = values.reshape(stored["values"].shape)
    return stored.tobytes()


def read(
    section: bytes, per_group: Int64Array, block: tuple[int, int]
) -> tuple[Int64Array, Int8Array]:
    """The inverse of `write`: offsets and blocks.

    Raises:
        FormatError: the empty half of a last pair is not zero.
    """
    rows, cols = block
    stored = np.frombuffer(section, pair_dtype(rows, cols))
    if rows * cols == 1:
        singles = stored["entries"]["value"]
        if np.any((singles < -128) | (singles > 127)):
            raise FormatError(
                "Expected int8 weights in a packed op. "
                f"Received: {singles.min()} to {singles.max()}."
            )
        offsets_of_pairs = stored["entries"]["offset"]
        values = singles.astype(np.int8).reshape(len(stored), 2, 1, 1)
    else:
        offsets_of_pairs = stored["offsets"]
        values = stored["values"].reshape(len(stored), 2, rows, cols)
    if cols == 2:
        values = stored["values"].reshape(len(stored), rows, cols, 2)
        values = values.transpose(0, 3, 1, 2)
    pair, place = slots_of(per_group)
    unused = np.ones((len(stored), 2), bool)
    unused[pair, place] = False
    if np.any(offsets_of_pairs[unused]) or np.any(values[unused]):
        raise FormatError(
            "Expected zeros after the last entry of a row in a packed op. "
            "Received: others."
        )
    offsets = offsets_of_pairs[pair, place].astype(np.int64)
    return offsets, values[pair, place]
