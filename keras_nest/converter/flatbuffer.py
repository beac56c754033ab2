"""Reading and writing .tflite files through the schema's object classes.

The schema demands 16-byte alignment of buffers, which the generated Python code does
not do; microcontrollers read weights in place, so that it matters.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest.converter.graph import Array, Shape
from keras_nest.errors import NestError

IDENTIFIER = b"TFL3"
ALIGNMENT = 16
MIN_RUNTIME_VERSION = "min_runtime_version"

CONV_2D = schema.BuiltinOperator.CONV_2D
DEPTHWISE_CONV_2D = schema.BuiltinOperator.DEPTHWISE_CONV_2D
FULLY_CONNECTED = schema.BuiltinOperator.FULLY_CONNECTED
CUSTOM = schema.BuiltinOperator.CUSTOM

FUSED_ACTIVATION = {
    "linear": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}
PADDING = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}

_TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int32": schema.TensorType.INT32,
    "float32": schema.TensorType.FLOAT32,
}


class _AlignedBuffer(schema.BufferT):
    """A buffer whose bytes start at a multiple of 16 in the file."""

    def Pack(self, builder: Any) -> Any:
        data = b"" if self.data is None else bytes(self.data)
        vector = None
        if data:
            builder.StartVector(1, len(data), ALIGNMENT)
            head = builder.head = builder.head - len(data)
            builder.Bytes[head : head + len(data)] = data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def pack(model: Any) -> bytes:
    """Serializes a `ModelT` with every buffer aligned to 16 bytes."""
    model.buffers = [_AlignedBuffer(buffer.data) for buffer in model.buffers]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def load(data: bytes) -> Any:
    """Parses a .tflite file into a `ModelT`.

    Raises:
        NestError: If it is no .tflite file, or a damaged one.
    """
    data = bytes(data)
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise NestError(
            "Expected a .tflite file. Received: "
            + (f"{len(data)} bytes starting with {data[:8]!r}" if data else "no bytes"),
            hint="Convert a Keras model with keras-nest convert.",
        )
    try:
        model = schema.ModelT.InitFromPackedBuf(data)
        _check(model, len(data))
    except Exception as error:
        # The generated reader raises whatever the bytes lead it to.
        raise NestError(
            f"Expected a complete .tflite file. Received: {len(data)} bytes that end "
            "too early or point nowhere",
            hint="The file is truncated or damaged: copy or convert it again.",
        ) from error
    return model


def _check(model: Any, size: int) -> None:
    """Raises ValueError if indexes or buffers of the model lead out of it."""
    if not model.subgraphs or model.operatorCodes is None:
        raise ValueError("no subgraph")
    for subgraph in model.subgraphs:
        count = len(subgraph.tensors)
        for tensor in subgraph.tensors:
            if not 0 <= tensor.buffer < len(model.buffers):
                raise ValueError("buffer index")
        used = [*subgraph.inputs, *subgraph.outputs]
        for operator in subgraph.operators:
            if not 0 <= operator.opcodeIndex < len(model.operatorCodes):
                raise ValueError("operator index")
            used += [*_list(operator.inputs), *_list(operator.outputs)]
        if any(not -1 <= index < count for index in used):
            raise ValueError("tensor index")
    if sum(len(_list(buffer.data)) for buffer in model.buffers) > size:
        raise ValueError("buffers overlap")


def _list(values: Any) -> Any:
    return [] if values is None else values


def code_of(model: Any, operator: Any) -> tuple[int, str]:
    """An operator's builtin code and, for a custom one, its name."""
    entry = model.operatorCodes[operator.opcodeIndex]
    name = entry.customCode or b""
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return max(entry.builtinCode, entry.deprecatedBuiltinCode), text


def text(name: Any) -> str:
    """A string of the schema, which reads as bytes."""
    if name is None:
        return ""
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def tensor_data(model: Any, tensor: Any) -> bytes:
    """The bytes of a constant tensor, empty for one that is computed."""
    data = model.buffers[tensor.buffer].data
    return b"" if data is None else bytes(data)


@dataclasses.dataclass(frozen=True)
class TensorQuantization:
    """Scales and zero points of a tensor; `axis` where there are several."""

    scale: Array
    zero_point: Array
    axis: int = 0

    def as_schema(self) -> Any:
        return schema.QuantizationParametersT(
            scale=np.asarray(self.scale, np.float32),
            zeroPoint=np.asarray(self.zero_point, np.int64),
            quantizedDimension=self.axis,
        )


class ModelWriter:
    """Collects tensors and operators of one subgraph and writes the file.

    Args:
        model: A parsed model to go on with; None starts an empty one.
    """

    def __init__(self, model: Any = None):
        if model is None:
            subgraph = schema.SubGraphT(tensors=[], operators=[], name="main")
            # By convention the first buffer is the empty one.
            model = schema.ModelT(
                version=3,
                operatorCodes=[],
                subgraphs=[subgraph],
                buffers=[schema.BufferT()],
                metadata=[],
                signatureDefs=[],
            )
        self.model = model
        self.subgraph = model.subgraphs[0]

    def buffer(self, data: bytes) -> int:
        self.model.buffers.append(schema.BufferT(np.frombuffer(data, np.uint8)))
        return len(self.model.buffers) - 1

    def tensor(
        self,
        name: str,
        shape: Shape,
        dtype: str,
        quantization: TensorQuantization | None = None,
        data: Array | None = None,
    ) -> int:
        """Adds a tensor, constant if it has data; returns its index."""
        buffer = 0
        if data is not None:
            little_endian = data.dtype.newbyteorder("<")
            buffer = self.buffer(data.astype(little_endian).tobytes())
        self.subgraph.tensors.append(
            schema.TensorT(
                shape=np.asarray(shape, np.int32),
                type=_TYPES[dtype],
                buffer=buffer,
                name=name,
                quantization=quantization.as_schema() if quantization else None,
                hasRank=True,
            )
        )
        return len(self.subgraph.tensors) - 1

    def code(self, builtin: int, version: int, custom: str | None = None) -> int:
        """Index of an operator code, added if it is new."""
        for index, entry in enumerate(self.model.operatorCodes):
            known = (entry.builtinCode, entry.version, text(entry.customCode))
            if known == (builtin, version, custom or ""):
                return index
        self.model.operatorCodes.append(
            schema.OperatorCodeT(
                # Old readers have only this byte; 127 tells them to look further.
                deprecatedBuiltinCode=min(builtin, 127),
                builtinCode=builtin,
                customCode=custom,
                version=version,
            )
        )
        return len(self.model.operatorCodes) - 1

    def operator(
        self,
        builtin: int,
        version: int,
        inputs: list[int],
        outputs: list[int],
        options: Any = None,
    ) -> Any:
        """Adds a builtin operator; `options` is an options object of the schema."""
        operator = schema.OperatorT(
            opcodeIndex=self.code(builtin, version),
            inputs=np.asarray(inputs, np.int32),
            outputs=np.asarray(outputs, np.int32),
        )
        set_options(operator, options)
        self.subgraph.operators.append(operator)
        return operator

    def custom(
        self, name: str, inputs: list[int], outputs: list[int], options: bytes
    ) -> None:
        """Adds a custom operator; `options` is a flexbuffer."""
        self.subgraph.operators.append(
            schema.OperatorT(
                opcodeIndex=self.code(CUSTOM, 1, name),
                inputs=np.asarray(inputs, np.int32),
                outputs=np.asarray(outputs, np.int32),
                customOptions=np.frombuffer(options, np.uint8),
            )
        )

    def signature(
        self, inputs: dict[str, int], outputs: dict[str, int], key: str
    ) -> None:
        """Sets the subgraph's inputs and outputs and names them in a signature."""
        self.subgraph.inputs = np.asarray(list(inputs.values()), np.int32)
        self.subgraph.outputs = np.asarray(list(outputs.values()), np.int32)

        def entries(names: dict[str, int]) -> list[Any]:
            return [schema.TensorMapT(name, index) for name, index in names.items()]

        self.model.signatureDefs = [
            schema.SignatureDefT(entries(inputs), entries(outputs), key, 0)
        ]

    def metadata(self, name: str, data: bytes) -> None:
        self.model.metadata.append(schema.MetadataT(name, self.buffer(data)))

    def finish(self, description: str) -> bytes:
        self.model.description = description
        return pack(self.model)


def set_options(operator: Any, options: Any) -> None:
    """Puts an options object of the schema into an operator."""
    if options is None:
        return
    kind = type(options).__name__.removesuffix("T")
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    operator.builtinOptions = options
