"""What pack refuses, and the sentences it does so with."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from keras_nest.format import FormatError, Geometry, NestedOp, pack, unpack
from keras_nest.format.header import Header
from keras_nest.runtime import core

CONV = Geometry("conv_2d", 4, 4, 4, 4, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1)


def plain_op(geometry: Geometry = CONV, levels: int = 2) -> NestedOp:
    per_level = (levels, geometry.out_c)
    weights = np.ones(geometry.weights_shape, np.int8)
    level_of = np.zeros_like(weights, np.uint8)
    level_of[:, 4:] = levels - 1
    return NestedOp(
        geometry=geometry,
        levels=levels,
        input_zero_point=-128,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=weights,
        level_of=level_of,
        multiplier=np.full(per_level, 1 << 30, np.int32),
        shift=np.full(per_level, -4, np.int8),
        bias=np.zeros(per_level, np.int32),
    )


def changed(array: np.ndarray, at: Any, value: int) -> np.ndarray:
    copy = array.copy()
    copy[at] = value
    return copy


PLAIN = plain_op()
LEVEL_OF = PLAIN.level_of
assert LEVEL_OF is not None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"levels": 33}, "1 to 32 levels. Received: levels=33"),
        ({"input_zero_point": 128}, "int8 input_zero_point. Received: 128"),
        ({"act_min": 3, "act_max": 2}, "act_min=3, act_max=2"),
        ({"weights": PLAIN.weights[:-1]}, r"weights as int8 .* \(6, 36\)"),
        ({"weights": PLAIN.weights.astype(np.int32)}, "Received: int32"),
        ({"bias": PLAIN.bias[:1]}, r"bias as int32 .* \(2, 6\)"),
        ({"level_of": changed(LEVEL_OF, (0, 0), 2)}, r"in 0..1 or 255. Received: 2"),
        ({"level_of": changed(LEVEL_OF, (0, 0), 255)}, "zero weights where level_of"),
        (
            {"block": (1, 2), "level_of": changed(LEVEL_OF, (0, 0), 1)},
            "one level_of in each 1x2 block",
        ),
        ({"block": (1, 3)}, "multiples of the block's 3 columns. Received: 4"),
        ({"block": (8, 1)}, "at most 4x16. Received: 8x1"),
        ({"shift": changed(PLAIN.shift, (0, 0), 31)}, "shifts from -31 to 30"),
        (
            {"multiplier": changed(PLAIN.multiplier, (0, 0), -(2**31))},
            r"above -2\^31",
        ),
        (
            {"bias": changed(PLAIN.bias, (1, 3), 2**30 - 100)},
            "output channel 3 at level 1",
        ),
        (
            {"geometry": dataclasses.replace(CONV, out_h=6)},
            "valid output size",
        ),
        ({"geometry": dataclasses.replace(CONV, pad_top=3)}, "valid padding"),
        ({"geometry": dataclasses.replace(CONV, stride_w=0)}, "size out of range"),
    ],
)
def test_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        pack(dataclasses.replace(PLAIN, **fields))


def test_options() -> None:
    with pytest.raises(FormatError, match=r"'auto' or one of .* Received: 'zip'"):
        pack(PLAIN, "zip")
    with pytest.raises(FormatError, match=r"'size' or 'speed'. Received: 'fun'"):
        pack(PLAIN, optimize="fun")
    with pytest.raises(FormatError, match="the encoding 'dense' can hold"):
        pack(PLAIN, "dense")


def test_depthwise_weights_stay_dense() -> None:
    geometry = dataclasses.replace(CONV, op="depthwise_conv_2d", out_c=4)
    op = plain_op(geometry)
    with pytest.raises(FormatError, match="dense depthwise weights"):
        pack(dataclasses.replace(op, level_of=np.ones_like(op.weights, np.uint8)))
    pack(dataclasses.replace(op, level_of=None))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shift", [-3, 0, 3])
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("encoding", ["blocks", "lists"])
def test_the_accumulator_limit_is_exact(
    sign: int, shift: int, level: int, encoding: str
) -> None:
    # All weights `sign`, zero point -128: a level's n weights reach sign * 255 n.
    op = plain_op()
    op.weights[:] = sign
    op.shift[:] = shift
    weights = (4, 36)[level]
    limit = (1 << (30 - max(shift, 0))) - 255 * weights
    op.bias[level, 2] = sign * (limit - 1)
    blob = pack(op, encoding)
    core.check(blob)
    op.bias[level, 2] = sign * limit
    with pytest.raises(FormatError, match="accumulators below"):
        pack(op, encoding)
    header = Header.parse(blob)
    table = header.level_table[level]
    at = header.offsets[0] + 4 * (header.tables * 6 + table * 6 + 2)
    bias = (sign * limit).to_bytes(4, "little", signed=True)
    hostile = blob[:at] + bias + blob[at + 4 :]
    with pytest.raises(FormatError, match="accumulator"):
        core.check(hostile)
    with pytest.raises(FormatError, match="accumulators below"):
        unpack(hostile)


def test_not_a_packed_op() -> None:
    blob = pack(PLAIN)
    with pytest.raises(FormatError, match=r"at least 128 bytes. Received: 5 bytes"):
        unpack(blob[:5])
    with pytest.raises(FormatError, match=r"starts with b'NEST'. Received: b'TFL3'"):
        unpack(b"TFL3" + blob[4:])
    with pytest.raises(FormatError, match=r"version 1. Received: 2") as caught:
        unpack(blob[:4] + b"\2" + blob[5:])
    assert caught.value.hint is not None
