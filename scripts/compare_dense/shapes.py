"""The cases of single shapes."""

from __future__ import annotations

import math

from compare_dense import packing
from compare_dense.cases import (
    CONVOLUTIONS,
    DENSITIES,
    FULLY_CONNECTED,
    SHAPES,
    TOP_DENSITIES,
    patterns_of,
    random_input,
    random_op,
)
from compare_dense.measurement import Case, Row

TOP_PATTERN = "1x4"


def density_cases(target: str) -> list[Case]:
    """Every shape and pattern at every density, and our own dense kernel."""
    cases = []
    for name, geometry in SHAPES.items():
        x = random_input(geometry)
        dense = random_op(geometry, None, (1.0,))
        cases.append(Case(name, "dense", dense, packing.fast(dense, target), x))
        for pattern in patterns_of(geometry):
            op = random_op(geometry, pattern, DENSITIES)
            cases.append(Case(name, pattern, op, packing.fast(op, target), x))
    return cases


def fastest(rows: list[Row]) -> list[Row]:
    """Of each shape and pattern, the encoding that takes least over the levels."""
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        kept = best.setdefault((row.name, row.pattern), row)
        if math.prod(row.instructions) < math.prod(kept.instructions):
            best[row.name, row.pattern] = row
    return list(best.values())


def top_cases(target: str) -> list[Case]:
    """Shapes whose densest level is dense, at sparsities (0.9, 0.7, 0.0)."""
    cases = []
    for name, geometry in (CONVOLUTIONS | FULLY_CONNECTED).items():
        op = random_op(geometry, TOP_PATTERN, TOP_DENSITIES)
        blobs = packing.everything(op, target)
        cases.append(Case(name, TOP_PATTERN, op, blobs, random_input(geometry)))
    return cases
