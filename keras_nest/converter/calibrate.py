"""Activation ranges over all levels, and which tensors must share a scale."""

from __future__ import annotations

import keras
import numpy as np

from keras_nest.converter import graph as ir
from keras_nest.converter.float_ops import Tensor, unweighted, weighted
from keras_nest.converter.graph import Array, Graph

BATCH = 64

SOFTMAX_RANGE = 2.0**-12
"""Narrowest range of a softmax's inputs: the int8 kernels need a step of 2**-26 at
least, and over a range like this the outputs differ by less than 1/256 anyway."""

ADD_RANGE = 2.0**-16
"""Narrowest range of a sum, as a share of its widest input's: the int8 kernels need
2**-19 or more, and a sum that cancels like this is lost in its inputs' rounding."""


def run(graph: Graph, x: Array, level: int) -> dict[str, Array]:
    """The graph in float32 on the active Keras backend.

    Args:
        graph: A frozen graph.
        x: [n, ...], of the graph's input shape.
        level: Which level to run.

    Returns:
        All tensors by name, the batch first.
    """
    first = np.asarray(x, np.float32).reshape(len(x), *graph.shapes[graph.input][1:])
    values: dict[str, Tensor] = {graph.input: keras.ops.convert_to_tensor(first)}
    for op in graph.ops:
        inputs = [values[name] for name in op.inputs]
        if isinstance(op, ir.Weighted):
            kernel = op.masked(level) * op.per_channel(op.scale[level])
            values[op.output] = weighted(op, inputs[0], kernel, op.bias[level])
        else:
            values[op.output] = unweighted(op, inputs, graph)
    return {k: np.asarray(keras.ops.convert_to_numpy(v)) for k, v in values.items()}


def ranges(graph: Graph, data: Array) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every tensor over the data and all levels.

    Tensors that int8 kernels need at one scale (a concatenation's inputs and output;
    what goes into and comes out of pooling, padding, reshaping and RELU6) get the union
    of their ranges.
    """
    found: dict[str, tuple[float, float]] = {}
    for start in range(0, len(data), BATCH):
        for level in range(graph.levels):
            values = run(graph, data[start : start + BATCH], level)
            for name, value in values.items():
                low, high = found.get(name, (np.inf, -np.inf))
                found[name] = (
                    min(low, float(value.min())),
                    max(high, float(value.max())),
                )
    _tie(graph, found)
    _widen(graph, found)
    _tie(graph, found)
    return found


def _tie(graph: Graph, found: dict[str, tuple[float, float]]) -> None:
    for group in ties(graph):
        low = min(found[name][0] for name in group)
        high = max(found[name][1] for name in group)
        found.update({name: (low, high) for name in group})


def _widen(graph: Graph, found: dict[str, tuple[float, float]]) -> None:
    """Widens ranges so narrow that TFLM's Prepare would abort the whole process."""

    def at_least(name: str, span: float) -> None:
        low, high = min(found[name][0], 0), max(found[name][1], 0)
        found[name] = low, max(high, low + span)

    for op in graph.ops:
        if isinstance(op, ir.Activation) and op.kind == "softmax":
            at_least(op.inputs[0], SOFTMAX_RANGE)
        elif isinstance(op, ir.Add):
            spans = (max(found[t][1], 0) - min(found[t][0], 0) for t in op.inputs)
            at_least(op.output, ADD_RANGE * max(spans))


def ties(graph: Graph) -> list[list[str]]:
    """Groups of tensors that must share one scale and zero point."""
    root = {name: name for name in graph.shapes}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for op in graph.ops:
        # TFLM's RELU6 clamps in the scale of its input; its RELU rescales.
        clamps = isinstance(op, ir.Activation) and op.kind == "relu6"
        if clamps or isinstance(op, ir.Concatenate | ir.Pool | ir.Reshape | ir.Pad):
            for name in op.inputs:
                root[find(name)] = find(op.output)
    groups: dict[str, list[str]] = {}
    for name in graph.shapes:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())
