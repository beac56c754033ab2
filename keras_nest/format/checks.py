"""What must hold for a nested op, whether it is about to be packed or was read."""

from __future__ import annotations

import numpy as np

from keras_nest.format.bits import check_bits
from keras_nest.format.header import check_geometry
from keras_nest.format.operation import (
    MAX_BLOCK_COLS,
    MAX_BLOCK_ROWS,
    MAX_LEVELS,
    NEVER,
    FormatError,
    Int32Array,
    Int64Array,
    NestedOp,
    UInt8Array,
)
from keras_nest.format.widths import check_widths

# acc << shift stays below this, so that the doubling high multiply and kernels
# that double the accumulator first cannot overflow.
ACCUMULATOR_BITS = 30


def check_op(op: NestedOp) -> None:
    """Raises FormatError if the format cannot hold `op` or its sums can overflow."""
    check_geometry(op.geometry)
    if not 1 <= op.levels <= MAX_LEVELS:
        raise FormatError(
            f"Expected 1 to {MAX_LEVELS} levels. Received: levels={op.levels}."
        )
    for name in ("input_zero_point", "output_zero_point", "act_min", "act_max"):
        value = getattr(op, name)
        if not -128 <= value <= 127:
            raise FormatError(f"Expected int8 {name}. Received: {value}.")
    if op.act_min > op.act_max:
        raise FormatError(
            "Expected act_min at most act_max. "
            f"Received: act_min={op.act_min}, act_max={op.act_max}."
        )
    shape = op.geometry.weights_shape
    _check_array("weights", op.weights, np.int8, shape)
    per_level = (op.levels, op.geometry.out_c)
    _check_array("multiplier", op.multiplier, np.int32, per_level)
    _check_array("bias", op.bias, np.int32, per_level)
    _check_array("shift", op.shift, np.int8, per_level)
    check_tables(op.multiplier, op.shift)
    if op.bits is not None:
        check_bits(op)
    if op.widths is not None:
        check_zero_point(op)
        check_widths(op.widths, op.geometry, op.levels)
        _check_array("level_of", op.level_of, np.uint8, shape)
        if np.any(op.level_of != op.widths.level_of(op.geometry)):
            raise FormatError(
                "Expected level_of of the op's widths. Received: another one."
            )
    elif op.level_of is not None:
        _check_array("level_of", op.level_of, np.uint8, shape)
        _check_level_of(op, op.level_of)
    check_accumulators(op)


def check_zero_point(op: NestedOp) -> None:
    """Raises FormatError if outputs of no channel are not within the bounds."""
    if not op.act_min <= op.output_zero_point <= op.act_max:
        raise FormatError(
            "Expected activation bounds around the output zero point of an op with "
            f"widths. Received: {op.output_zero_point} and {op.act_min, op.act_max}."
        )


def check_tables(multiplier: Int32Array, shift: np.ndarray) -> None:
    """Raises FormatError for values that requantization is not defined for."""
    if np.any(multiplier == np.iinfo(np.int32).min):
        raise FormatError("Expected multipliers above -2^31. Received: -2^31.")
    if shift.min() < -31 or shift.max() > 30:
        raise FormatError(
            f"Expected shifts from -31 to 30. Received: {shift.min()} to {shift.max()}."
        )


def check_accumulators(op: NestedOp) -> None:
    """Raises FormatError if an int8 input exists that drives a sum too far.

    The bound is over all int8 inputs at each level: `|sum + bias| << left shift`
    must stay below 2^30. Inputs in the padding add nothing. With widths, kernels may
    take in all channels at every level.
    """
    low, high = -128 - op.input_zero_point, 127 - op.input_zero_point
    axis = 0 if op.geometry.op == "depthwise_conv_2d" else 1
    for level in range(op.levels):
        weights = op.at(level) if op.widths is None else op.weights
        # low <= 0 <= high: the sign of a weight says which end it is worst at.
        up = np.maximum(weights, 0).sum(axis, dtype=np.int64)
        down = np.minimum(weights, 0).sum(axis, dtype=np.int64)
        highest = up * high + down * low + op.bias[level]
        lowest = up * low + down * high + op.bias[level]
        _check_reach(np.maximum(highest, -lowest), op.shift[level], level)


def _check_reach(reach: Int64Array, shift: np.ndarray, level: int) -> None:
    limit = np.int64(1) << (ACCUMULATOR_BITS - np.maximum(shift, 0).astype(np.int64))
    beyond = np.flatnonzero(reach >= limit)
    if beyond.size:
        c = beyond[0]
        raise FormatError(
            f"Expected accumulators below 2^{ACCUMULATOR_BITS} after any left shift. "
            f"Received: up to {reach[c]} with shift {shift[c]} in output channel {c} "
            f"at level {level}.",
            hint="A bias or scale of this layer is extreme: check its BatchNorm.",
        )


def _check_level_of(op: NestedOp, level_of: UInt8Array) -> None:
    if op.geometry.op == "depthwise_conv_2d":
        if np.any(level_of):
            raise FormatError(
                "Expected dense depthwise weights (level_of None or all 0). "
                f"Received: level_of with values {np.unique(level_of).tolist()}."
            )
        return
    wrong = (level_of >= op.levels) & (level_of != NEVER)
    if np.any(wrong):
        raise FormatError(
            f"Expected level_of in 0..{op.levels - 1} or {NEVER}. "
            f"Received: {level_of[wrong][0]}."
        )
    if np.any(op.weights[level_of == NEVER]):
        raise FormatError(
            f"Expected zero weights where level_of is {NEVER} (never active). "
            "Received: non-zero weights."
        )
    rows, cols = op.block
    if not (1 <= rows <= MAX_BLOCK_ROWS and 1 <= cols <= MAX_BLOCK_COLS):
        raise FormatError(
            f"Expected blocks of at most {MAX_BLOCK_ROWS}x{MAX_BLOCK_COLS}. "
            f"Received: {rows}x{cols}."
        )
    if op.geometry.in_c % cols:
        raise FormatError(
            f"Expected input channels in multiples of the block's {cols} columns. "
            f"Received: {op.geometry.in_c} input channels.",
            hint="Use a narrower pattern for this layer.",
        )
    tops = level_of[::rows, ::cols]
    spread = np.repeat(np.repeat(tops, rows, 0)[: len(level_of)], cols, 1)
    if not np.array_equal(spread, level_of):
        raise FormatError(
            f"Expected one level_of in each {rows}x{cols} block. "
            "Received: blocks with several."
        )


def _check_array(
    name: str, array: object, dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    found = (getattr(array, "dtype", None), getattr(array, "shape", None))
    if found != (np.dtype(dtype), shape):
        raise FormatError(
            f"Expected {name} as {np.dtype(dtype)} array of shape {shape}. "
            f"Received: {found[0]} of shape {found[1]}."
        )
