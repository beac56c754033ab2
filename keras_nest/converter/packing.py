"""A quantized op as the packed format takes it."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.arithmetic import same_padding
from keras_nest.converter.graph import Array, Graph, Weighted
from keras_nest.converter.quantize import QuantizedGraph, QuantizedOp
from keras_nest.format import Geometry, NestedOp

Tables = tuple[Array, Array, Array]


def nested_op(quantized: QuantizedGraph, op: QuantizedOp) -> NestedOp:
    """The op with its shapes, zero points and signed tables."""
    graph, float_op = quantized.graph, op.op
    sign = op.sign.astype(np.int32)
    level_of = float_op.level_of
    tables = (op.multiplier * sign, op.shift.astype(np.int8), op.bias * sign)
    if float_op.widths is not None:
        tables = _shared(tables, float_op.widths.outputs)
    multiplier, shift, bias = tables
    return NestedOp(
        geometry=geometry_of(graph, float_op),
        levels=graph.levels,
        input_zero_point=quantized.tensors[float_op.inputs[0]].zero_point,
        output_zero_point=quantized.tensors[float_op.output].zero_point,
        act_min=op.bounds[0],
        act_max=op.bounds[1],
        weights=_rows(float_op.kind, op.weights),
        level_of=None if level_of is None else _rows(float_op.kind, level_of),
        multiplier=multiplier,
        shift=shift,
        # With a negative multiplier the accumulator is the plain model's, negated.
        bias=bias,
        block=float_op.block,
        widths=float_op.widths,
        bits=float_op.bits,
    )


def _shared(tables: Tables, outputs: tuple[int, ...]) -> Tables:
    """The same tables where a level has no such channel as at one that has it, so that
    the levels can share them."""
    levels, channels = tables[0].shape
    active = np.arange(channels) < np.asarray(outputs)[:, None]
    lowest = np.where(active.any(axis=0), active.argmax(axis=0), levels - 1)
    source = np.where(active, np.arange(levels)[:, None], lowest)
    multiplier, shift, bias = (np.take_along_axis(t, source, axis=0) for t in tables)
    return multiplier, shift, bias


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
