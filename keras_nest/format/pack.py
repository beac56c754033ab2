"""Packs a nested op, in the smallest encoding or in one that is asked for."""

from __future__ import annotations

import dataclasses

from keras_nest.format.checks import check_op
from keras_nest.format.operation import ENCODINGS, FormatError, NestedOp
from keras_nest.format.write import blobs


@dataclasses.dataclass(frozen=True)
class Candidate:
    """One way to pack an op.

    Attributes:
        encoding: One of `ENCODINGS`.
        dense_top: The densest level is stored apart, dense.
        folded: Dense weights with biases for kernels with vector instructions.
        blob: The packed bytes.
    """

    encoding: str
    dense_top: bool
    folded: bool
    blob: bytes


def candidates(op: NestedOp) -> list[Candidate]:
    """Every way that the format has for `op`, the smallest of each kind.

    Raises:
        FormatError: `op` is inconsistent or can overflow.
    """
    check_op(op)
    found = []
    for encoding in ENCODINGS:
        for dense_top, folded in ((False, False), (True, False), (False, True)):
            smallest = min(blobs(op, encoding, dense_top, folded), key=len, default=b"")
            if smallest:
                found.append(Candidate(encoding, dense_top, folded, smallest))
    return found


def pack(
    op: NestedOp,
    encoding: str = "auto",
    optimize: str = "size",
    *,
    dense_top: bool = False,
    folded: bool = False,
) -> bytes:
    """Packs `op` into the bytes that the kernels read.

    `unpack` gives back an op that computes the same at every level. Blocks whose
    weights are all zero are not kept in a level: they compute nothing.

    Args:
        op: The op.
        encoding: `"dense"` (all levels have all weights), `"blocks"` (values and
            indices of the active blocks), `"lists"` (dense values once, index
            lists for the levels below the densest), `"offsets"` (values beside
            the places of their inputs), `"vectors"` (the same for vector
            instructions), or `"auto"` for the best one that can hold `op`.
        optimize: What `"auto"` goes by: `"size"` takes the smallest, never
            `"offsets"`; `"speed"` takes `"offsets"` wherever it can hold `op`, as the
            kernels in SIMD run it and `"dense"` only, else the smallest.
        dense_top: With `"offsets"` and `"vectors"`: store the densest of two levels or
            more apart, dense, and run it so.
        folded: With `"dense"`: add the biases that vector instructions need.

    Returns:
        The packed bytes; the same bytes for the same op.

    Raises:
        FormatError: `op` is inconsistent, can overflow, or cannot be held by the
            encoding asked for.
    """
    check_op(op)
    if encoding not in ("auto", *ENCODINGS):
        raise FormatError(
            f"Expected encoding 'auto' or one of {ENCODINGS}. Received: {encoding!r}."
        )
    if optimize not in ("size", "speed"):
        raise FormatError(
            f"Expected optimize 'size' or 'speed'. Received: {optimize!r}."
        )
    asked: tuple[str, ...] = (encoding,)
    if encoding == "auto":
        asked = ("dense", "blocks", "lists")
        if optimize == "speed":
            asked = (*asked, "offsets")
    written = [
        (name, blob) for name in asked for blob in blobs(op, name, dense_top, folded)
    ]
    if not written:
        masks = "no masks" if op.level_of is None else "masks"
        raise FormatError(
            f"Expected an op that the encoding {encoding!r} can hold. Received: "
            f"{op.geometry.op}, {op.levels} levels, {masks}, "
            f"block {op.block}, dense_top={dense_top}, folded={folded}.",
            hint="Use encoding='auto'.",
        )
    fast = [blob for name, blob in written if name == "offsets"]
    return min(fast or [blob for _, blob in written], key=len)
