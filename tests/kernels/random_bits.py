"""Random ops whose levels are bits of the weights."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.format import Geometry, NestedOp
from tests.kernels.random_ops import random_geometry, random_tables

KINDS = ("conv_2d", "fully_connected")


def random_bits_op(rng: np.random.Generator, kind: str | None = None) -> NestedOp:
    """An op of levels of 4 and 8 bits; everything drawn at random but its kind."""
    kind = kind or str(rng.choice(KINDS))
    in_c = int(rng.choice([1, 2, 3, 4, 7, 8, 16, 20, 33, 64]))
    g = random_geometry(rng, kind, in_c)
    if rng.random() < 0.3:
        g = dataclasses.replace(g, out_c=int(rng.integers(12, 40)))
    levels = int(rng.choice([1, 2, 2, 3, 5]))
    return with_bits(rng, g, levels, int(rng.integers(1, levels + 1)))


def with_bits(
    rng: np.random.Generator, g: Geometry, levels: int, four_bit_levels: int
) -> NestedOp:
    """An op of this shape of which so many levels have 4 bits."""
    op = random_tables(rng, g, levels, None)
    weights = rng.integers(-120, 120, g.weights_shape).astype(np.int8)
    if rng.random() < 0.3:  # ends, and halves that round up
        weights = rng.choice(
            np.array([-120, -105, -104, -8, 7, 8, 119], np.int8), g.weights_shape
        )
    bits = (4,) * four_bit_levels + (8,) * (levels - four_bit_levels)
    op = dataclasses.replace(op, weights=weights, bits=bits)
    if bits[-1] == 4:
        op = dataclasses.replace(op, weights=op.at(0))
    return op
