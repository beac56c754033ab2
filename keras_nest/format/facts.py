"""What a packed op says about itself: sizes, counts, and the bound on both."""

from __future__ import annotations

import numpy as np

from keras_nest.format.header import Header
from keras_nest.format.operation import NestedOp


def encoding_of(blob: bytes) -> str:
    """One of `ENCODINGS`.

    Raises:
        FormatError: `blob` does not start with a valid header.
    """
    return Header.parse(blob).encoding


def variant_of(blob: bytes) -> str:
    """The encoding with its flags: `"offsets + dense"`, `"folded dense"`.

    Raises:
        FormatError: `blob` does not start with a valid header.
    """
    return Header.parse(blob).variant


def pattern_of(op: NestedOp) -> str:
    """What a level leaves out together: `"1x2"`, rows x columns of a block; `"channel"`
    where levels are widths, `"bits"` where they are bits; `"-"` where all have all
    weights."""
    if op.bits is not None:
        return "bits"
    if op.widths is not None:
        return "channel"
    return "-" if op.level_of is None else f"{op.block[0]}x{op.block[1]}"


def section_sizes(blob: bytes) -> dict[str, int]:
    """Bytes of `header`, `tables`, `counts`, `indices`, `values`, and `total`.

    Alignment bytes count for the section before them.

    Raises:
        FormatError: `blob` does not start with a valid header.
    """
    header = Header.parse(blob)
    edges = (0, *header.offsets, header.total_bytes)
    names = ("header", "tables", "counts", "indices", "values")
    sizes = {n: b - a for n, a, b in zip(names, edges, edges[1:], strict=False)}
    return {**sizes, "total": header.total_bytes}


def level_nonzeros(op: NestedOp, level: int) -> int:
    """Non-zero weights of `op` at `level`."""
    return int(np.count_nonzero(op.at(level)))


def level_weights(op: NestedOp, level: int) -> int:
    """Weights that `op` computes with at `level`, zero-valued ones included."""
    return int(np.count_nonzero(op.mask(level)))


def entropy_bound(op: NestedOp) -> float:
    """Bytes that no format of this kind can go below, without tables and header.

    8 bits for each weight of the densest level plus, for each block, the entropy of
    the distribution of `level_of` over the blocks (blocks taken as independent).
    """
    if op.level_of is None:
        return op.weights.size * (8 if op.bits is None else max(op.bits)) / 8
    grid = op.level_of[:: op.block[0], :: op.block[1]]
    share = np.unique(grid, return_counts=True)[1] / grid.size
    bits = -grid.size * float(np.sum(share * np.log2(share)))
    return level_weights(op, op.levels - 1) + bits / 8
