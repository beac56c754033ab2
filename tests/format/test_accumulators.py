"""No accumulator overflows: the limit is exact in Python and in C, in every way to
pack an op, and what is just below it runs right on the worst inputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import FormatError, Geometry, NestedOp, candidates, pack, unpack
from keras_nest.format.header import Header
from keras_nest.runtime import core
from tests.kernels.random_ops import random_tables

LIMIT = 1 << 30
GEOMETRIES = (
    Geometry("conv_2d", 4, 4, 4, 4, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry("conv_2d", 3, 3, 16, 3, 3, 8, 1, 1),
    Geometry("depthwise_conv_2d", 4, 4, 3, 4, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry("fully_connected", 1, 2, 8, 1, 2, 5),
    Geometry("fully_connected", 1, 1, 32, 1, 1, 4),
)


def op_at_the_limit(g: Geometry, sign: int, shift: int, over: int = 0) -> NestedOp:
    """All weights `sign`, inputs up to 255 above their zero point: the sums of the
    denser level reach the limit, less 1, in the last channel."""
    rng = np.random.default_rng(0)
    depthwise = g.op == "depthwise_conv_2d"
    level_of = None if depthwise else np.zeros(g.weights_shape, np.uint8)
    if level_of is not None:
        level_of[:, level_of.shape[1] // 2 :] = 1
    op = random_tables(rng, g, 2, level_of)
    op.weights[:] = sign
    op.bias[:] = 0
    columns = g.kernel_h * g.kernel_w * (1 if depthwise else g.in_c)
    most = (LIMIT >> max(shift, 0)) - 1 + over - 255 * columns
    op.bias[1, -1] = sign * most
    # The same in both levels where all weights are: their tables may be one.
    if level_of is None:
        op.bias[0] = op.bias[1]
    return dataclasses.replace(
        op,
        input_zero_point=-128,
        multiplier=np.full_like(op.multiplier, (1 << 31) - 1),
        shift=np.full_like(op.shift, shift),
    )


def with_bias(blob: bytes, bias: int) -> bytes:
    """The same blob, but for the bias of the last channel at the densest level."""
    header = Header.parse(blob)
    channels = header.geometry.out_c
    table = header.tables + header.level_table[header.levels - 1]
    at = header.offsets[0] + 4 * (table * channels + channels - 1)
    return blob[:at] + bias.to_bytes(4, "little", signed=True) + blob[at + 4 :]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("shift", [-24, -4, 0, 3])
@pytest.mark.parametrize("g", GEOMETRIES, ids=lambda g: f"{g.op}-{g.kernel_h}-{g.in_c}")
def test_the_limit_in_every_encoding(g: Geometry, shift: int, sign: int) -> None:
    op = op_at_the_limit(g, sign, shift)
    found = candidates(op)
    assert len({one.encoding for one in found}) >= (1 if op.level_of is None else 3)
    shape = (
        (g.in_w, g.in_c) if g.op == "fully_connected" else (1, g.in_h, g.in_w, g.in_c)
    )
    for one in found:
        core.check(one.blob)
        for value in (127, -128):
            x = np.full(shape, value, np.int8)
            for level in range(2):
                expected = reference.run(unpack(one.blob), x, level)
                np.testing.assert_array_equal(core.run(one.blob, x, level), expected)
        hostile = with_bias(one.blob, int(op.bias[1, -1]) + sign)
        with pytest.raises(FormatError, match="accumulator"):
            core.check(hostile)
        # Where biases are folded, Python sees first that these are of another bias.
        with pytest.raises(FormatError, match=r"accumulators below|folded biases"):
            unpack(hostile)
    with pytest.raises(FormatError, match="accumulators below"):
        pack(op_at_the_limit(g, sign, shift, over=1))


def test_the_sums_do_reach_the_limit() -> None:
    """What the test above calls the worst inputs."""
    for g in GEOMETRIES:
        op = op_at_the_limit(g, 1, 0)
        columns = np.count_nonzero(op.weights) // g.out_c
        assert int(op.bias[1, -1]) + 255 * columns == LIMIT - 1
