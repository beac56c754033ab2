"""Which channels of a model's layers belong together: one order, one width for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_nest.errors import NestError
from keras_nest.masks import Pattern
from keras_nest.nesting.graph import Options, level_graph, nested_graph
from keras_nest.nesting.rewrite import walk

Array = np.ndarray[Any, Any]

_KEEP_CHANNELS = (
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.Activation,
    layers.Dropout,
    layers.Rescaling,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
)
_JOIN = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum)
_KERNELS = (layers.Conv1D, layers.Conv2D, layers.Dense)
_BY_CHANNEL = ("linear", "relu", "relu6", "elu", "selu", "silu", "sigmoid", "tanh")


def channels_of(model: Any) -> tuple[keras.Model, Channels]:
    """A plain, flat copy of a model, and which of its channels belong together."""
    dense = nested_graph(model, Options((0.0,), Pattern()), None)
    flat = level_graph(dense, 0, model.name)
    channels = Channels()
    inputs = [channels.fixed(tensor.shape) for tensor in flat.inputs]
    channels.values += inputs
    for value in walk(flat, inputs, channels.call):
        channels.fix(value)
    return flat, channels


@dataclasses.dataclass(eq=False)
class _Group:
    """Channels that have one order.

    Attributes:
        size: How many there are.
        parts: The weights that go by them.
        is_fixed: Whether their order matters elsewhere.
        parent: The group that this one is part of.
    """

    size: int
    parts: list[_Part] = dataclasses.field(default_factory=list)
    is_fixed: bool = False
    parent: _Group | None = None

    def root(self) -> _Group:
        return self if self.parent is None else self.parent.root()

    def order(self, importance: Mapping[str, Any]) -> Array:
        scores = np.zeros(self.size)
        for part in self.parts:
            if part.scores_channels and part.layer.name in importance:
                scores += part.scores(importance[part.layer.name])
        return np.argsort(-scores, kind="stable")


@dataclasses.dataclass(frozen=True)
class _Value:
    """A tensor: its last axis holds all channels of the group `repeats` times."""

    group: _Group
    repeats: int = 1


@dataclasses.dataclass(frozen=True)
class _Part:
    """Weights of a layer along one axis.

    Attributes:
        layer: The layer.
        axis: Axis of the kernel that the channels are on; None where it has vectors.
        names: Names of the layer's other variables, [channels].
        repeats: How many times all channels are on the axis.
    """

    layer: Any
    axis: int | None
    names: tuple[str, ...] = ()
    repeats: int = 1

    @property
    def is_producer(self) -> bool:
        return self.axis == -1

    @property
    def scores_channels(self) -> bool:
        """Whether the kernel makes the channels, and does not only read them."""
        return self.axis is not None and bool(self.names)

    def scores(self, importance: Any) -> Array:
        """The importance of each channel."""
        values = np.asarray(importance, np.float64)
        if values.shape != tuple(self.layer.kernel.shape):
            raise NestError(
                f"Expected importances of shape {tuple(self.layer.kernel.shape)} for "
                f"layer {self.layer.name!r}. Received: shape={values.shape}"
            )
        axis = values.ndim + (self.axis or 0)
        others = tuple(one for one in range(values.ndim) if one != axis)
        return np.asarray(values.sum(axis=others))

    def sort(self, order: Array) -> None:
        if self.axis is not None:
            starts = np.arange(self.repeats)[:, None] * len(order)
            kernel = ops.convert_to_numpy(self.layer.kernel)
            places = (starts + order).ravel()
            self.layer.kernel.assign(np.take(kernel, places, axis=self.axis))
        for name in self.names:
            variable = getattr(self.layer, name)
            if variable is not None:
                variable.assign(ops.convert_to_numpy(variable)[order])


class Channels:
    """Follows the channels through the calls of a model.

    Attributes:
        values: Those of the model's inputs and then of its calls, in their order.
    """

    def __init__(self) -> None:
        self.values: list[_Value] = []
        self._all: list[_Group] = []
        self._seen: dict[tuple[int, int | None], _Value] = {}

    def groups(self) -> list[_Group]:
        """The groups that may be sorted."""
        return [one for one in self._all if one.parent is None and not one.is_fixed]

    def kernels(self) -> list[tuple[Any, _Group, _Group]]:
        """The layers whose kernels are followed, with the groups they read and make."""
        found = []
        for group in self._all:
            for part in group.parts if group.parent is None else ():
                if part.is_producer:
                    before = self._seen[id(part.layer), -2].group.root()
                    found.append((part.layer, before, group))
        return found

    def depthwise(self) -> list[tuple[Any, _Group]]:
        """The depthwise layers that are followed, with the group they work on."""
        return [
            (part.layer, group)
            for group in self._all
            for part in (group.parts if group.parent is None else ())
            if part.axis == -2 and part.names
        ]

    def read_by(self, layer: Any) -> _Group | None:
        """The group whose channels a layer's kernel goes by, None if not followed."""
        value = self._seen.get((id(layer), -2))
        return None if value is None else value.group.root()

    def fixed(self, shape: Any) -> _Value:
        """A tensor whose channels stay as they are."""
        value = self._new(int(shape[-1] or 1) if len(shape) > 1 else 1)
        self.fix(value)
        return value

    def fix(self, value: _Value) -> None:
        value.group.root().is_fixed = True

    def call(self, layer: Any, args: list[Any], kwargs: dict[str, Any]) -> _Value:
        values = [
            one for one in keras.tree.flatten([args, kwargs]) if isinstance(one, _Value)
        ]
        found = self._known(layer, values)
        if found is None:
            for value in values:
                self.fix(value)
            found = self.fixed(layer.output.shape)
        self.values.append(found)
        return found

    def _known(self, layer: Any, values: list[_Value]) -> _Value | None:
        kind = type(layer)
        if getattr(layer, "data_format", None) == "channels_first":
            return None
        if kind in _JOIN and len({value.repeats for value in values}) == 1:
            return self._joined(values)
        if len(values) != 1:
            return None
        (value,) = values
        if kind in _KERNELS and getattr(layer, "groups", 1) == 1:
            self._note(value, _Part(layer, -2, repeats=value.repeats))
            output = self._seen.get((id(layer), -1))
            if output is None:
                output = self._new(int(layer.kernel.shape[-1]))
            self._note(output, _Part(layer, -1, ("bias",)))
            if not self._by_channel(layer):
                self.fix(output)
            return output
        if kind is layers.DepthwiseConv2D and layer.depth_multiplier == 1:
            self._note(value, _Part(layer, -2, ("bias",)))
            if not self._by_channel(layer):
                self.fix(value)
            return value
        if kind is layers.BatchNormalization and value.repeats == 1:
            if layer.axis not in (-1, len(layer.input.shape) - 1):
                return None
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            self._note(value, _Part(layer, None, names))
            return value
        if kind is layers.Flatten:
            size = int(np.prod(layer.input.shape[1:-1]))
            return _Value(value.group, value.repeats * size)
        if kind in _KEEP_CHANNELS and self._by_channel(layer):
            # A factor for each channel is not followed.
            scalar = np.ndim(getattr(layer, "scale", 0.0)) == 0
            return value if scalar else None
        return None

    def _by_channel(self, layer: Any) -> bool:
        """Whether the layer's activation treats every channel alike."""
        activation = getattr(layer, "activation", None)
        known = activation is None or activation.__name__ in _BY_CHANNEL
        return known or isinstance(activation, layers.ReLU)

    def _new(self, size: int) -> _Value:
        self._all.append(_Group(size))
        return _Value(self._all[-1])

    def _note(self, value: _Value, part: _Part) -> None:
        """Weights go by these channels, and by those of the layer's other calls."""
        key = (id(part.layer), part.axis)
        if key in self._seen:
            self._joined([self._seen[key], value])
        else:
            self._seen[key] = value
            value.group.root().parts.append(part)

    def _joined(self, values: list[_Value]) -> _Value | None:
        """One group for all; None where they are of different sizes."""
        first = values[0].group.root()
        if any(value.group.root().size != first.size for value in values):
            return None
        for value in values[1:]:
            other = value.group.root()
            if other is not first:
                first.parts += other.parts
                first.is_fixed = first.is_fixed or other.is_fixed
                other.parent = first
        return values[0]
