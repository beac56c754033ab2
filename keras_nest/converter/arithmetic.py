"""The numbers that TensorFlow Lite's kernels derive from scales, computed as they do.

Float32 and float64 are told apart everywhere on purpose: one rounding elsewhere shows
as an output that differs by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

INT8_MIN, INT8_MAX = -128, 127


def quantize_multiplier(values: Array) -> tuple[Array, Array]:
    """Positive factors as fixed-point numbers `multiplier * 2**(shift - 31)`.

    The same as QuantizeMultiplier of TensorFlow Lite's quantization_util.

    Args:
        values: float64, any shape, >= 0.

    Returns:
        int32 multipliers in [2**30, 2**31) (0 where the value is 0 or under 2**-32) and
        int32 shifts (> 0 to the left).
    """
    fraction, exponent = np.frexp(np.asarray(values, np.float64))
    fixed = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    shift = exponent.astype(np.int64)
    carry = fixed == 2**31
    fixed = np.where(carry, fixed // 2, fixed)
    shift = np.where(carry, shift + 1, shift)
    gone = (shift < -31) | (fixed == 0)
    fixed = np.where(gone, 0, fixed)
    shift = np.where(gone, 0, shift)
    return fixed.astype(np.int32), shift.astype(np.int32)


def effective_scale(
    input_scale: float, weight_scale: Array, output_scale: float, single: bool = False
) -> Array:
    """Factor from accumulator to output, as TFLM's Prepare computes it.

    Args:
        input_scale: float32 scale of the input tensor.
        weight_scale: float32 scales of the output channels.
        output_scale: float32 scale of the output tensor.
        single: FULLY_CONNECTED whose weights have a single scale (one output unit)
            multiplies the two scales in float32; everything else does so in double.
    """
    weights = np.asarray(weight_scale, np.float32)
    if single:
        product = (np.float32(input_scale) * weights).astype(np.float64)
    else:
        product = np.float64(np.float32(input_scale)) * weights.astype(np.float64)
    return product / np.float64(np.float32(output_scale))


def unambiguous_scale(
    input_scale: float, weight_scale: Array, output_scale: float
) -> Array:
    """The next weight scales for which both products of `effective_scale` agree.

    With them a dense layer of one unit has the same multiplier as FULLY_CONNECTED and
    as a 1x1 CONV_2D. About one float32 in a hundred will do, so that a scale moves by
    less than 2**-12 of itself.
    """
    result = np.array(weight_scale, np.float32)
    for index, scale in np.ndenumerate(result):
        bits = np.asarray(scale).view(np.int32) + np.arange(2048, dtype=np.int32)
        trials = bits.view(np.float32)
        wide, narrow = (
            quantize_multiplier(
                effective_scale(input_scale, trials, output_scale, single)
            )
            for single in (False, True)
        )
        same = (wide[0] == narrow[0]) & (wide[1] == narrow[1])
        result[index] = trials[np.argmax(same)]
    return result


def activation_bounds(
    activation: str, scale: float, zero_point: int
) -> tuple[int, int]:
    """The int8 clamp of a fused activation ("linear", "relu" or "relu6")."""
    low, high = INT8_MIN, INT8_MAX
    if activation in ("relu", "relu6"):
        low = max(low, zero_point)
    if activation == "relu6":
        # TFLite divides in float32 and rounds half away from zero.
        six = int(np.floor(np.float64(np.float32(6.0) / np.float32(scale)) + 0.5))
        high = min(high, zero_point + six)
    return low, high


def same_padding(
    size: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int, int]:
    """Output size, padding before and padding after of "same" along one axis."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return out, total // 2, total - total // 2


def valid_size(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Output size of "valid" along one axis."""
    return (size - (kernel - 1) * dilation - 1) // stride + 1
