"""The cases of single shapes: every pattern in the fastest encoding of the core."""

from __future__ import annotations

from compare_dense.cases import (
    DENSITIES,
    SHAPES,
    patterns_of,
    random_input,
    random_op,
)
from compare_dense.measurement import Case
from keras_nest.format import FormatError, NestedOp, pack


def speed_blob(op: NestedOp, target: str) -> dict[str, bytes]:
    """The op in the encoding that the core's kernels take fastest, by its name."""
    encodings = ("offsets", "blocks")  # the latter holds every pattern of every shape
    if target == "cortex-m55":
        encodings = ("vectors", *encodings)
    for encoding in encodings:
        try:
            return {encoding: pack(op, encoding)}
        except FormatError:
            continue
    raise AssertionError("blocks hold every masked op")


def density_cases(target: str) -> list[Case]:
    """Every shape and pattern at every density, and our own dense kernel."""
    cases = []
    for name, geometry in SHAPES.items():
        x = random_input(geometry)
        dense = random_op(geometry, None, (1.0,))
        cases.append(Case(name, "dense", dense, {"dense": pack(dense, "dense")}, x))
        for pattern in patterns_of(geometry):
            op = random_op(geometry, pattern, DENSITIES)
            cases.append(Case(name, pattern, op, speed_blob(op, target), x))
    return cases
