"""Widths that no op can have: Python and C refuse the same ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest.format import (
    FormatError,
    Geometry,
    NestedOp,
    Segment,
    Widths,
    pack,
    unpack,
)
from keras_nest.format.header import Header
from tests.format.test_hostile import both_refuse, verdicts
from tests.kernels.random_widths import with_widths

SHAPES = {
    "conv_2d": Geometry("conv_2d", 3, 3, 8, 3, 3, 6, 1, 1),
    "depthwise_conv_2d": Geometry("depthwise_conv_2d", 3, 3, 4, 3, 3, 8, 1, 1),
    "fully_connected": Geometry("fully_connected", 1, 1, 16, 1, 1, 6),
}
WIDTHS = {
    "conv_2d": Widths((2, 4, 6), (Segment(0, (1, 2, 4)), Segment(4, (0, 2, 4)))),
    "depthwise_conv_2d": Widths((2, 4, 8)),
    "fully_connected": Widths((2, 4, 6), (Segment(1, (1, 2, 7)),), 2),
}


def op_of(kind: str, folded: bool = False) -> NestedOp:
    op = with_widths(np.random.default_rng(0), SHAPES[kind], 3, WIDTHS[kind])
    op.input_zero_point, op.output_zero_point = -7, 3
    op.act_min, op.act_max = -100, 100
    return op


def with_numbers(kind: str, changes: dict[int, int]) -> bytearray:
    """The packed op with other numbers in its counts section."""
    blob = bytearray(pack(op_of(kind), "dense"))
    header = Header.parse(bytes(blob))
    assert header.count_bytes == 2
    start = header.offsets[1]
    numbers = np.frombuffer(blob, "<u2", header.count_entries, start)
    assert numbers.tolist() == WIDTHS[kind].numbers()
    for at, value in changes.items():
        blob[start + 2 * at] = value
    return blob


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("conv_2d", {0: 0}),  # no output
        ("conv_2d", {0: 5}),  # falls
        ("conv_2d", {2: 7}),  # more than there are
        ("conv_2d", {4: 0}),  # no input at all
        ("conv_2d", {5: 0}),  # falls
        ("conv_2d", {6: 5}),  # into the next segment
        ("conv_2d", {7: 3}),  # begins in the one before
        ("conv_2d", {7: 8}),  # begins behind the last channel
        ("conv_2d", {10: 5}),  # ends behind the last channel
        ("depthwise_conv_2d", {0: 1}),  # half of an input
        ("depthwise_conv_2d", {2: 10}),
        ("fully_connected", {3: 8}),
        ("fully_connected", {6: 8}),
    ],
)
def test_numbers_that_no_op_has(kind: str, changes: dict[int, int]) -> None:
    assert verdicts(bytes(with_numbers(kind, {}))) == (None, None)
    both_refuse(with_numbers(kind, changes), "Expected valid", "packed field")


@pytest.mark.parametrize(
    ("kind", "at", "value"),
    [
        ("conv_2d", 18, 0),  # segments
        ("conv_2d", 18, 3),
        ("conv_2d", 112, 0),  # sets
        ("conv_2d", 112, 2),
        ("conv_2d", 115, 1),
        ("conv_2d", 19, 1),
        ("conv_2d", 116, 1),
        ("depthwise_conv_2d", 18, 1),
        ("depthwise_conv_2d", 112, 0),
        ("fully_connected", 112, 0),
        ("fully_connected", 112, 3),
        ("fully_connected", 112, 32),
        ("conv_2d", 12, 0),  # the flag
        ("conv_2d", 11, 0),  # bytes of a number
        ("conv_2d", 11, 3),
        ("conv_2d", 17, 2),  # act_max below the zero point
        ("conv_2d", 16, 4),
    ],
)
def test_fields_that_do_not_fit(kind: str, at: int, value: int) -> None:
    blob = bytearray(pack(op_of(kind), "dense"))
    blob[at] = value
    python, c = verdicts(bytes(blob))
    assert python is not None and c is not None


def test_folded_biases_of_other_columns() -> None:
    """Of a 1x1 kernel they are of the level's own inputs, else of all."""
    for kind in SHAPES:
        op = op_of(kind)
        blob = pack(op, "dense", folded=True)
        header = Header.parse(blob)
        size = 4 * header.levels * op.geometry.out_c
        for at in range(header.offsets[2], header.offsets[2] + size, 3):
            changed = bytearray(blob)
            changed[at] ^= 64
            both_refuse(changed, "folded biases", "do not add up")


def test_inactive_rows_are_checked_as_well() -> None:
    """Kernels may compute them: no sum may overflow there either."""
    op = op_of("conv_2d")
    op.bias[:, -1] = 1 << 30
    with pytest.raises(FormatError, match="accumulators below"):
        pack(op)
    blob = bytearray(pack(op_of("conv_2d")))
    header = Header.parse(bytes(blob))
    at = header.offsets[0] + 4 * header.tables * 6 + 4 * 5  # level 0, channel 5
    blob[at : at + 4] = (1 << 30).to_bytes(4, "little")
    both_refuse(blob, "accumulators below", "could overflow")


def test_what_pack_refuses() -> None:
    op = op_of("conv_2d")
    bad = dataclasses.replace(op, level_of=np.zeros_like(op.level_of))
    with pytest.raises(FormatError, match="level_of of the op's widths"):
        pack(bad)
    with pytest.raises(FormatError, match="bounds around the output zero point"):
        pack(dataclasses.replace(op, act_min=4))
    with pytest.raises(FormatError, match="can hold"):
        pack(op, "blocks")
    wide = Widths(tuple([3] * 3), tuple(Segment(i, (1, 1, 1)) for i in range(9)))
    with pytest.raises(FormatError, match="start of a segment"):
        pack(dataclasses.replace(op, widths=wide))


def test_large_numbers() -> None:
    g = Geometry("fully_connected", 1, 1, 300, 1, 1, 2)
    widths = Widths((1,), (Segment(0, (270,)),))
    assert unpack(pack(with_widths(np.random.default_rng(1), g, 1, widths))).widths == (
        widths
    )
    g = Geometry("fully_connected", 1, 1, 1 << 16, 1, 1, 2)
    op = with_widths(
        np.random.default_rng(1), g, 1, Widths((1,), (Segment(0, (1 << 16,)),))
    )
    with pytest.raises(FormatError, match="number of channels"):
        pack(op)
