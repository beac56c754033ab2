"""Levels of bits: the weights in two planes of four bits, of which a level of 4 bits
reads the upper one alone.

The layout is that of the values section: tflm_ops/include/nest/format.h. A weight q is
16 * upper + lower, with upper = q / 16 rounded to the nearest, halves up.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from keras_nest.format.operation import (
    FormatError,
    Geometry,
    Int8Array,
    NestedOp,
    UInt8Array,
    four_bits,
)

WIDTHS = (4, 8)  # of a weight, on the device
LOWEST, HIGHEST = -120, 119  # what upper from -7 to 7 and lower from -8 to 7 make
GROUP = 8  # weights that lie together in a plane
# NEST_BITS_WEIGHTS, NEST_BITS_ROWS: what is unpacked at a time
_MOST_WEIGHTS, _MOST_ROWS = 16384, 128


def four_bit_levels(bits: Sequence[int]) -> int:
    """How many levels read the upper plane only."""
    return sum(one == WIDTHS[0] for one in bits)


def plane_bytes(g: Geometry) -> int:
    """Bytes of a plane."""
    return -(-g.columns * g.out_c // GROUP) * GROUP // 2


def planes(weights: Int8Array, both: bool) -> Int8Array:
    """The values section of an op.

    Args:
        weights: int8 `[out_c, columns]`, from -120 to 119.
        both: Whether a level has 8 bits: the plane of the lower parts follows.
    """
    flat = weights.reshape(-1).astype(np.int16)
    filled = np.zeros(-(-flat.size // GROUP) * GROUP, np.int16)
    filled[: flat.size] = flat + 8
    parts = [filled >> 4, filled][: 1 + both]
    return np.concatenate([_plane((part & 15).astype(np.uint8)) for part in parts])


def read_planes(values: bytes, g: Geometry, both: bool) -> Int8Array:
    """The weights of `planes`.

    Raises:
        FormatError: an upper part of -8, or something behind the last weight.
    """
    size = plane_bytes(g)
    parts = [
        _parts(np.frombuffer(values, np.uint8, size, start))
        for start in range(0, (1 + both) * size, size)
    ]
    weights = g.columns * g.out_c
    if any(np.any(part[weights:]) for part in parts):
        raise FormatError(
            "Expected zeros behind the last weight of a packed op. Received: others."
        )
    upper = (parts[0] ^ 8).astype(np.int16) - 8
    if upper.min() == -8:
        raise FormatError(
            "Expected upper parts of weights from -7 to 7 in a packed op. Received: -8."
        )
    found = 16 * upper + (parts[1].astype(np.int16) - 8 if both else 0)
    return found[:weights].astype(np.int8).reshape(g.weights_shape)


def _plane(parts: np.ndarray) -> Int8Array:
    """Values from 0 to 15, the first four of each eight in the upper halves."""
    fours = parts.reshape(-1, 2, GROUP // 2)
    return (fours[:, 0] << 4 | fours[:, 1]).reshape(-1).view(np.int8)


def _parts(plane: UInt8Array) -> UInt8Array:
    halves = plane.reshape(-1, 1, GROUP // 2)
    return np.concatenate([halves >> 4, halves & 15], axis=1).reshape(-1)


def check_bits(op: NestedOp) -> None:
    """Raises FormatError if the format cannot hold these bits of these weights."""
    assert op.bits is not None
    falls = any(a > b for a, b in itertools.pairwise(op.bits))
    known = set(op.bits) <= set(WIDTHS) and op.bits[:1] == WIDTHS[:1]
    if len(op.bits) != op.levels or falls or not known:
        raise FormatError(
            f"Expected 4 or 8 bits for each of {op.levels} levels, the first of 4, "
            f"that do not fall. Received: {op.bits}."
        )
    if op.geometry.op == "depthwise_conv_2d" or op.widths or op.level_of is not None:
        raise FormatError(
            "Expected levels of bits in a convolution or fully connected op without "
            f"masks. Received: {op.geometry.op}, with masks or widths."
        )
    if op.weights.min() < LOWEST or op.weights.max() > HIGHEST:
        raise FormatError(
            f"Expected weights from {LOWEST} to {HIGHEST} with levels of bits. "
            f"Received: {op.weights.min()} to {op.weights.max()}."
        )
    if op.bits[-1] == WIDTHS[0] and np.any(op.weights != four_bits(op.weights)):
        raise FormatError(
            "Expected multiples of 16 as the weights of levels that all have 4 bits. "
            "Received: others."
        )


def part_rows(g: Geometry) -> int:
    """Output channels that are unpacked at a time: nest_bits_rows."""
    rows = _MOST_WEIGHTS // g.columns // GROUP * GROUP
    return min(max(rows, GROUP), _MOST_ROWS, g.out_c)


def unpacked_bytes(g: Geometry) -> int:
    """Scratch memory that they take."""
    return -(-part_rows(g) * g.columns // GROUP) * GROUP
