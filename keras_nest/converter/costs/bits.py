"""Levels of bits: the dense kernels, part by part, and what unpacking takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import DSP, MVE, PORTABLE, Run
from keras_nest.format.bits import GROUP, part_rows

# Instructions of a part, and of a group of weights of 4 and of 8 bits: as counted in
# QEMU of ops of two sizes (tests/bench/test_bits_cost.py holds them to that).
_UNPACKING = {
    PORTABLE: (285.0, 9.0, 25.0),
    DSP: (260.0, 3.25, 10.5),
    MVE: (350.0, 1.5, 2.5),
}


def run(
    packed: Packed, level: int, simd: str, dense: Callable[[Packed, int, str], Run]
) -> Run:
    """nest_run_bits.

    Args:
        packed: The op.
        level: Which level.
        simd: The kernels of the core.
        dense: What runs a part.
    """
    g = packed.geometry
    most = part_rows(g)
    features: dict[str, float] = {}
    part_cost, *group_costs = _UNPACKING[simd]
    unpacking = 0.0
    for first in range(0, g.out_c, most):
        rows = min(most, g.out_c - first)
        one = dense(packed.part(first, rows), level, simd)
        for name, value in one.features.items():
            features[name] = features.get(name, 0) + value
        each = group_costs[level >= packed.header.four_bit_levels]
        unpacking += part_cost + each * -(-rows * g.columns // GROUP)
    if "clamped" in features:  # all parts together
        features["clamped"] = g.out_h * g.out_w * g.out_c * packed.clamped
    return dataclasses.replace(one, features=features, unpacking=unpacking)
