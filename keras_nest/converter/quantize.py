"""Float graph to int8: shared weights, one requantization table per level.

Per output channel c and level l a layer computes `y = g_l[c] * (W[c]*mask_l . x) +
b_l[c]`. The kernel W is quantized once, for its densest level; a folded normalization
changes only the channel's scale, never an int8 weight.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.converter import graph as ir
from keras_nest.converter.arithmetic import (
    INT8_MIN,
    activation_bounds,
    effective_scale,
    quantize_multiplier,
    unambiguous_scale,
)
from keras_nest.converter.channel_scales import table_factors, weight_steps
from keras_nest.converter.graph import Array, Graph, Weighted
from keras_nest.errors import NestError
from keras_nest.format import four_bits

ACCUMULATOR_LIMIT = 2.0**30
"""Requantization doubles the accumulator, which must still fit in 32 bits."""


@dataclasses.dataclass(frozen=True)
class Quantization:
    """Scale (a float32 value) and zero point of an int8 activation tensor."""

    scale: float
    zero_point: int


@dataclasses.dataclass
class QuantizedOp:
    """A weighted op in int8. Tables are [levels, out].

    Attributes:
        op: The float op.
        weights: int8, of the kernel's shape, for positive scales.
        weight_scale: float32 scale of the plain TFLite model of each level.
        sign: +1 or -1: the sign of the folded normalization's scale.
        multiplier: int32, positive.
        shift: int32, TFLite's convention (> 0 to the left).
        bias: int32, at scale input scale * weight scale.
        bounds: The int8 clamp of the fused activation.
    """

    op: Weighted
    weights: Array
    weight_scale: Array
    sign: Array
    multiplier: Array
    shift: Array
    bias: Array
    bounds: tuple[int, int]

    @property
    def why_builtin(self) -> str | None:
        """Why the op can stay a builtin one; None if its levels differ."""
        if self.op.level_of is not None and np.any(self.op.level_of):
            return None
        if self.op.bits is not None:
            return None
        tables = (self.weight_scale, self.sign, self.bias)
        if any(np.any(table != table[0]) for table in tables):
            return None
        return "its weights are dense and its tables equal at all levels"


@dataclasses.dataclass
class QuantizedGraph:
    """A graph with the int8 parameters of all its tensors and weighted ops."""

    graph: Graph
    tensors: dict[str, Quantization]
    weighted: dict[str, QuantizedOp]


def quantizations(
    graph: Graph, ranges: dict[str, tuple[float, float]]
) -> dict[str, Quantization]:
    """Scale and zero point of every tensor.

    Args:
        graph: A frozen graph.
        ranges: Smallest and largest value of every tensor, ties applied.
    """
    tensors = {name: activation_quantization(*ranges[name]) for name in graph.shapes}
    tensors.update(dict.fromkeys(softmax_outputs(graph), Quantization(1 / 256, -128)))
    return tensors


def softmax_outputs(graph: Graph) -> list[str]:
    """The tensors of which the int8 softmax kernels know one scale only."""
    return [
        op.output
        for op in graph.ops
        if isinstance(op, ir.Activation) and op.kind == "softmax"
    ]


def quantize(graph: Graph, ranges: dict[str, tuple[float, float]]) -> QuantizedGraph:
    """Quantizes a calibrated graph: `quantize_with` after `quantizations`."""
    return quantize_with(graph, quantizations(graph, ranges))


def quantize_with(graph: Graph, tensors: dict[str, Quantization]) -> QuantizedGraph:
    """Quantizes a graph whose tensors have their scales.

    Args:
        graph: A frozen graph.
        tensors: Scale and zero point of every tensor.

    Raises:
        NestError: If a layer's accumulator could overflow 32 bits; names it.
    """
    _drop_idle_clamps(graph, tensors)
    weighted = {
        op.name: _quantize_op(op, tensors[op.inputs[0]], tensors[op.output])
        for op in graph.weighted()
    }
    return QuantizedGraph(graph, tensors, weighted)


def _drop_idle_clamps(graph: Graph, tensors: dict[str, Quantization]) -> None:
    """Makes a ReLU6 whose range ends far below 6 a ReLU.

    It is the same function there, and TensorFlow Lite refuses a 6 that is 2**31 steps.
    """
    for op in graph.ops:
        if tensors[op.output].scale * 2.0**24 > 6:
            continue
        if isinstance(op, Weighted | ir.Add) and op.activation == "relu6":
            op.activation = "relu"
        elif isinstance(op, ir.Activation) and op.kind == "relu6":
            op.kind = "relu"


def activation_quantization(low: float, high: float) -> Quantization:
    """Asymmetric int8 parameters for values in [low, high]; zero is always exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / 255)) or 1.0
    zero_point = int(np.clip(np.rint(INT8_MIN - low / scale), -128, 127))
    return Quantization(scale, zero_point)


def _quantize_op(op: Weighted, source: Quantization, out: Quantization) -> QuantizedOp:
    levels = op.scale.shape[0]
    kernel = op.kernel if op.bits is not None else op.masked(levels - 1)
    kernel, most = kernel.astype(np.float64), op.largest_weight
    scales = source.scale, out.scale
    step, empty = weight_steps(kernel, op.channel_axis, *scales, most=most)
    weights = np.rint(kernel / op.per_channel(step)).astype(np.int8)
    if op.bits is not None and max(op.bits) == 4:
        weights = four_bits(weights)
    factor = table_factors(op.scale, op.bias, step, empty, source.scale, out.scale)
    weight_scale: Array = (step * factor).astype(np.float32)
    sign = np.where(op.scale < 0, -1, 1).astype(np.int8)
    if op.kind == "fully_connected" and op.out_channels == 1:
        weight_scale = unambiguous_scale(source.scale, weight_scale, out.scale)
    multiplier, shift = quantize_multiplier(
        effective_scale(source.scale, weight_scale, out.scale)
    )
    bias_step = np.float64(np.float32(source.scale)) * weight_scale.astype(np.float64)
    bias = np.rint(op.bias / bias_step).astype(np.int64)
    _check_accumulator(op, weights, bias, shift, source.zero_point)
    return QuantizedOp(
        op=op,
        weights=weights,
        weight_scale=weight_scale,
        sign=sign,
        multiplier=multiplier,
        shift=shift,
        bias=bias.astype(np.int32),
        bounds=activation_bounds(op.activation, out.scale, out.zero_point),
    )


def _check_accumulator(
    op: Weighted, weights: Array, bias: Array, shift: Array, zero_point: int
) -> None:
    """Refuses a layer for which an int8 input exists that overflows the sum."""
    axes = tuple(i for i in range(weights.ndim) if i != op.channel_axis)
    low, high = -128 - zero_point, 127 - zero_point
    for level in range(len(bias)):
        kept = weights.astype(np.int64)
        if op.bits is not None and op.bits[level] == 4:
            kept = four_bits(weights).astype(np.int64)
        if op.level_of is not None:
            kept = np.where(op.level_of <= level, kept, 0)
        # low <= 0 <= high: the sign of a weight says which end it is worst at.
        up, down = np.maximum(kept, 0).sum(axes), np.minimum(kept, 0).sum(axes)
        highest = up * high + down * low + bias[level]
        lowest = up * low + down * high + bias[level]
        reach = np.maximum(highest, -lowest) * 2.0 ** np.maximum(shift[level], 0)
        if np.any(reach >= ACCUMULATOR_LIMIT):
            channel = int(np.argmax(reach))
            raise NestError(
                f"Expected the accumulator of layer {op.name!r} to fit in 30 bits. "
                f"Received: up to {reach[channel]:.3g} in output channel {channel} at "
                f"level {level}",
                hint="The channel's output range is far smaller than its weights and "
                "inputs allow: check that the representative data is what the model is "
                "fed, and that BatchNormalization's moving variance is not near zero.",
            )
