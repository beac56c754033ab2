"""Biases with the input zero point in them: then inputs are taken as they are."""

from __future__ import annotations

import numpy as np

from keras_nest.format.operation import Int32Array, NestedOp


def folded_biases(op: NestedOp) -> Int32Array:
    """`bias - input_zero_point * sum(weights)` modulo 2^32, int32 `[L, out_c]`.

    The sums are over the weights of an output channel that a level uses.
    """
    axis = 0 if op.geometry.op == "depthwise_conv_2d" else 1
    if op.level_of is None:
        sums = op.weights.sum(axis, dtype=np.int64)[np.newaxis]
    else:
        sums = np.stack(
            [
                np.where(op.mask(level), op.weights, 0).sum(axis, dtype=np.int64)
                for level in range(op.levels)
            ]
        )
    folded = op.bias.astype(np.int64) - op.input_zero_point * sums
    wrapped: Int32Array = (folded & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    return wrapped
