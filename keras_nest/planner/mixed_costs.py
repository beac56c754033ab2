"""What a layer costs at a level that mixes a width and a sparsity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_nest import targets
from keras_nest.converter.costs import load, predict
from keras_nest.format import NEVER, Geometry, NestedOp, candidates
from keras_nest.masks import Pattern, rows_of_kernel
from keras_nest.nesting.kernel_calls import KernelCalls
from keras_nest.planner.instructions import dense_op, padded

Array = np.ndarray[Any, Any]

LevelCost = Callable[[KernelCalls, Pattern, Array], float]
"""Of a layer, its pattern and, of the kernel's shape, the weights that it uses."""


def macs(calls: KernelCalls, pattern: Pattern, active: Array) -> float:
    """Multiply-accumulates of one sample."""
    return float(np.sum(active)) * calls.positions


def instructions(target: str) -> LevelCost:
    """Instructions of one sample, predicted from the cost table of a core.

    A layer that uses all weights between some channels counts as the dense one that
    has these channels alone, others as sparse ones of all channels.

    Args:
        target: Name of a core, see `keras_nest.targets`.
    """
    table = load(targets.find(target, "cost").costs)
    known: dict[Any, float] = {}

    def cost(calls: KernelCalls, pattern: Pattern, active: Array) -> float:
        key = calls.layer.name, active.tobytes()
        if key not in known:
            op = _op(padded(calls.geometry), pattern, active)
            sparse = [one for one in candidates(op) if one.encoding != "dense"]
            options = candidates(op) if op.level_of is None else sparse
            known[key] = float(min(predict(one.blob, table)[0] for one in options))
        return known[key]

    return cost


def _op(g: Geometry, pattern: Pattern, active: Array) -> NestedOp:
    """The level alone; what its weights are does not matter."""
    if g.op == "depthwise_conv_2d":
        multiple = g.out_c // g.in_c
        inputs = int(np.any(active, axis=(0, 1, 3)).sum())
        return _dense(g, inputs, inputs * multiple)
    rows = rows_of_kernel(active)
    taps = tuple(range(active.ndim - 2))
    inputs = int(np.any(active, axis=(*taps, active.ndim - 1)).sum())
    outputs = int(np.any(rows, axis=1).sum())
    used = inputs * outputs * (active.size // (g.in_c * g.out_c))
    if used > 0 and np.sum(active) == used:
        return _dense(g, inputs, outputs)
    return dataclasses.replace(
        _dense(g, g.in_c, g.out_c),
        weights=rows.astype(np.int8),
        level_of=np.where(rows, 0, NEVER).astype(np.uint8),
        block=(pattern.rows, pattern.cols),
    )


def _dense(g: Geometry, inputs: int, outputs: int) -> NestedOp:
    return dense_op(dataclasses.replace(g, in_c=inputs, out_c=outputs), zero_point=0)
