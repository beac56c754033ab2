"""Scales of the output channels: in numpy to convert, in keras.ops to train.

Quantization-aware training must round as the converter does, so that both compute the
scales here. `xp` is `numpy` or `keras.ops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Values = Any
"""Arrays of `xp`, or numbers."""

BIAS_LIMIT = 2.0**29
"""Largest bias of a dead channel, half of what the accumulator may hold."""

SMALLEST_FACTOR = 2.0**-24 * (1 + 2.0**-20)
"""Of an accumulator in an output: a channel's sum then is some 2**-6 of an output step,
and its shift one of those that the kernels in SIMD take (-23, see nest.h). Rounding the
scale to float32 must not take it below 2**-24."""

EMPTY_ROW_STEPS = 2.0**16
"""Bias steps in an output step where all weights are 0 and any scale would do."""


def weight_steps(
    kernel: Values,
    channel_axis: int,
    source: Values,
    out: Values,
    xp: Any = np,
    most: int = 127,
) -> tuple[Values, Values]:
    """The step of each channel's int8 weights, and which channels are all 0.

    Args:
        kernel: Float weights of the densest level, in TFLite's layout.
        channel_axis: The axis of the output channels.
        source: Scale of the op's input.
        out: Scale of its output.
        xp: See above.
        most: What the largest weight of a channel is in int8.
    """
    axes = tuple(i for i in range(len(kernel.shape)) if i != channel_axis)
    largest = xp.max(xp.abs(kernel), axis=axes)
    empty = largest == 0
    return xp.where(empty, out / (source * EMPTY_ROW_STEPS), largest / most), empty


def table_factors(
    scale: Values,
    bias: Values,
    step: Values,
    empty: Values,
    source: Values,
    out: Values,
    xp: Any = np,
) -> Values:
    """The size of the factors that a level's requantization table puts on channels.

    A dead channel (a factor near zero) keeps a factor large enough that its bias fits
    into 32 bits and its multiplier stays in the kernels' range.

    Args:
        scale: [..., out] factors of the folded normalization.
        bias: Of the same shape.
        step: Of each channel's weights, see `weight_steps`.
        empty: Which channels have no weights, likewise.
        source: Scale of the op's input.
        out: Scale of its output.
        xp: See above.
    """
    # Weights that are all 0 have no use for the factor, and their bias rounds with it.
    factor = xp.where(empty, 1.0, xp.abs(scale))
    factor = xp.maximum(factor, xp.abs(bias) / (source * step * BIAS_LIMIT))
    return xp.maximum(factor, SMALLEST_FACTOR * out / (source * step))
