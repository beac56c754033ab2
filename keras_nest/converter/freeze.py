"""Keras model to graph: read the structure and the numpy weights, nothing else.

No Keras layer is ever run, so that models trained on any backend convert alike. The
model is walked from its output backwards; submodels are flattened on the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import keras

from keras_nest.converter import adapters, fuse
from keras_nest.converter.builder import Builder
from keras_nest.converter.graph import Graph
from keras_nest.converter.widths import set_widths
from keras_nest.errors import NestError
from keras_nest.nesting.rewrite import is_graph

LEVEL = "level"
"""Stands for the level input of a nested model's graph."""


def freeze(model: Any) -> Graph:
    """Reads a nested or plain Keras model into a graph.

    Args:
        model: `NestedModel`, or a built Functional or Sequential model with one input
            and one output (plain models have one level).

    Returns:
        The graph, normalizations folded and activations fused.

    Raises:
        NestError: If the model or one of its layers cannot be converted; names it.
    """
    if not isinstance(model, keras.Model):
        raise NestError(
            f"Expected a Keras model. Received: {type(model).__name__}",
            hint="Load the file first: keras.saving.load_model(path)."
            if isinstance(model, str | os.PathLike)
            else "Pass what nest() returned, or a Functional or Sequential model.",
        )
    if hasattr(model, "graph") and hasattr(model, "levels"):
        levels = int(model.levels)
        sparsities = tuple(float(value) for value in model.sparsities)
        network, inputs = model.graph, list(model.graph.inputs)[:-1]
        level_inputs = list(model.graph.inputs)[-1:]
    else:
        levels, sparsities, network = 1, None, model
        inputs, level_inputs = _plain_inputs(model), []
    if len(inputs) != 1 or len(network.outputs) != 1:
        raise NestError(
            f"Expected a model with one input and one output. Received: {model.name!r} "
            f"with {len(inputs)} inputs and {len(network.outputs)} outputs",
            hint="Convert one branch at a time, or concatenate outside of the model.",
        )
    graph = Graph(name=model.name, levels=levels, sparsities=sparsities)
    builder = Builder(graph)
    builder.start(_input_name(inputs[0]), tuple(inputs[0].shape))
    values: dict[int, str] = {id(inputs[0]): graph.input}
    values |= {id(tensor): LEVEL for tensor in level_inputs}
    _walk(network, "", values, builder)
    builder.finish(values[id(network.outputs[0])], tuple(network.outputs[0].shape))
    fuse.fuse(graph)
    set_widths(graph)
    return graph


def _plain_inputs(model: Any) -> list[Any]:
    if not model.built or not is_graph(model):
        kind = "an unbuilt model" if not model.built else "a subclassed model"
        raise NestError(
            f"Expected a built Functional or Sequential model. Received: {kind}, "
            f"{model.name!r}",
            hint="Give it an input shape (start it with keras.Input(shape)), or write "
            "it in the Functional style.",
        )
    return list(model.inputs)


def _input_name(tensor: Any) -> str:
    return str(tensor._keras_history.operation.name)


def _walk(network: Any, prefix: str, values: dict[int, str], builder: Builder) -> None:
    """Emits everything that the network's outputs depend on.

    Args:
        network: A Functional or Sequential model.
        prefix: Names of the submodels around it, each with a slash.
        values: Names of the tensors known so far, by id of the Keras tensor; the
            network's inputs are among them. Grows by the network's own tensors.
        builder: Takes the ops.
    """
    for operation, node in _nodes_in_order(network.outputs, values):
        sources = [values[id(tensor)] for tensor in node.input_tensors]
        if all(source == LEVEL for source in sources):
            # What is computed from the level alone stays the level.
            values |= {id(tensor): LEVEL for tensor in node.output_tensors}
            continue
        name = prefix + operation.name
        _check_call(operation, name, node)
        if is_graph(operation):
            inner = dict(zip(map(id, operation.inputs), sources, strict=True))
            _walk(operation, f"{name}/", inner, builder)
            results = [inner[id(tensor)] for tensor in operation.outputs]
        else:
            data = [source for source in sources if source != LEVEL]
            shape = tuple(node.output_tensors[0].shape)
            results = [adapters.emit(builder, operation, name, data, shape)]
        values.update(zip(map(id, node.output_tensors), results, strict=True))


def _check_call(operation: Any, name: str, node: Any) -> None:
    if node.arguments.kwargs.get("training"):
        raise NestError(
            "Expected layers that run in inference mode. Received: "
            f"layer {name!r} of class {type(operation).__name__}, called with "
            "training=True",
            hint="Build the model without the argument: fit() sets it by itself.",
        )
    if isinstance(operation, keras.Model) and not is_graph(operation):
        raise NestError(
            f"Expected submodels with a graph. Received: {name!r} of class "
            f"{type(operation).__name__}, a subclass with its own call()",
            hint="Write it as keras.Model(inputs, outputs).",
        )


def _nodes_in_order(
    outputs: list[Any], known: dict[int, str]
) -> Iterator[tuple[Any, Any]]:
    """Yields (operation, node) so that every node comes after what it reads."""
    done = set(known)
    stack = list(reversed(outputs))
    while stack:
        tensor = stack[-1]
        if id(tensor) in done:
            stack.pop()
            continue
        operation, index, _ = tensor._keras_history
        node = operation._inbound_nodes[index]
        missing = [t for t in node.input_tensors if id(t) not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        yield operation, node
        done.update(id(t) for t in node.output_tensors)
        stack.pop()
