"""A .tflite written straight from the schema, tensor by tensor, for the tests."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
}


class AlignedBuffer(schema.BufferT):
    """A buffer whose data starts at a multiple of 16, as the schema demands.

    The generated Python writer does not heed `force_align`.
    """

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None
        if self.data is not None:
            content = np.asarray(self.data).tobytes()
            builder.StartVector(1, len(content), 16)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


class Graph:
    """Collects tensors and ops, then writes them as one subgraph."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "test"
        self.model.buffers = [AlignedBuffer()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors = []
        self.graph.operators = []

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: Any = np.int8,
        scale: Any = None,
        zero_point: int = 0,
        axis: int = 0,
        data: np.ndarray | bytes | None = None,
    ) -> int:
        """Adds a tensor; with `data` a constant. Returns its index."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = np.array(shape, np.int32)
        tensor.type = TYPES[np.dtype(dtype)]
        tensor.buffer = 0
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, np.float32))
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = scales
            points = np.full(scales.shape, zero_point, np.int64)
            tensor.quantization.zeroPoint = points
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = AlignedBuffer()
            content = data if isinstance(data, bytes) else data.tobytes()
            buffer.data = np.frombuffer(content, np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def op(
        self,
        code: int | str,
        inputs: list[int],
        output: int,
        options: Any = None,
        version: int = 1,
    ) -> None:
        """Adds a builtin op by its code, or a custom op by its name."""
        entry = schema.OperatorCodeT()
        entry.version = version
        if isinstance(code, str):
            entry.builtinCode = schema.BuiltinOperator.CUSTOM
            entry.customCode = code
        else:
            entry.builtinCode = code
        entry.deprecatedBuiltinCode = min(entry.builtinCode, 127)
        self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs = np.array(inputs, np.int32)
        operator.outputs = np.array([output], np.int32)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.graph.operators.append(operator)

    def build(self, inputs: list[int], outputs: list[int]) -> bytes:
        self.graph.inputs = np.array(inputs, np.int32)
        self.graph.outputs = np.array(outputs, np.int32)
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
