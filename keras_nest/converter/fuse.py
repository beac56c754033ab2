"""Graph passes: fold normalizations, fuse activations, make every op expressible."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.graph import (
    Activation,
    Add,
    Affine,
    Graph,
    Op,
    Requantize,
    Reshape,
    Weighted,
)


def fuse(graph: Graph) -> None:
    """Brings a freshly read graph into the form that can be quantized, in place."""
    _fold_affines(graph)
    _fuse_activations(graph)
    _lift_to_images(graph)
    _free_softmax(graph)


def _fold_affines(graph: Graph) -> None:
    """Folds each Affine into the weighted op before it, or makes it a depthwise op.

    A batch normalization scales an output channel as a whole, so that it never changes
    the int8 weights: only the tables of its level.
    """
    for op in list(graph.ops):
        if not isinstance(op, Affine):
            continue
        before = graph.producer(op.inputs[0])
        if isinstance(before, Weighted) and graph.only_feeds(before.output, op):
            before.scale = before.scale * op.scale
            before.bias = before.bias * op.scale + op.bias
            before.norms.append(op.layer)
            _merge(graph, before, op)
        else:
            channels = op.scale.shape[1]
            graph.ops[graph.ops.index(op)] = Weighted(
                name=op.name,
                inputs=op.inputs,
                output=op.output,
                kind="depthwise_conv_2d",
                kernel=np.ones((1, 1, 1, channels), np.float32),
                level_of=None,
                scale=np.array(op.scale),
                bias=np.array(op.bias),
                norms=[op.layer],
            )


def _fuse_activations(graph: Graph) -> None:
    """Lets Weighted and Add take in the ReLU or ReLU6 behind them."""
    for op in list(graph.ops):
        if not isinstance(op, Activation) or op.kind == "softmax":
            continue
        before = graph.producer(op.inputs[0])
        if (
            isinstance(before, Weighted | Add)
            and before.activation == "linear"
            and graph.only_feeds(before.output, op)
        ):
            before.activation = op.kind
            _merge(graph, before, op)


def _lift_to_images(graph: Graph) -> None:
    """Lets a depthwise op on [1, features] (a lone normalization) see 1x1 images."""
    for op in list(graph.ops):
        flat = graph.shapes[op.output]
        if not isinstance(op, Weighted) or op.kind != "depthwise_conv_2d":
            continue
        if len(flat) == 4:
            continue
        image = (1, 1, 1, flat[1])
        before, after = f"{op.name}/image", f"{op.name}/flat"
        position = graph.ops.index(op)
        graph.ops.insert(position, Reshape(before, op.inputs, before))
        graph.ops.insert(position + 2, Reshape(after, [f"{op.name}/1x1"], op.output))
        op.inputs, op.output = [before], f"{op.name}/1x1"
        graph.shapes[before] = graph.shapes[op.output] = image


def _free_softmax(graph: Graph) -> None:
    """Puts a Requantize behind a softmax that other ops read.

    The int8 softmax has one fixed output scale, which must not be tied to anything.
    """
    for op in list(graph.ops):
        readers = graph.consumers(op.output)
        if not isinstance(op, Activation) or op.kind != "softmax" or not readers:
            continue
        name = f"{op.output}/requantized"
        for reader in readers:
            reader.inputs = [name if t == op.output else t for t in reader.inputs]
        graph.shapes[name] = graph.shapes[op.output]
        graph.ops.insert(graph.ops.index(op) + 1, Requantize(name, [op.output], name))


def _merge(graph: Graph, before: Op, op: Op) -> None:
    """Drops `op`; `before` makes its output from now on."""
    del graph.shapes[before.output]
    before.output = op.output
    graph.ops.remove(op)
