"""What a .tflite asks for and gives: read from the flatbuffer, without any runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.format.header import Header

NESTED_OPS = ("NESTED_CONV_2D", "NESTED_DEPTHWISE_CONV_2D", "NESTED_FULLY_CONNECTED")
LEVEL_NAME = "level"


@dataclass(frozen=True)
class TensorDetails:
    """One input or output: shape includes the batch; scale 0 means not quantized."""

    index: int  # among the model's inputs, or outputs
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Interface:
    """The faces of a model.

    Attributes:
        inputs: All inputs but the level, in the model's order.
        level: The level input, None for a model without levels.
        outputs: All outputs but the level (listed there with `sticky_level`).
        levels: How many levels the nested ops have, 0 for a model without.
        level_layers: By entry of the level input, the layer that reads it; empty where
            all layers read one level.
        resource_variables: VAR_HANDLE ops, which TFLM needs to know of beforehand.
    """

    inputs: tuple[TensorDetails, ...]
    level: TensorDetails | None
    outputs: tuple[TensorDetails, ...]
    levels: int
    level_layers: tuple[str, ...]
    resource_variables: int


def read_interface(model: bytes) -> Interface:
    """Reads the interface of a .tflite.

    Raises:
        NestError: If the bytes are no .tflite or no whole one, or if its nested ops
            have no level to read.
    """
    from ai_edge_litert import schema_py_generated as schema

    from keras_nest.converter import flatbuffer

    # Checked as a whole: TFLM itself would trust any offset in it.
    parsed = flatbuffer.load(model)
    if not parsed.subgraphs:
        raise NestError("Expected a .tflite with a graph. Received: one without")
    graph = parsed.subgraphs[0]
    dtypes = _dtypes(schema)
    levels, level_tensor, layers = _find_level(schema, parsed)
    inputs, level = [], None
    for index, tensor in enumerate(graph.inputs):
        details = _details(graph.tensors[tensor], index, dtypes)
        if tensor == level_tensor:
            level = details
        else:
            inputs.append(details)
    if levels and level is None:
        raise NestError(
            "Expected the nested ops to read their level from an input of the model. "
            "Received: a model whose level is not among its inputs",
            hint="Convert the model again.",
        )
    outputs = tuple(
        _details(graph.tensors[tensor], index, dtypes)
        for index, tensor in enumerate(graph.outputs)
        if tensor != level_tensor
    )
    variables = sum(
        _builtin_code(parsed.operatorCodes[op.opcodeIndex])
        == schema.BuiltinOperator.VAR_HANDLE
        for subgraph in parsed.subgraphs
        for op in subgraph.operators or ()
    )
    return Interface(tuple(inputs), level, outputs, levels, layers, variables)


def _find_level(schema: Any, parsed: Any) -> tuple[int, int, tuple[str, ...]]:
    """The number of levels, the tensor that the nested ops read theirs from, and by
    its entry the layer that reads it."""
    from keras_nest.converter.nested_file import layer_name, level_entry

    graph = parsed.subgraphs[0]
    levels, tensors = [], set()
    layers: dict[int | None, str] = {}
    for op in graph.operators or ():
        code = parsed.operatorCodes[op.opcodeIndex]
        if (
            _builtin_code(code) != schema.BuiltinOperator.CUSTOM
            or (code.customCode or b"").decode("utf-8", "replace") not in NESTED_OPS
        ):
            continue
        if len(op.inputs) not in (3, 4):
            raise NestError(
                f"Expected nested ops with 3 or 4 inputs. Received: {len(op.inputs)}"
            )
        entry = level_entry(parsed, op)
        name = layer_name(parsed, op)
        layers[entry] = f"{layers[entry]}, {name}" if entry in layers else name
        packed = parsed.buffers[graph.tensors[op.inputs[2]].buffer].data
        blob = b"" if packed is None else bytes(packed)
        levels.append(Header.parse(blob).levels)
        tensors.add(int(op.inputs[1]))
    if len(tensors) > 1:
        raise NestError(
            "Expected nested ops that share one level. Received: a model with "
            f"{len(tensors)} tensors that hold a level"
        )
    tensor = tensors.pop() if tensors else -1
    if None in layers or tensor < 0:
        return min(levels, default=0), tensor, ()
    shape = np.asarray(graph.tensors[tensor].shape, np.int64)
    count = int(np.prod(shape))
    if count != len(layers):
        raise NestError(
            "Expected a layer for each entry of the level. Received: a model whose "
            f"level has {count} entries, of which {len(layers)} are read",
            hint="Convert the model again.",
        )
    return min(levels, default=0), tensor, tuple(layers[i] for i in range(count))


def _builtin_code(code: Any) -> int:
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _details(tensor: Any, index: int, dtypes: dict[int, Any]) -> TensorDetails:
    name = (tensor.name or b"").decode("utf-8", "replace")
    if tensor.type not in dtypes:
        raise NestError(
            f"Expected a float32, int8 or other plain tensor {name!r}. Received: "
            f"TFLite type {tensor.type}"
        )
    quantization = tensor.quantization
    scale, zero_point = 0.0, 0
    if quantization is not None and quantization.scale is not None:
        scale = float(quantization.scale[0]) if len(quantization.scale) else 0.0
    if quantization is not None and quantization.zeroPoint is not None:
        zero_point = int(quantization.zeroPoint[0]) if scale else 0
    shape = () if tensor.shape is None else tuple(int(d) for d in tensor.shape)
    return TensorDetails(
        index, name, shape, np.dtype(dtypes[tensor.type]), scale, zero_point
    )


def _dtypes(schema: Any) -> dict[int, Any]:
    kinds = schema.TensorType
    return {
        kinds.FLOAT32: np.float32,
        kinds.INT32: np.int32,
        kinds.UINT8: np.uint8,
        kinds.INT64: np.int64,
        kinds.BOOL: np.bool_,
        kinds.INT16: np.int16,
        kinds.INT8: np.int8,
    }
