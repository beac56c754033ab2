"""Weights, masks and normalizations of Keras layers as numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_nest.converter.graph import NEVER, Array, Weighted
from keras_nest.errors import NestError


def read(layer: Any, name: str, inputs: list[str], levels: int) -> Weighted:
    """A convolution, depthwise or dense layer, with its nesting if it has one."""
    kernel, kind = tflite_layout(layer, _numpy(layer.kernel))
    level_of = getattr(layer, "level_of", None)
    nesting = None if level_of is None else np.asarray(_numpy(level_of), np.uint8)
    pattern = getattr(layer, "pattern", None) if nesting is not None else None
    if nesting is not None:
        nesting = tflite_layout(layer, nesting)[0]
        _check_nesting(name, nesting, levels)
    channels = kernel.shape[3] if kind == "depthwise_conv_2d" else kernel.shape[0]
    bias = np.zeros(channels) if layer.bias is None else _numpy(layer.bias)
    options: dict[str, Any] = {}
    if kind != "fully_connected":
        options = {
            "strides": pair(layer.strides),
            "padding": layer.padding,
            "dilation": pair(layer.dilation_rate),
        }
    if pattern is not None:
        options |= {"block": (pattern.rows, pattern.cols), "pattern": str(pattern)}
    if nesting is not None and getattr(layer, "prefix", None) is not None:
        options |= _of_widths(layer, nesting)
    if (widths := getattr(layer, "bit_widths", None)) is not None:
        _check_bits(name, widths.bits, levels)
        options |= {"bits": tuple(widths.bits), "pattern": "bits"}
    op = Weighted(
        name=name,
        inputs=inputs,
        output=name,
        kind=kind,
        kernel=np.ascontiguousarray(kernel, np.float32),
        level_of=None if nesting is None else np.ascontiguousarray(nesting),
        scale=np.ones((levels, channels)),
        bias=np.tile(bias.astype(np.float64), (levels, 1)),
        layer=layer,
        **options,
    )
    for values in (op.kernel, op.bias):
        _check_finite(name, values)
    return op


def _of_widths(layer: Any, nesting: Array) -> dict[str, Any]:
    """Where levels are widths alone, their pattern; else the channels of each."""
    if not layer.prefix.within:
        return {"block": (1, 1), "pattern": "channel"}
    channels = layer.prefix.level_of(tuple(layer.kernel.shape))
    channels = np.ascontiguousarray(tflite_layout(layer, channels)[0])
    # Masks that still ramp are not between the channels of their levels yet.
    return {"channels": channels} if np.all(nesting >= channels) else {}


def read_normalization(
    layer: Any, name: str, levels: int, channels: int
) -> tuple[Array, Array]:
    """Scale and bias of a batch normalization, each float64 [levels, channels]."""

    def rows(variable: Any, default: float) -> Array:
        values = np.full(channels, default) if variable is None else _numpy(variable)
        return np.broadcast_to(values.astype(np.float64), (levels, channels))

    gamma, beta = rows(layer.gamma, 1.0), rows(layer.beta, 0.0)
    mean, variance = rows(layer.moving_mean, 0.0), rows(layer.moving_variance, 1.0)
    scale, bias = normalization(gamma, beta, mean, variance, layer.epsilon)
    _check_finite(name, scale)
    _check_finite(name, bias)
    return scale, bias


def normalization(
    gamma: Any, beta: Any, mean: Any, variance: Any, epsilon: float
) -> tuple[Any, Any]:
    """Scale and bias of a batch normalization; arrays, or tensors of a backend."""
    scale = gamma / (variance + epsilon) ** 0.5
    return scale, beta - mean * scale


def tflite_layout(layer: Any, kernel: Any, xp: Any = np) -> tuple[Any, str]:
    """The kernel in TFLite's axes, and which op it belongs to.

    Args:
        layer: Its layer.
        kernel: Of the layer's own shape, an array of `xp`.
        xp: `numpy` or `keras.ops`.
    """
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        height, width, channels, multiplier = kernel.shape
        shape = (1, height, width, channels * multiplier)
        return xp.reshape(kernel, shape), "depthwise_conv_2d"
    if isinstance(layer, keras.layers.Dense):
        return xp.transpose(kernel), "fully_connected"
    if len(kernel.shape) == 3:
        kernel = kernel[None]
    return xp.transpose(kernel, (3, 0, 1, 2)), "conv_2d"


def _check_nesting(name: str, level_of: Array, levels: int) -> None:
    worst = int(np.max(np.where(level_of == NEVER, 0, level_of), initial=0))
    if worst >= levels:
        raise NestError(
            f"Expected level_of below {levels} (or {NEVER}) in layer {name!r}. "
            f"Received: {worst}",
            hint="Convert the NestedModel that the layer was trained in.",
        )


def _check_bits(name: str, bits: Sequence[int], levels: int) -> None:
    if len(bits) != levels:
        raise NestError(
            f"Expected bits of {levels} levels in layer {name!r}. Received: {bits}",
            hint="Convert the NestedModel that the layer was trained in.",
        )


def _check_finite(name: str, values: Array) -> None:
    if not np.all(np.isfinite(values)):
        raise NestError(
            f"Expected finite weights. Received: NaN or infinity in layer {name!r}",
            hint="The training diverged: lower the learning rate and train again.",
        )


def pair(value: Any) -> tuple[int, int]:
    """A size as (height, width); the one number of a 1-D layer is the width."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    return (1, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))


def _numpy(variable: Any) -> Array:
    return np.asarray(keras.ops.convert_to_numpy(variable))
