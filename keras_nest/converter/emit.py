"""The quantized graph as a .tflite: builtin ops, and the nested custom ops."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from keras_nest import format as packed_format
from keras_nest import metadata
from keras_nest.converter import annotate
from keras_nest.converter import graph as ir
from keras_nest.converter.advice import Advice, advise
from keras_nest.converter.choose import Choice, Request, choose
from keras_nest.converter.flatbuffer import (
    FUSED_ACTIVATION,
    MIN_RUNTIME_VERSION,
    PADDING,
    ModelWriter,
    TensorQuantization,
)
from keras_nest.converter.graph import Shape
from keras_nest.converter.packing import nested_op
from keras_nest.converter.plain import PlainWeights, write_plain
from keras_nest.converter.quantize import Quantization, QuantizedGraph, QuantizedOp
from keras_nest.errors import NestError
from keras_nest.format.header import VERSION

SIGNATURE = "serving_default"
LEVEL = "level"
# The first TensorFlow release whose runtime has every builtin op version used here.
RUNTIME_VERSION = "2.3.0"

_CODES = schema.BuiltinOperator


@dataclasses.dataclass(frozen=True)
class Options:
    """How the file is written; see `convert`."""

    io: str
    choice: Request
    sticky_level: bool
    per_layer_level: bool = False


@dataclasses.dataclass(frozen=True)
class Written:
    """The file, and what became of each weighted op.

    By op name: `nested` says how it is packed and `advice` where its pattern does not
    suit the target; `builtin` has the bytes of weights and tables, and `reasons` why an
    op is not nested.
    """

    data: bytes
    nested: dict[str, Choice]
    advice: dict[str, Advice]
    builtin: dict[str, int]
    reasons: dict[str, str]


class _Emitter:
    def __init__(self, quantized: QuantizedGraph, options: Options):
        self.quantized = quantized
        self.graph = quantized.graph
        self.options = options
        self.writer = ModelWriter()
        self.tensors: dict[str, int] = {}
        self.level: int | None = None
        self.nested: dict[str, Choice] = {}
        self.advice: dict[str, Advice] = {}
        self.builtin: dict[str, int] = {}
        self.reasons: dict[str, str] = {}

    def run(self, description: str) -> Written:
        graph, writer = self.graph, self.writer
        nested = sum(op.why_builtin is None for op in self.quantized.weighted.values())
        outer_input = self._inputs(nested)
        for op in graph.ops:
            self._emit(op)
        outer_output = self._outputs()
        inputs = {graph.input: outer_input}
        outputs = {graph.output: outer_output}
        if self.level is not None:
            inputs[LEVEL] = self.level
            if self.options.sticky_level:
                outputs[LEVEL] = self.level
        writer.signature(inputs, outputs, SIGNATURE)
        writer.metadata(MIN_RUNTIME_VERSION, RUNTIME_VERSION.encode().ljust(16, b"\0"))
        levels = annotate.levels_metadata(writer.model, self.options.choice.costs.core)
        if levels is not None:
            writer.metadata(metadata.NAME, metadata.pack(levels))
        data = writer.finish(description)
        return Written(data, self.nested, self.advice, self.builtin, self.reasons)

    def _inputs(self, nested: int) -> int:
        graph = self.graph
        quantization = self.quantized.tensors[graph.input]
        flat = graph.input_shape == graph.shapes[graph.input]
        if self.options.io == "float32":
            outer = self.writer.tensor(graph.input, graph.input_shape, "float32")
            inner = self._tensor(f"{graph.input}/int8", graph.input_shape, quantization)
            quantize = schema.QuantizeOptionsT()
            self._operator(_CODES.QUANTIZE, 1, [outer], inner, quantize)
        else:
            outer = inner = self._tensor(graph.input, graph.input_shape, quantization)
        if nested:
            entries = nested if self.options.per_layer_level else 1
            self.level = self.writer.tensor(LEVEL, (entries,), "int32")
        if not flat:
            shape = graph.shapes[graph.input]
            image = self._tensor(f"{graph.input}/image", shape, quantization)
            self._reshape(inner, image, shape, f"{graph.input}/image")
            inner = image
        self.tensors[graph.input] = inner
        return outer

    def _outputs(self) -> int:
        graph = self.graph
        quantization = self.quantized.tensors[graph.output]
        inner = self.tensors[graph.output]
        if graph.output_shape != graph.shapes[graph.output]:
            name = f"{graph.output}/flat"
            flat = self._tensor(name, graph.output_shape, quantization)
            self._reshape(inner, flat, graph.output_shape, name)
            inner = flat
        if self.options.io != "float32":
            return inner
        outer = self.writer.tensor(
            f"{graph.output}/float32", graph.output_shape, "float32"
        )
        options = schema.DequantizeOptionsT()
        self._operator(_CODES.DEQUANTIZE, 2, [inner], outer, options)
        return outer

    def _tensor(self, name: str, shape: Shape, quantization: Quantization) -> int:
        parameters = TensorQuantization(
            np.asarray([quantization.scale], np.float32),
            np.asarray([quantization.zero_point], np.int64),
        )
        return self.writer.tensor(name, shape, "int8", parameters)

    def _operator(
        self, code: int, version: int, inputs: list[int], output: int, options: Any
    ) -> None:
        self.writer.operator(code, version, inputs, [output], options)

    def _reshape(self, source: int, output: int, shape: Shape, name: str) -> None:
        sizes = np.asarray(shape, np.int32)
        target = self.writer.tensor(f"{name}/shape", (len(shape),), "int32", data=sizes)
        options = schema.ReshapeOptionsT(newShape=sizes)
        self._operator(_CODES.RESHAPE, 1, [source, target], output, options)

    def _emit(self, op: ir.Op) -> None:
        inputs = [self.tensors[name] for name in op.inputs]
        shape = self.graph.shapes[op.output]
        output = self._tensor(op.output, shape, self.quantized.tensors[op.output])
        self.tensors[op.output] = output
        if isinstance(op, ir.Weighted):
            self._weighted(self.quantized.weighted[op.name], inputs[0], output)
        elif isinstance(op, ir.Reshape):
            self._reshape(inputs[0], output, shape, op.name)
        elif isinstance(op, ir.Pad):
            amounts = np.asarray([(0, 0), *op.amounts, (0, 0)], np.int32)
            pads = self.writer.tensor(f"{op.name}/pads", (4, 2), "int32", data=amounts)
            options = schema.PadOptionsT()
            self._operator(_CODES.PAD, 2, [inputs[0], pads], output, options)
        elif isinstance(op, ir.Mean):
            axes = self.writer.tensor(
                f"{op.name}/axes", (2,), "int32", data=np.asarray([1, 2], np.int32)
            )
            options = schema.ReducerOptionsT(keepDims=False)
            self._operator(_CODES.MEAN, 2, [inputs[0], axes], output, options)
        else:
            code, version, options = _simple(op)
            self._operator(code, version, inputs, output, options)

    def _weighted(self, op: QuantizedOp, source: int, output: int) -> None:
        reason = op.why_builtin
        name = op.op.name
        if reason is None:
            self._nested(op, source, output)
            return
        self.reasons[name] = reason
        plain = PlainWeights(
            kind=op.op.kind,
            weights=op.weights * op.op.per_channel(op.sign[0]),
            scale=op.weight_scale[0],
            bias=op.bias[0],
            strides=op.op.strides,
            padding=op.op.padding,
            dilation=op.op.dilation,
            activation=op.op.activation,
        )
        write_plain(self.writer, name, plain, source, output)
        self.builtin[name] = plain.weights.size + 4 * plain.bias.size

    def _nested(self, op: QuantizedOp, source: int, output: int) -> None:
        float_op = op.op
        name = float_op.name
        entry = np.asarray([len(self.nested)], np.int32)
        blob = self._pack(op).option.blob
        data = np.frombuffer(blob, np.uint8)
        packed = self.writer.tensor(f"{name}/packed", (len(blob),), "uint8", data=data)
        assert self.level is not None
        inputs = [source, self.level, packed]
        if self.options.per_layer_level:
            inputs.append(
                self.writer.tensor(f"{name}/level_entry", (1,), "int32", data=entry)
            )
        self.writer.custom(
            f"NESTED_{float_op.kind.upper()}",
            inputs,
            [output],
            self._describe(float_op, packed_format.encoding_of(blob)),
        )

    def _pack(self, op: QuantizedOp) -> Choice:
        name, request = op.op.name, self.options.choice
        # Only masks leave a choice: else a level has all weights of its channels.
        masked = op.op.level_of is not None and op.op.widths is None
        if not masked:
            request = dataclasses.replace(request, encoding="auto")
        packed = nested_op(self.quantized, op)
        try:
            choice = choose(packed, name, request)
        except packed_format.FormatError as error:
            raise NestError(
                f"Layer {name!r}: {error.message}", hint=error.hint
            ) from error
        self.nested[name] = choice
        advice = advise(packed, choice, request.costs) if masked else None
        if advice is not None:
            self.advice[name] = advice
        return choice

    def _by_level(self, op: ir.Weighted) -> dict[str, Any]:
        if op.bits is not None:
            return {"bits": list(op.bits)}
        return {} if op.widths is None else {"outputs": list(op.widths.outputs)}

    def _describe(self, op: ir.Weighted, encoding: str) -> bytes:
        """Plain words for people and graph viewers; the kernels read the blob only."""
        words: dict[str, Any] = {
            "format_version": VERSION,
            "layer": op.name,
            "levels": self.graph.levels,
            "sparsities": [float(v) for v in self.graph.sparsities or ()],
            "pattern": op.pattern,
            "encoding": encoding,
            **self._by_level(op),
            "fused_activation_function": op.activation,
        }
        if op.kind != "fully_connected":
            words |= {
                "padding": op.padding,
                "strides": list(op.strides),
                "dilation": list(op.dilation),
            }
        return bytes(flexbuffers.Dumps(words))


def write(quantized: QuantizedGraph, options: Options, description: str) -> Written:
    """Writes a quantized graph as a .tflite file."""
    return _Emitter(quantized, options).run(description)


def _simple(op: ir.Op) -> tuple[int, int, Any]:
    """Code, version and options of an op without constant inputs."""
    if isinstance(op, ir.Add):
        fused = FUSED_ACTIVATION[op.activation]
        return _CODES.ADD, 2, schema.AddOptionsT(fusedActivationFunction=fused)
    if isinstance(op, ir.Concatenate):
        return _CODES.CONCATENATION, 2, schema.ConcatenationOptionsT(axis=-1)
    if isinstance(op, ir.Pool):
        options = schema.Pool2DOptionsT(
            padding=PADDING[op.padding],
            filterHeight=op.size[0],
            filterWidth=op.size[1],
            strideH=op.strides[0],
            strideW=op.strides[1],
        )
        if op.kind == "max":
            return _CODES.MAX_POOL_2D, 2, options
        return _CODES.AVERAGE_POOL_2D, 2, options
    if isinstance(op, ir.Requantize):
        return _CODES.QUANTIZE, 2, schema.QuantizeOptionsT()
    assert isinstance(op, ir.Activation)
    if op.kind == "softmax":
        return _CODES.SOFTMAX, 2, schema.SoftmaxOptionsT(beta=1.0)
    return (_CODES.RELU if op.kind == "relu" else _CODES.RELU6), 2, None
