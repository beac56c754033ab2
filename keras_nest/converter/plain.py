"""A plain int8 convolution, depthwise convolution or dense op in a .tflite."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_nest.converter.flatbuffer import (
    CONV_2D,
    DEPTHWISE_CONV_2D,
    FULLY_CONNECTED,
    FUSED_ACTIVATION,
    PADDING,
    ModelWriter,
    TensorQuantization,
)
from keras_nest.converter.graph import Array


@dataclasses.dataclass(frozen=True)
class PlainWeights:
    """What a builtin weighted op needs beside its tensors.

    Attributes:
        kind: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        weights: int8 in TFLite's layout (see `graph.Weighted`).
        scale: float32 [out], scales of the weights.
        bias: int32 [out].
        activation: "linear", "relu" or "relu6".
    """

    kind: str
    weights: Array
    scale: Array
    bias: Array
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)
    activation: str = "linear"


def write_plain(
    writer: ModelWriter, name: str, op: PlainWeights, source: int, output: int
) -> Any:
    """Adds the op with its weights and bias as constant tensors; returns it."""
    tensors = writer.subgraph.tensors
    axis = 3 if op.kind == "depthwise_conv_2d" else 0
    zeros = np.zeros(len(op.scale), np.int64)
    kernel = writer.tensor(
        f"{name}/kernel",
        op.weights.shape,
        "int8",
        TensorQuantization(op.scale, zeros, axis),
        op.weights.astype(np.int8),
    )
    input_scale = np.float32(tensors[source].quantization.scale[0])
    bias = writer.tensor(
        f"{name}/bias",
        op.bias.shape,
        "int32",
        TensorQuantization(input_scale * op.scale.astype(np.float32), zeros, 0),
        op.bias.astype(np.int32),
    )
    code, version, options = _options(op, tensors, source, output)
    return writer.operator(code, version, [source, kernel, bias], [output], options)


def _options(
    op: PlainWeights, tensors: list[Any], source: int, output: int
) -> tuple[int, int, Any]:
    fused = FUSED_ACTIVATION[op.activation]
    if op.kind == "fully_connected":
        keep = len(tensors[output].shape) > 2
        options = schema.FullyConnectedOptionsT(
            fusedActivationFunction=fused, keepNumDims=keep
        )
        return FULLY_CONNECTED, 5 if keep else 4, options
    window = {
        "padding": PADDING[op.padding],
        "strideH": op.strides[0],
        "strideW": op.strides[1],
        "dilationHFactor": op.dilation[0],
        "dilationWFactor": op.dilation[1],
        "fusedActivationFunction": fused,
    }
    if op.kind == "conv_2d":
        return CONV_2D, 3, schema.Conv2DOptionsT(**window)
    multiplier = int(op.weights.shape[3]) // int(tensors[source].shape[-1])
    options = schema.DepthwiseConv2DOptionsT(depthMultiplier=multiplier, **window)
    return DEPTHWISE_CONV_2D, 3, options
