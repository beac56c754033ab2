"""A nested op as numpy arrays: what is packed, and what unpacking gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from keras_nest.errors import NestError

if TYPE_CHECKING:
    from keras_nest.format.widths import Widths

OPS = ("conv_2d", "depthwise_conv_2d", "fully_connected")
ENCODINGS = ("dense", "blocks", "lists", "offsets", "vectors")
NEVER = 255  # level_of of a weight that no level has
MAX_LEVELS = 32
MAX_BLOCK_ROWS, MAX_BLOCK_COLS = 4, 16
MAX_DIM = 1 << 24
MAX_WEIGHTS = 1 << 24
MAX_TENSOR = 1 << 30  # bytes

Int8Array = npt.NDArray[np.int8]
UInt8Array = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


class FormatError(NestError):
    """A nested op that the packed format cannot hold, or bytes that are not one."""


@dataclass(frozen=True)
class Geometry:
    """The static shape of one nested op, one image at a time.

    Fully connected: `in_h = out_h = 1`, `in_w = out_w` = vectors per call, kernel
    1x1. Depthwise: the depth multiplier is `out_c // in_c`.
    """

    op: str
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int = 1
    kernel_w: int = 1
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_left: int = 0

    @property
    def columns(self) -> int:
        """Weights per output channel."""
        taps = self.kernel_h * self.kernel_w
        return taps if self.op == "depthwise_conv_2d" else taps * self.in_c

    @property
    def weights_shape(self) -> tuple[int, int]:
        """`(out_c, columns)`; depthwise `(kernel_h * kernel_w, out_c)`."""
        if self.op == "depthwise_conv_2d":
            return self.columns, self.out_c
        return self.out_c, self.columns


@dataclass
class NestedOp:
    """One nested op: int8 weights shared by all levels, a table per level.

    `y = clamp(requantize(sum((x - input_zero_point) * w) + bias[l], multiplier[l],
    shift[l]) + output_zero_point, act_min, act_max)`, the sum over the weights with
    `level_of <= l`.

    Attributes:
        geometry: Shapes, strides, padding.
        levels: Number of levels L, 1 to 32; level 0 is the sparsest.
        input_zero_point: int8 value.
        output_zero_point: int8 value.
        act_min: Lowest output, int8 value.
        act_max: Highest output, int8 value.
        weights: int8 `[out_c, kernel_h * kernel_w * in_c]`, columns in the order
            ky, kx, channel; depthwise `[kernel_h * kernel_w, out_c]`.
        level_of: uint8 of the same shape: the lowest level at which the weight is
            active, 255 for never (the weight is 0 then). None: all weights are
            active at every level.
        multiplier: int32 `[L, out_c]`, 31-bit fixed point, negative for a
            negative scale.
        shift: int8 `[L, out_c]`, TFLite's convention: > 0 left, < 0 right.
        bias: int32 `[L, out_c]`, added to the accumulator.
        block: Output rows and input columns that share one `level_of`.
        widths: Where levels have the first channels and all weights between them;
            `level_of` says the same. The outputs that a level does not have are the
            output zero point; the inputs that it does not have must be theirs.
        bits: Where levels have 4 or 8 bits of each weight, by level; the weights are
            from -120 to 119, and a level of 4 bits has `four_bits` of them.
    """

    geometry: Geometry
    levels: int
    input_zero_point: int
    output_zero_point: int
    act_min: int
    act_max: int
    weights: Int8Array
    level_of: UInt8Array | None
    multiplier: Int32Array
    shift: Int8Array
    bias: Int32Array
    block: tuple[int, int] = (1, 1)
    widths: Widths | None = None
    bits: tuple[int, ...] | None = None

    def mask(self, level: int) -> npt.NDArray[np.bool_]:
        """Weights that `level` uses, bool of the shape of `weights`."""
        if self.level_of is None:
            return np.ones(self.weights.shape, bool)
        return self.level_of <= level

    def at(self, level: int) -> Int8Array:
        """The weights that `level` computes with, int8 of the shape of `weights`; 0
        where it has none."""
        weights = self.weights
        if self.bits is not None and self.bits[level] == 4:
            weights = four_bits(weights)
        if self.level_of is None:
            return weights
        return np.where(self.mask(level), weights, np.int8(0))


def four_bits(weights: Int8Array) -> Int8Array:
    """Weights from -120 to 119 rounded to the nearest multiple of 16, halves up."""
    rounded: Int8Array = ((weights.astype(np.int16) + 8) >> 4 << 4).astype(np.int8)
    return rounded


def block_levels(op: NestedOp, keep_zeros: bool = False) -> UInt8Array:
    """The level of each block, uint8 `[row groups, blocks per row]`.

    Args:
        op: A checked op with `level_of`.
        keep_zeros: Also give blocks of zero weights their level, instead of 255.
    """
    assert op.level_of is not None
    rows, cols = op.block
    grid = op.level_of[::rows, ::cols].copy()
    if not keep_zeros:
        blocks = padded_rows(op.weights, rows).reshape(
            grid.shape[0], rows, grid.shape[1], cols
        )
        grid[~np.any(blocks, axis=(1, 3))] = NEVER
    return grid


def padded_rows(weights: Int8Array, multiple: int) -> Int8Array:
    """`weights` with zero rows added up to a multiple of `multiple` rows."""
    return np.pad(weights, ((0, -len(weights) % multiple), (0, 0)))
