"""The convolutions and dense layers that a nested .tflite leaves to builtin ops."""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from keras_nest.converter import flatbuffer
from keras_nest.converter.arithmetic import same_padding
from keras_nest.converter.flatbuffer import CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED
from keras_nest.format import Geometry

_KINDS = {
    CONV_2D: "conv_2d",
    DEPTHWISE_CONV_2D: "depthwise_conv_2d",
    FULLY_CONNECTED: "fully_connected",
}


def geometries(model: Any) -> list[tuple[int, str, Geometry]]:
    """Position among the operators, name of the output and shape of each."""
    graph = model.subgraphs[0]
    found = []
    for index, operator in enumerate(graph.operators):
        kind = _KINDS.get(flatbuffer.code_of(model, operator)[0])
        if kind is not None:
            tensors = [graph.tensors[i] for i in operator.inputs[:2]]
            output = graph.tensors[operator.outputs[0]]
            shapes = [tuple(map(int, t.shape)) for t in (*tensors, output)]
            geometry = _geometry(kind, shapes, operator.builtinOptions)
            found.append((index, flatbuffer.text(output.name), geometry))
    return found


def _geometry(kind: str, shapes: list[tuple[int, ...]], options: Any) -> Geometry:
    source, kernel, out = shapes
    if kind == "fully_connected":
        return Geometry(kind, 1, 1, source[-1], 1, 1, out[-1])
    size, strides = kernel[1:3], (options.strideH, options.strideW)
    dilation = options.dilationHFactor, options.dilationWFactor
    padding = [0, 0]
    if options.padding == schema.Padding.SAME:
        windows = zip(source[1:3], size, strides, dilation, strict=True)
        padding = [same_padding(*window)[1] for window in windows]
    shape = (*source[1:], *out[1:])
    return Geometry(kind, *shape, *size, *strides, *dilation, *padding)
