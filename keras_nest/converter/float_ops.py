"""The ops of the graph in float32, on the active Keras backend."""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.converter import graph as ir
from keras_nest.converter.graph import Graph

Tensor = Any


def unweighted(op: ir.Op, inputs: list[Tensor], graph: Graph) -> Tensor:
    """What an op without weights computes, the batch first."""
    x = inputs[0]
    if isinstance(op, ir.Add):
        return _activate(x + inputs[1], op.activation)
    if isinstance(op, ir.Activation):
        return _activate(x, op.kind)
    if isinstance(op, ir.Concatenate):
        return keras.ops.concatenate(inputs, axis=-1)
    if isinstance(op, ir.Pool):
        pool = keras.ops.max_pool if op.kind == "max" else keras.ops.average_pool
        return pool(x, op.size, op.strides, op.padding, data_format="channels_last")
    if isinstance(op, ir.Mean):
        return keras.ops.mean(x, axis=(1, 2))
    if isinstance(op, ir.Pad):
        return keras.ops.pad(x, ((0, 0), *op.amounts, (0, 0)))
    if isinstance(op, ir.Reshape):
        return keras.ops.reshape(x, (-1, *graph.shapes[op.output][1:]))
    assert isinstance(op, ir.Requantize)
    return x


def weighted(op: ir.Weighted, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """A convolution, depthwise convolution or dense layer with its activation.

    Args:
        op: Says which, and how it strides and pads.
        x: Its input, the batch first.
        kernel: In TFLite's layout, any normalization folded.
        bias: [out].
    """
    kernel = keras.ops.cast(kernel, "float32")
    bias = keras.ops.cast(bias, "float32")
    if op.kind == "fully_connected":
        y = keras.ops.matmul(x, keras.ops.transpose(kernel))
        return _activate(y + bias, op.activation)
    if op.kind == "depthwise_conv_2d":
        channels = x.shape[-1]
        kernel = keras.ops.reshape(kernel, (*kernel.shape[1:3], channels, -1))
        convolve = keras.ops.depthwise_conv
    else:
        kernel = keras.ops.transpose(kernel, (1, 2, 3, 0))
        convolve = keras.ops.conv
    y = convolve(
        x,
        kernel,
        strides=op.strides,
        padding=op.padding,
        data_format="channels_last",
        dilation_rate=op.dilation,
    )
    return _activate(y + bias, op.activation)


def _activate(x: Tensor, kind: str) -> Tensor:
    # Of keras.activations: softmax keeps its logits for the losses, which need them.
    return x if kind == "linear" else getattr(keras.activations, kind)(x)
