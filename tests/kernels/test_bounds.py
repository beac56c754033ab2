"""No kernel writes beside its output or its scratch memory, in any encoding."""

from __future__ import annotations

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import NestedOp, candidates
from keras_nest.runtime import core
from tests.kernels.random_ops import random_input, random_op, random_vector_op
from tests.kernels.random_widths import active_only, random_widths_op

KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected", "vectors", "widths")
GUARD = 64
UNWRITTEN = 0x5A


def op_of(rng: np.random.Generator, kind: str) -> NestedOp:
    if kind == "vectors":
        return random_vector_op(rng)
    if kind == "widths":
        return random_widths_op(rng, KINDS[rng.integers(3)])
    return random_op(rng, kind)


def guarded(size: int) -> np.ndarray:
    """Memory of so many bytes between guards, at a multiple of 4."""
    words = np.empty(-(-(size + 2 * GUARD) // 4) + 1, np.int32)
    memory = words.view(np.uint8)[: size + 2 * GUARD]
    memory[:] = UNWRITTEN
    return memory


def assert_unwritten(memory: np.ndarray, context: str) -> None:
    assert (memory[:GUARD] == UNWRITTEN).all(), context
    assert (memory[-GUARD:] == UNWRITTEN).all(), context


@pytest.mark.parametrize("kind", KINDS)
def test_guards_stay_as_they_are(kind: str) -> None:
    for seed in range(25):
        rng = np.random.default_rng([7, seed])
        op = op_of(rng, kind)
        g = op.geometry
        x = random_input(rng, g)[: g.in_w if g.op == "fully_connected" else 1]
        kernel = getattr(core._library(), f"nest_{g.op}")
        for level in range(op.levels):
            given = x if op.widths is None else active_only(op, x, level)
            given = np.ascontiguousarray(given)
            expected = reference.run(op, given, level)
            for found in candidates(op):
                opened = core._open(data := core._aligned(found.blob))
                output = guarded(expected.size)
                scratch = guarded(core._buffer_size(opened, g.op))
                status = kernel(
                    opened,
                    level,
                    given.ctypes,
                    output[GUARD:].ctypes,
                    scratch[GUARD:].ctypes,
                )
                context = f"{seed} {found.encoding} {level}"
                assert status == 0 and data.size == len(found.blob), context
                assert_unwritten(output, context)
                assert_unwritten(scratch, context)
                y = output[GUARD:-GUARD].view(np.int8)
                np.testing.assert_array_equal(y, expected.ravel(), context)
