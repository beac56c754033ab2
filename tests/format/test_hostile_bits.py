"""Bits that no op can have: Python and C refuse the same ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest.format import FormatError, Geometry, NestedOp, pack
from keras_nest.format.header import Header
from tests.format.test_hostile import both_refuse, verdicts
from tests.kernels.random_bits import with_bits

# 45 weights: the last group of a plane has three.
SHAPE = Geometry("fully_connected", 1, 1, 9, 1, 1, 5)
PLANE = 24


def op_of(four_bit_levels: int = 2) -> NestedOp:
    op = with_bits(np.random.default_rng(0), SHAPE, 3, four_bit_levels)
    op.shift[:] = -12
    op.input_zero_point = -7
    return op


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (19, 0),  # levels of 4 bits
        (19, 1),  # their tables would have another folded bias
        (19, 3),  # no other plane
        (19, 4),
        (12, 4),  # the flag
        (12, 4 + 8 + 16),  # widths, too
        (12, 1 + 4 + 16),
        (6, 1),  # encodings
        (6, 3),
        (5, 2),  # a depthwise op
        (11, 2),  # bytes of a count
        (10, 1),  # and of an index
        (18, 1),  # segments
        (112, 1),  # sets
        (116, 1),
    ],
)
def test_fields_that_do_not_fit(at: int, value: int) -> None:
    blob = bytearray(pack(op_of(), "dense", folded=True))
    assert verdicts(bytes(blob)) == (None, None)
    blob[at] = value
    python, c = verdicts(bytes(blob))
    assert python is not None and c is not None


def test_another_number_of_levels_of_4_bits_is_another_op() -> None:
    """Without folded biases nothing else says which levels they are."""
    blob = bytearray(pack(op_of(), "dense"))
    blob[19] = 1
    assert verdicts(bytes(blob)) == (None, None)
    blob[19] = 3
    both_refuse(blob, "Expected sections", "do not add up")


@pytest.mark.parametrize("four_bit_levels", [2, 3])
def test_an_upper_part_of_minus_8(four_bit_levels: int) -> None:
    packed = pack(op_of(four_bit_levels), "dense")
    start = Header.parse(packed).offsets[3]
    assert len(packed) - start == PLANE * (2 if four_bit_levels == 2 else 1)
    for weight in range(45):
        at = start + weight // 8 * 4 + weight % 4
        blob = bytearray(packed)
        blob[at] = blob[at] & 15 | 0x80 if weight % 8 < 4 else blob[at] & 240 | 8
        both_refuse(blob, "from -7 to 7", "do not add up")


def test_bits_behind_the_last_weight() -> None:
    packed = pack(op_of(), "dense")
    start = Header.parse(packed).offsets[3]
    for plane in (0, PLANE):
        for at, bit in ((21, 1), (22, 4), (23, 8)):  # lower halves
            blob = bytearray(packed)
            assert blob[start + plane + at] & 15 == 0
            blob[start + plane + at] |= bit
            both_refuse(blob, "behind the last weight", "do not add up")


def test_folded_biases_are_of_each_level() -> None:
    op = op_of()
    op.multiplier[:], op.bias[:] = op.multiplier[0], op.bias[0]
    blob = pack(op, "dense", folded=True)
    header = Header.parse(blob)
    assert header.tables == 1
    size = 4 * header.levels * SHAPE.out_c
    assert header.offsets[3] - header.offsets[2] == size
    for at in range(header.offsets[2], header.offsets[2] + size, 3):
        changed = bytearray(blob)
        changed[at] ^= 64
        both_refuse(changed, "folded biases", "do not add up")


def test_sums_that_overflow_at_one_of_the_two() -> None:
    """The weights of 4 bits may reach further than those of 8, and the reverse."""
    for weight, level in ((8, 0), (7, 2)):
        weights = np.full(SHAPE.weights_shape, weight, np.int8)
        op = dataclasses.replace(op_of(), weights=weights, input_zero_point=0)
        most = 128 * 9 * (16 if level == 0 else 7)
        op.bias[:] = -(1 << 30) + most + 1
        assert verdicts(pack(op, "dense")) == (None, None)
        blob = bytearray(pack(op, "dense"))
        header = Header.parse(bytes(blob))
        at = header.offsets[0] + 4 * header.tables * SHAPE.out_c
        at += 4 * SHAPE.out_c * header.level_table[level]
        blob[at : at + 4] = (-(1 << 30) + most - 128).to_bytes(4, "little", signed=True)
        both_refuse(blob, "accumulators below", "could overflow")


def test_what_pack_refuses() -> None:
    op = op_of()
    for bits in ((8, 8, 8), (4, 8, 4), (4, 8), (3, 4, 8), (4, 6, 8)):
        with pytest.raises(FormatError, match="4 or 8 bits for each of 3 levels"):
            pack(dataclasses.replace(op, bits=bits))
    for worst in (-121, 120):
        weights = op.weights.copy()
        weights[0, 0] = worst
        with pytest.raises(FormatError, match="from -120 to 119"):
            pack(dataclasses.replace(op, weights=weights))
    with pytest.raises(FormatError, match="multiples of 16"):
        pack(dataclasses.replace(op, bits=(4, 4, 4)))
    masked = dataclasses.replace(op, level_of=np.zeros_like(op.weights, np.uint8))
    with pytest.raises(FormatError, match="without masks"):
        pack(masked)
    with pytest.raises(FormatError, match="can hold"):
        pack(op, "blocks")
