"""One nested op as a .tflite, and the plain builtin op that each of its levels is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest.format import NestedOp, candidates, pack, variant_of
from tests.runtime.flatbuffer_graph import Graph

NESTED = {
    "conv_2d": "NESTED_CONV_2D",
    "depthwise_conv_2d": "NESTED_DEPTHWISE_CONV_2D",
    "fully_connected": "NESTED_FULLY_CONNECTED",
}
ACTIVATIONS = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}


@dataclass
class Case:
    """A nested op and the float scales that its multipliers were made of.

    `w_scale` is float32 [levels, out_c]; a negative multiplier in `op` stands for a
    negated channel of the plain op. `encoding` is "auto" or what `variant_of` says.
    """

    op: NestedOp
    s_in: np.float32
    s_out: np.float32
    w_scale: np.ndarray
    same_padding: bool
    activation: str
    batch: int = 1
    encoding: str = "auto"

    @property
    def input_shape(self) -> tuple[int, ...]:
        g = self.op.geometry
        if g.op == "fully_connected":
            return (g.in_w, g.in_c)
        return (self.batch, g.in_h, g.in_w, g.in_c)

    def packed(self) -> bytes:
        """The op's bytes."""
        if self.encoding == "auto":
            return pack(self.op)
        blobs = {variant_of(found.blob): found.blob for found in candidates(self.op)}
        return blobs[self.encoding]

    @property
    def output_shape(self) -> tuple[int, ...]:
        g = self.op.geometry
        if g.op == "fully_connected":
            return (g.out_w, g.out_c)
        return (self.batch, g.out_h, g.out_w, g.out_c)


def multiplier_of(real: float) -> tuple[int, int]:
    """A positive real as (31-bit multiplier, shift): TFLite's QuantizeMultiplier."""
    mantissa, shift = math.frexp(real)
    fixed = math.floor(mantissa * 2**31 + 0.5)
    if fixed == 2**31:
        fixed, shift = fixed // 2, shift + 1
    return (0, 0) if shift < -31 else (fixed, shift)


def real_multiplier(
    s_in: np.float32, w_scale: np.float32, s_out: np.float32, float_product: bool
) -> float:
    """M as TFLM computes it from a plain model's scales.

    Per-channel kernels multiply in double. FULLY_CONNECTED with a single scale, that
    is with one output, takes its per-tensor path: the product of input and weight
    scale is float32 there.
    """
    product = float(s_in * w_scale) if float_product else float(s_in) * float(w_scale)
    return product / float(s_out)


def nested_model(
    case: Case,
    packed: bytes | None = None,
    sticky: bool = False,
    entry: tuple[int, int] | None = None,
) -> bytes:
    """The .tflite of the nested op; `packed` overrides its weights.

    `entry` makes it read one of several entries of the level: which, of how many.
    """
    op, graph = case.op, Graph()
    x = graph.tensor("x", case.input_shape, np.int8, case.s_in, op.input_zero_point)
    place, count = entry or (0, 1)
    level = graph.tensor("level", (count,), np.int32)
    blob = case.packed() if packed is None else packed
    weights = graph.tensor("packed", (len(blob),), np.uint8, data=blob)
    y = graph.tensor("y", case.output_shape, np.int8, case.s_out, op.output_zero_point)
    inputs = [x, level, weights]
    if entry is not None:
        data = np.asarray([place], np.int32)
        inputs.append(graph.tensor("entry", (1,), np.int32, data=data))
    graph.op(NESTED[op.geometry.op], inputs, y)
    return graph.build([x, level], [y, level] if sticky else [y])


def plain_model(case: Case, level: int) -> bytes:
    """The .tflite of the builtin op with the weights and scales of one level."""
    op, graph = case.op, Graph()
    g = op.geometry
    depthwise = g.op == "depthwise_conv_2d"
    sign = np.where(op.multiplier[level] < 0, -1, 1)
    by_channel = sign[None, :] if depthwise else sign[:, None]
    kernel = (op.at(level) * by_channel).astype(np.int8)
    shape: tuple[int, ...] = (g.out_c, g.kernel_h, g.kernel_w, g.in_c)
    if depthwise:
        shape = (1, g.kernel_h, g.kernel_w, g.out_c)
    elif g.op == "fully_connected":
        shape = (g.out_c, g.in_c)
    scale = case.w_scale[level]
    x = graph.tensor("x", case.input_shape, np.int8, case.s_in, op.input_zero_point)
    w = graph.tensor(
        "w", shape, np.int8, scale, axis=3 if depthwise else 0, data=kernel
    )
    b = graph.tensor(
        "b",
        (g.out_c,),
        np.int32,
        scale * case.s_in,
        data=(op.bias[level] * sign).astype(np.int32),
    )
    y = graph.tensor("y", case.output_shape, np.int8, case.s_out, op.output_zero_point)
    code, options, version = _builtin(case)
    graph.op(code, [x, w, b], y, options, version)
    return graph.build([x], [y])


def _builtin(case: Case) -> tuple[int, object, int]:
    g, codes = case.op.geometry, schema.BuiltinOperator
    activation = ACTIVATIONS[case.activation]
    if g.op == "fully_connected":
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = activation
        return codes.FULLY_CONNECTED, options, 4
    depthwise = g.op == "depthwise_conv_2d"
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    if depthwise:
        options.depthMultiplier = g.out_c // g.in_c
    options.padding = schema.Padding.SAME if case.same_padding else schema.Padding.VALID
    options.strideH, options.strideW = g.stride_h, g.stride_w
    options.dilationHFactor, options.dilationWFactor = g.dilation_h, g.dilation_w
    options.fusedActivationFunction = activation
    return (codes.DEPTHWISE_CONV_2D if depthwise else codes.CONV_2D), options, 3
