"""The packed forms that a core's kernels are made for, and their names in tables."""

from __future__ import annotations

from keras_nest.format import Candidate, NestedOp, candidates
from keras_nest.format.header import Header

_VECTOR_CORE = "cortex-m55"


def label(blob: bytes) -> str:
    """The encoding, with "dense top" where the densest level is stored apart."""
    header = Header.parse(blob)
    return header.encoding + (", dense top" if header.dense_top else "")


def fast(op: NestedOp, target: str) -> dict[str, bytes]:
    """The forms made for speed, all levels of one kind; by their labels.

    Where the format has none, the smaller form whose levels are all sparse.
    """
    found = {c.encoding: c.blob for c in _usable(op, target) if not c.dense_top}
    speed = {name: found[name] for name in ("offsets", "vectors") if name in found}
    other = "dense" if op.level_of is None else "blocks"
    return speed or {other: found[other]}


def everything(op: NestedOp, target: str) -> dict[str, bytes]:
    """Every form of a sparse op that the core has kernels for, by its label."""
    return {label(c.blob): c.blob for c in _usable(op, target) if c.encoding != "dense"}


def _usable(op: NestedOp, target: str) -> list[Candidate]:
    vectors = target == _VECTOR_CORE
    return [
        c
        for c in candidates(op)
        if (c.encoding != "vectors" or vectors)
        and (c.encoding != "dense" or c.folded == vectors)
    ]
