"""A quantized op as the packed format takes it."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.arithmetic import same_padding
from keras_nest.converter.graph import Array, Graph, Weighted
from keras_nest.converter.quantize import QuantizedGraph, QuantizedOp
from keras_nest.format import Geometry, NestedOp


def nested_op(quantized: QuantizedGraph, op: QuantizedOp) -> NestedOp:
    """The op with its shapes, zero points and signed tables."""
    graph, float_op = quantized.graph, op.op
    sign = op.sign.astype(np.int32)
    level_of = float_op.level_of
    return NestedOp(
        geometry=geometry_of(graph, float_op),
        levels=graph.levels,
        input_zero_point=quantized.tensors[float_op.inputs[0]].zero_point,
        output_zero_point=quantized.tensors[float_op.output].zero_point,
        act_min=op.bounds[0],
        act_max=op.bounds[1],
        weights=_rows(float_op.kind, op.weights),
        level_of=None if level_of is None else _rows(float_op.kind, level_of),
        multiplier=op.multiplier * sign,
        shift=op.shift.astype(np.int8),
        # With a negative multiplier the accumulator is the plain model's, negated.
        bias=op.bias * sign,
        block=float_op.block,
    )


def geometry_of(graph: Graph, op: Weighted) -> Geometry:
    """The op's static shape, padding in numbers."""
    source, out = graph.shapes[op.inputs[0]], graph.shapes[op.output]
    if op.kind == "fully_connected":
        vectors = int(np.prod(source[:-1]))
        return Geometry(op.kind, 1, vectors, source[-1], 1, vectors, out[-1])
    before = [0, 0]
    if op.padding == "same":
        windows = zip(source[1:3], op.kernel_size, op.strides, op.dilation, strict=True)
        before = [same_padding(*window)[1] for window in windows]
    return Geometry(
        op.kind,
        *(source[1], source[2], source[3]),
        *(out[1], out[2], out[3]),
        *op.kernel_size,
        *op.strides,
        *op.dilation,
        *(before[0], before[1]),
    )


def _rows(kind: str, values: Array) -> Array:
    """A kernel as the packed format has it: a row per output channel, or depthwise
    [positions, channels]."""
    if kind == "depthwise_conv_2d":
        return np.ascontiguousarray(values.reshape(-1, values.shape[3]))
    return np.ascontiguousarray(values.reshape(len(values), -1))
