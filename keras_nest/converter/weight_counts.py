"""Weights and multiply-accumulates of a file's ops, at each level."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_nest import format as packed_format
from keras_nest.converter import flatbuffer
from keras_nest.converter.flatbuffer import CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED
from keras_nest.converter.nested_file import NestedOperator
from keras_nest.format import NestedOp

KINDS = {
    CONV_2D: "conv_2d",
    DEPTHWISE_CONV_2D: "depthwise_conv_2d",
    FULLY_CONNECTED: "fully_connected",
}


@dataclasses.dataclass(frozen=True)
class Counts:
    """Weights of an op (or of several), those kept, and multiply-accumulates."""

    weights: int
    kept: int
    macs: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.weights + other.weights, self.kept + other.kept, self.macs + other.macs
        )


def of_nested(op: NestedOp) -> list[Counts]:
    """Counts of a nested op at each level."""
    positions = op.geometry.out_h * op.geometry.out_w
    kept = [packed_format.level_weights(op, level) for level in range(op.levels)]
    return [Counts(op.weights.size, value, value * positions) for value in kept]


def of_builtin(model: Any, operator: Any, kind: str) -> Counts:
    """Counts of a builtin op with weights, which computes with all of them."""
    tensors = model.subgraphs[0].tensors
    kernel = tensors[operator.inputs[1]]
    output = tensors[operator.outputs[0]]
    weights = int(np.prod(kernel.shape))
    channels = int(kernel.shape[3 if kind == "depthwise_conv_2d" else 0])
    return Counts(weights, weights, weights * int(np.prod(output.shape)) // channels)


def of_ops(model: Any, nested: Sequence[NestedOperator], levels: int) -> list[Counts]:
    """Counts of all ops with weights together, at each level.

    Args:
        model: A parsed file.
        nested: Its nested ops.
        levels: How many levels they have; 1 for a plain model.
    """
    by_index = {one.index: one for one in nested}
    totals = [Counts(0, 0, 0)] * levels
    for index, operator in enumerate(model.subgraphs[0].operators):
        code, _ = flatbuffer.code_of(model, operator)
        if index in by_index:
            counts = of_nested(by_index[index].op)
        elif code in KINDS:
            counts = [of_builtin(model, operator, KINDS[code])] * levels
        else:
            continue
        totals = [total + one for total, one in zip(totals, counts, strict=True)]
    return totals
