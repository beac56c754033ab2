"""The densest level dense: what the sparser ones, and the densest, then cost."""

from __future__ import annotations

from compare_dense.cases import (
    CONVOLUTIONS,
    FULLY_CONNECTED,
    TOP_DENSITIES,
    random_input,
    random_op,
)
from compare_dense.measurement import Case
from keras_nest.format import FormatError, pack

PATTERN = "1x4"


def cases(target: str) -> list[Case]:
    """Every shape nested at sparsities (0.9, 0.7, 0.0), in every encoding."""
    made = []
    for name, geometry in (CONVOLUTIONS | FULLY_CONNECTED).items():
        op = random_op(geometry, PATTERN, TOP_DENSITIES)
        blobs = {}
        for encoding in ("offsets", "vectors", "blocks", "lists"):
            try:
                blobs[encoding] = pack(op, encoding)
            except FormatError:
                continue
        made.append(Case(name, PATTERN, op, blobs, random_input(geometry)))
    return made
