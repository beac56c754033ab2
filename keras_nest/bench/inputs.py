"""An int8 input for every nested op: what the model computes there, or random bytes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import NestedOperator
from keras_nest.format import Geometry
from keras_nest.format.operation import Int8Array

_SEED = 0


def random_inputs(nested: list[NestedOperator]) -> list[Int8Array]:
    """Uniform int8 values, the same in every call; for shapes see `real_inputs`."""
    rng = np.random.default_rng(_SEED)
    return [
        rng.integers(-128, 128, _shape(operator.op.geometry)).astype(np.int8)
        for operator in nested
    ]


def real_inputs(
    tflite: bytes, nested: list[NestedOperator], x: npt.ArrayLike
) -> list[Int8Array]:
    """What reaches each nested op when the densest level runs on the first sample.

    Args:
        tflite: The model.
        nested: Its nested ops.
        x: Samples `[N, ...]` as `Interpreter.predict` takes them.

    Returns:
        For each op int8 `[1, in_h, in_w, in_c]`; fully connected: `[vectors, in_c]`.

    Raises:
        NestError: If the samples do not fit the model, or TFLM is not installed.
    """
    from keras_nest.runtime import Interpreter

    sources = list(dict.fromkeys(operator.source for operator in nested))
    interpreter = Interpreter(with_outputs(tflite, sources))
    interpreter.predict(np.asarray(x)[:1])
    tensors = dict(
        zip(sources, interpreter.outputs()[-len(sources) :], strict=True),
    )
    return [_first_image(tensors[operator.source], operator) for operator in nested]


def with_outputs(tflite: bytes, tensors: list[int]) -> bytes:
    """The same model with further tensors listed after its outputs."""
    model = flatbuffer.load(tflite)
    subgraph = model.subgraphs[0]
    subgraph.outputs = np.asarray([*subgraph.outputs, *tensors], np.int32)
    # The signature names the old outputs only.
    model.signatureDefs = []
    return flatbuffer.pack(model)


def _first_image(tensor: Int8Array, operator: NestedOperator) -> Int8Array:
    shape = _shape(operator.op.geometry)
    return tensor.ravel()[: math.prod(shape)].reshape(shape)


def _shape(g: Geometry) -> tuple[int, ...]:
    if g.op == "fully_connected":
        return g.in_w, g.in_c
    return 1, g.in_h, g.in_w, g.in_c
