"""What the packed format means, in numpy: exact integers, as plain as the formula.

Slow, and not used to run models; the kernels in C must equal it in every bit.
"""

from __future__ import annotations

import numpy as np

from keras_nest.errors import NestError
from keras_nest.format.operation import (
    Geometry,
    Int8Array,
    Int64Array,
    NestedOp,
)


def run(op: NestedOp, x: Int8Array, level: int) -> Int8Array:
    """Runs `op` at `level`.

    Args:
        op: The op.
        x: int8 `[N, in_h, in_w, in_c]`; fully connected: `[N, in_c]`.
        level: 0 (sparsest) to `op.levels - 1` (densest).

    Returns:
        int8 `[N, out_h, out_w, out_c]`; fully connected: `[N, out_c]`.

    Raises:
        NestError: `level` is out of range or `x` has another shape.
    """
    check_call(op.geometry, op.levels, x, level)
    g = op.geometry
    images = x[:, np.newaxis, np.newaxis] if g.op == "fully_connected" else x
    shifted = images.astype(np.int64) - op.input_zero_point
    weights = op.at(level).astype(np.int64)
    patches = _patches(g, shifted)
    if g.op == "depthwise_conv_2d":
        spread = np.repeat(patches, g.out_c // g.in_c, axis=-1)
        acc = (spread * weights).sum(-2)
    else:
        acc = patches.reshape(*patches.shape[:3], -1) @ weights.T
    scaled = requantize(acc + op.bias[level], op.multiplier[level], op.shift[level])
    y = np.clip(scaled + op.output_zero_point, op.act_min, op.act_max)
    outputs: Int8Array = y.astype(np.int8)
    if op.widths is not None:
        outputs[..., op.widths.outputs[level] :] = op.output_zero_point
    return outputs[:, 0, 0] if g.op == "fully_connected" else outputs


def requantize(
    value: Int64Array, multiplier: np.ndarray, shift: np.ndarray
) -> Int64Array:
    """`value * multiplier / 2^31 * 2^shift` with TFLite's double rounding.

    The two functions of gemmlowp that TFLite composes: a doubling high multiply,
    rounded to nearest with ties up, then a right shift, rounded to nearest with
    ties away from zero. Left shifts come first.
    """
    left = np.maximum(shift, 0).astype(np.int64)
    right = np.maximum(-shift.astype(np.int64), 0)
    product = (value << left) * multiplier.astype(np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    # C's division: towards zero.
    high = np.sign(product + nudge) * (np.abs(product + nudge) >> 31)
    mask = (np.int64(1) << right) - 1
    threshold = (mask >> 1) + (high < 0)
    rounded: Int64Array = (high >> right) + ((high & mask) > threshold)
    return rounded


def check_call(g: Geometry, levels: int, x: np.ndarray, level: int) -> None:
    """Raises NestError if an op of this shape cannot run on `x` at `level`."""
    if not 0 <= level < levels:
        raise NestError(f"Expected a level from 0 to {levels - 1}. Received: {level}.")
    image = (g.in_h, g.in_w, g.in_c) if g.op != "fully_connected" else (g.in_c,)
    if x.dtype != np.int8 or x.shape[1:] != image:
        raise NestError(
            f"Expected int8 input of shape (N, {', '.join(map(str, image))}). "
            f"Received: {x.dtype} of shape {x.shape}."
        )
    vectors = g.in_w if g.op == "fully_connected" else 1
    if len(x) % vectors:
        raise NestError(
            f"Expected vectors in multiples of the op's {vectors}. Received: {len(x)}."
        )


def _patches(g: Geometry, x: Int64Array) -> Int64Array:
    """`[N, out_h, out_w, kernel_h * kernel_w, in_c]`, zero in the padding."""
    if g.op == "fully_connected":
        return x[..., np.newaxis, :]
    y_at = np.arange(g.out_h)[:, None] * g.stride_h - g.pad_top
    y_at = y_at + np.arange(g.kernel_h) * g.dilation_h
    x_at = np.arange(g.out_w)[:, None] * g.stride_w - g.pad_left
    x_at = x_at + np.arange(g.kernel_w) * g.dilation_w
    # One row and column of zeros beside the image, for all that lies outside.
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
    y_at = np.where((y_at >= 0) & (y_at < g.in_h), y_at, g.in_h)
    x_at = np.where((x_at >= 0) & (x_at < g.in_w), x_at, g.in_w)
    taken = padded[:, y_at[:, None, :, None], x_at[None, :, None, :]]
    return taken.reshape(len(x), g.out_h, g.out_w, -1, g.in_c)
