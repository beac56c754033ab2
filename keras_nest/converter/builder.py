"""A graph under construction: unique names, known shapes, errors that name layers."""

from __future__ import annotations

from typing import Any

from keras_nest.converter import graph as ir
from keras_nest.converter.graph import Graph, Shape
from keras_nest.errors import NestError


class Builder:
    """Adds ops to a graph and keeps names unique and shapes known."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def start(self, name: str, shape: tuple[int | None, ...]) -> None:
        """Makes the graph's input; `shape` is the Keras shape with its batch."""
        self.graph.input_shape = fixed_shape(name, "InputLayer", shape)
        self.graph.input = name
        self.graph.shapes[name] = canonical(name, "InputLayer", shape)

    def finish(self, tensor: str, shape: tuple[int | None, ...]) -> None:
        self.graph.output = tensor
        self.graph.output_shape = fixed_shape(tensor, "the output", shape)

    def add(self, op: ir.Op, shape: Shape) -> str:
        """Appends an op whose output is a new tensor; returns the tensor's name."""
        if op.output in self.graph.shapes:
            # A layer that is called twice.
            count = 1
            while f"{op.output}_{count}" in self.graph.shapes:
                count += 1
            op.output = op.name = f"{op.output}_{count}"
        self.graph.shapes[op.output] = shape
        self.graph.ops.append(op)
        return op.output

    def activate(self, name: str, tensor: str, kind: str) -> str:
        if kind == "linear":
            return tensor
        op = ir.Activation(name, [tensor], name, kind)
        return self.add(op, self.graph.shapes[tensor])

    def reshape(self, name: str, tensor: str, shape: Shape) -> str:
        if self.graph.shapes[tensor] == shape:
            return tensor
        return self.add(ir.Reshape(name, [tensor], name), shape)


def refused(name: str, layer: Any, what: str, hint: str) -> NestError:
    """The error for an option of a layer that the converter cannot express."""
    return NestError(
        f"Expected options that int8 kernels have in layer {name!r} of class "
        f"{type(layer).__name__}. "
        f"Received: {what}",
        hint=hint,
    )


def fixed_shape(name: str, kind: str, shape: tuple[int | None, ...]) -> Shape:
    """The Keras shape with a batch of 1; refuses sizes that are not known."""
    if any(size is None for size in shape[1:]):
        raise NestError(
            f"Expected fixed sizes. Received: layer {name!r} of class {kind} with "
            f"output shape {shape}",
            hint="Rebuild the model with a full keras.Input(shape=...): a "
            "microcontroller's memory is planned for one size.",
        )
    return (1, *(int(size or 0) for size in shape[1:]))


def canonical(name: str, kind: str, shape: tuple[int | None, ...]) -> Shape:
    """The shape as the graph holds it: signals get a height of 1."""
    fixed = fixed_shape(name, kind, shape)
    if len(fixed) == 3:
        return (1, 1, *fixed[1:])
    if len(fixed) not in (2, 4):
        raise NestError(
            f"Expected tensors of 2 to 4 dimensions. Received: layer {name!r} of class "
            f"{kind} with output shape {shape}",
            hint="Reshape to (height, width, channels) or (steps, channels).",
        )
    return fixed
