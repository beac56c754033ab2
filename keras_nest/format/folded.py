"""Biases with the input zero point in them: then inputs are taken as they are."""

from __future__ import annotations

import numpy as np

from keras_nest.format.operation import Int32Array, NestedOp
from keras_nest.format.widths import folded_columns


def folded_biases(op: NestedOp) -> Int32Array:
    """`bias - input_zero_point * sum(weights)` modulo 2^32, int32 `[L, out_c]`.

    The sums are over the weights of an output channel that a level uses; with widths
    over those that its kernels may run over, `widths.folded_columns`.
    """
    axis = 0 if op.geometry.op == "depthwise_conv_2d" else 1
    bias = op.bias.astype(np.int64)
    if op.widths is not None:
        g = op.geometry
        if axis == 0:  # what is not there comes out as the zero point
            active = np.arange(g.out_c) < np.array(op.widths.outputs)[:, None]
            bias = np.where(active, bias, 0)
        ends = [folded_columns(op.widths, g, level) for level in range(op.levels)]
        rows = op.weights.T if axis == 0 else op.weights
        sums = np.stack([rows[:, :end].sum(1, dtype=np.int64) for end in ends])
    elif op.level_of is None and op.bits is None:
        sums = op.weights.sum(axis, dtype=np.int64)[np.newaxis]
    else:
        sums = np.stack(
            [op.at(level).sum(axis, dtype=np.int64) for level in range(op.levels)]
        )
    folded = bias - op.input_zero_point * sums
    wrapped: Int32Array = (folded & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return wrapped
