"""Weights rounded to so many bits, as floats, with a straight-through gradient."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def affine(weights: Tensor, bits: Tensor) -> Tensor:
    """Rounds to a scale and a zero point of the whole tensor.

    The range is that of the weights and 0, which stays 0: the affine quantization of
    apple/learning-compressible-subspaces.

    Args:
        weights: Of any shape.
        bits: Scalar, a float of a whole number.
    """
    values = ops.cast(weights, "float32")
    low = ops.minimum(ops.min(values), 0.0)
    high = ops.maximum(ops.max(values), 0.0)
    steps = ops.power(2.0, ops.cast(bits, "float32")) - 1.0
    scale = (high - low) / steps
    scale = ops.where(scale > 0, scale, ops.ones_like(scale))
    zero = ops.round(-low / scale)
    whole = ops.clip(ops.round(values / scale) + zero, 0.0, steps)
    return straight_through(weights, (whole - zero) * scale)


def planes(weights: Tensor, bits: Tensor) -> Tensor:
    """Rounds to the upper bits of int8 weights with one scale for each output channel.

    The 8-bit weight q is from -120 to 119, so that its upper 4 bits, those of q / 16
    rounded half up, are from -8 to 7; so is any other number of bits, of which 3 and 2
    are clipped.

    Args:
        weights: [..., output channels].
        bits: Scalar, a float of a whole number.
    """
    values = ops.cast(weights, "float32")
    axes = tuple(range(len(values.shape) - 1))
    scale = ops.max(ops.abs(values), axis=axes, keepdims=True) / 119.0
    scale = ops.where(scale > 0, scale, ops.ones_like(scale))
    whole = ops.round(values / scale)
    bits = ops.cast(bits, "float32")
    step = ops.power(2.0, 8.0 - bits)
    most = ops.power(2.0, bits - 1.0)
    upper = ops.clip(ops.floor(whole / step + 0.5), -most, most - 1.0)
    return straight_through(weights, upper * step * scale)


def straight_through(weights: Tensor, rounded: Tensor) -> Tensor:
    """The rounded weights, with the gradient of those that were not."""
    rounded = ops.cast(rounded, weights.dtype)
    return weights + ops.stop_gradient(rounded - weights)
