"""Walking over a functional Keras model, with its submodels laid open.

The walk reads the model's config, which is Keras' stable description of a graph, and
hands every call of a layer or operation to a function of the caller. What flows along
the edges is up to that function: Keras tensors (then the walk builds another model) or
facts about them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_nest.errors import NestError

Value = Any
Call = Callable[[Any, list[Any], dict[str, Any]], Value]
"""Called with a layer or operation and the arguments of one call; returns its output,
or one value that stands for all its outputs."""


def as_functional(model: Any) -> keras.Model:
    """Returns the functional model behind a functional or Sequential one.

    Raises:
        NestError: If the model is not built, or is neither of the two.
    """
    if not isinstance(model, keras.Model):
        raise NestError(
            f"Expected a Keras model. Received: {model!r} of type {type(model)}"
        )
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise NestError(
                f"Expected a built model. Received: Sequential {model.name!r}, whose "
                "input shape is not known yet",
                hint="Begin it with keras.Input(shape), or call model.build(shape).",
            )
        return keras.Model(model.inputs, model.outputs, name=model.name)
    if not is_graph(model):
        raise NestError(
            "Expected a functional or Sequential model. Received: "
            f"{type(model).__name__} {model.name!r}, a subclass with its own call()",
            hint="Write it as keras.Model(inputs, outputs).",
        )
    return model


def is_graph(layer: Any) -> bool:
    """Whether a layer is itself a functional or Sequential model."""
    if isinstance(layer, keras.Sequential):
        return True
    functional = type(layer) is keras.Model or type(layer).__name__ == "Functional"
    return isinstance(layer, keras.Model) and functional


def walk(model: keras.Model, inputs: list[Value], call: Call) -> list[Value]:
    """Goes over every call of a functional model in an order in which it can run.

    Args:
        model: A functional or Sequential model. Models inside it are walked into.
        inputs: One value for each input of the model.
        call: See `Call`.

    Returns:
        The values of the model's outputs.
    """
    model = as_functional(model)
    config = model.get_config()
    operations = {operation.name: operation for operation in model.operations}
    values: dict[tuple[str, int], list[Value]] = {}
    input_layers = _references(config["input_layers"])
    for (name, _, _), value in zip(input_layers, inputs, strict=True):
        values[name, 0] = [value]
    pending = [
        (entry["name"], index, node)
        for entry in config["layers"]
        for index, node in enumerate(entry["inbound_nodes"])
    ]
    while pending:
        waiting = []
        for name, index, node in pending:
            if not all(key in values for key in _inputs_of(node)):
                waiting.append((name, index, node))
                continue
            args = _revive(node["args"], values)
            kwargs = _revive(node["kwargs"], values)
            operation = operations[name]
            if is_graph(operation):
                # `training=...` of the call is lost, as it is in Keras: the training
                # flag of the whole model goes before it.
                tensors = keras.tree.flatten(args[0] if args else kwargs["inputs"])
                values[name, index] = walk(operation, tensors, call)
            else:
                output = call(operation, list(args), kwargs)
                values[name, index] = keras.tree.flatten(output)
        pending = waiting
    return [
        # A functional submodel's own graph is its call number 0 here, unlike above.
        _pick(values[name, index - _own_calls(operations[name])], position)
        for name, index, position in _references(config["output_layers"])
    ]


def _own_calls(operation: Any) -> int:
    sequential = isinstance(operation, keras.Sequential)
    return 1 if is_graph(operation) and not sequential else 0


def _pick(outputs: list[Value], position: int) -> Value:
    return outputs[position] if len(outputs) > 1 else outputs[0]


def _references(struct: Any) -> list[tuple[str, int, int]]:
    """The (name, call, output) triples in a config's structure of inputs or outputs."""
    if isinstance(struct, dict):
        return [ref for key in sorted(struct) for ref in _references(struct[key])]
    if len(struct) == 3 and isinstance(struct[0], str):
        return [(struct[0], struct[1], struct[2])]
    return [ref for item in struct for ref in _references(item)]


def _history(node: Any) -> tuple[str, int, int] | None:
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        name, index, position = node["config"]["keras_history"]
        return name, index, position
    return None


def _inputs_of(node: Any) -> set[tuple[str, int]]:
    if (history := _history(node)) is not None:
        return {history[:2]}
    items = node.values() if isinstance(node, dict) else node
    if not isinstance(node, dict | list | tuple):
        return set()
    return set().union(*(_inputs_of(item) for item in items))


def _revive(node: Any, values: dict[tuple[str, int], list[Value]]) -> Any:
    """The arguments that a config describes, tensors replaced by their values."""
    if (history := _history(node)) is not None:
        return _pick(values[history[:2]], history[2])
    if isinstance(node, list | tuple):
        return [_revive(item, values) for item in node]
    if isinstance(node, dict):
        if node.get("class_name") == "__tuple__":
            return tuple(_revive(item, values) for item in node["items"])
        if "class_name" in node:
            return keras.saving.deserialize_keras_object(node)
        return {key: _revive(item, values) for key, item in node.items()}
    return node
