"""Why the level is written before every Invoke, and what sticky_level changes.

TFLM plans the memory of the level like that of any tensor: once the last nested op has
read it, a later op's output may lie there.
"""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_nest.errors import NestError
from keras_nest.format import Geometry, NestedOp, pack
from keras_nest.runtime import Interpreter
from tests.runtime.flatbuffer_graph import Graph

FEATURES, WIDE = 16, 256
X = np.arange(-8, 8, dtype=np.int8)[None]


def nested_dense() -> bytes:
    """Level 0 passes nothing but a bias of 1, level 1 the input times 8, level 2 -8."""
    weights = np.eye(FEATURES, dtype=np.int8) * 64
    op = NestedOp(
        geometry=Geometry("fully_connected", 1, 1, FEATURES, 1, 1, FEATURES),
        levels=3,
        input_zero_point=0,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=weights,
        level_of=np.where(weights != 0, 1, 255).astype(np.uint8),
        multiplier=np.repeat(np.array([[1], [1], [-1]], np.int32) << 30, FEATURES, 1),
        shift=np.full((3, FEATURES), -2, np.int8),
        bias=np.repeat(np.array([[8], [0], [0]], np.int32), FEATURES, 1),
    )
    return pack(op)


def net(sticky: bool) -> bytes:
    """Nested dense, then two plain dense layers with a wide tensor between them."""
    graph, blob = Graph(), nested_dense()
    options = schema.FullyConnectedOptionsT()

    def dense(x: int, inputs: int, outputs: int) -> int:
        kernel = np.zeros((outputs, inputs), np.int8)
        kernel[np.arange(outputs), np.arange(outputs) % inputs] = 1
        name = f"dense_{outputs}"
        w = graph.tensor(f"{name}/w", kernel.shape, np.int8, 1.0, data=kernel)
        y = graph.tensor(name, (1, outputs), np.int8, 1.0, 0)
        graph.op(schema.BuiltinOperator.FULLY_CONNECTED, [x, w, -1], y, options, 4)
        return y

    x = graph.tensor("x", (1, FEATURES), np.int8, 1.0, 0)
    level = graph.tensor("level", (1,), np.int32)
    packed = graph.tensor("packed", (len(blob),), np.uint8, data=blob)
    nested = graph.tensor("nested", (1, FEATURES), np.int8, 1.0, 0)
    graph.op("NESTED_FULLY_CONNECTED", [x, level, packed], nested)
    y = dense(dense(nested, FEATURES, WIDE), WIDE, FEATURES)
    return graph.build([x, level], [y, level] if sticky else [y])


@pytest.mark.parametrize("sticky", [False, True])
def test_written_before_every_invoke_each_level_runs(sticky: bool) -> None:
    interpreter = Interpreter(net(sticky))
    for level in (0, 2, 1, 1, 0):
        y = interpreter.run(X, level)
        np.testing.assert_array_equal(
            y, [np.full_like(X[0], 1), X[0] * 8, X[0] * -8][level][None]
        )


def test_not_rewritten_the_level_is_lost() -> None:
    interpreter = Interpreter(net(sticky=False))
    interpreter.run(X, level=1)
    # The wide tensor was written over it: four of its int8 values are no level.
    with pytest.raises(NestError, match="failed to invoke"):
        interpreter.run(X)
    # Only the level was lost: written again, all is as before.
    np.testing.assert_array_equal(interpreter.run(X, level=1), X * 8)


def test_not_rewritten_the_level_may_be_another() -> None:
    """Worse than an error: bytes that happen to be a level are taken for one."""
    interpreter = Interpreter(net(sticky=False))
    zeros = np.zeros_like(X)
    interpreter.run(zeros, level=1)  # all tensors after it are zero, and so is 'level'
    np.testing.assert_array_equal(interpreter.run(X), np.full_like(X, 1))  # level 0


def test_sticky_the_level_stays() -> None:
    interpreter = Interpreter(net(sticky=True))
    assert len(interpreter.output_details) == 1
    for level in (1, 2):
        expected = interpreter.run(X, level)
        for _ in range(3):
            np.testing.assert_array_equal(interpreter.run(X), expected)
    with pytest.raises(NestError):
        interpreter.run(X, level=3)
    np.testing.assert_array_equal(interpreter.run(X, level=1), X * 8)
