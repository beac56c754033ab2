"""Which tensors are alive at once: what a model's activations take at their peak.

A plan may hold the peak down, as that of Corti et al., "REDS: Resource-Efficient Deep
Subnetworks for Dynamic Resource Constraints" (arXiv 2311.13349), optionally does. With
widths to choose, the bytes of every moment are a sum over the channel groups.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras
from keras import layers

from keras_nest.nesting.channels import Channels
from keras_nest.nesting.kernel_calls import KINDS
from keras_nest.nesting.rewrite import walk

_RELU = ("linear", "relu", "relu6")


@dataclasses.dataclass(frozen=True)
class Moment:
    """What is alive while a layer works, its inputs and outputs among it.

    Attributes:
        layer: The layer's name.
        fixed: Bytes that no width changes.
        by_group: By the `id` of a channel group, bytes for each of its channels.
    """

    layer: str
    fixed: int
    by_group: dict[int, int]


@dataclasses.dataclass(eq=False)
class _Tensor:
    """A tensor in memory, from the call that makes it to the last that reads it."""

    spec: Any
    group: Any
    maker: Any
    first: int
    last: int
    readers: int = 0

    @property
    def values(self) -> int:
        """Number of values of one sample."""
        return math.prod(self.spec.shape[1:])


def moments(flat: keras.Model, channels: Channels) -> list[Moment]:
    """What is alive at each call of a model, in the order of its calls.

    A value takes one byte, as in an int8 model. What the converter makes one with the
    layer before takes no tensor of its own, where nothing else reads what it reads:
    BatchNormalization directly behind a convolution or Dense layer, ReLU, Dropout; nor
    do changes of shape. The model's inputs are alive from the beginning, its outputs
    until the end.

    Args:
        flat: A functional model without submodels.
        channels: Its channels, of `keras_nest.nesting.channels.channels_of`.
    """
    calls: list[tuple[Any, list[_Tensor], _Tensor]] = []
    groups = [value.group.root() for value in channels.values]

    def call(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> _Tensor:
        given = [
            one
            for one in keras.tree.flatten([args, kwargs])
            if isinstance(one, _Tensor)
        ]
        args, kwargs = keras.tree.map_structure(_spec, (args, kwargs))
        spec = layer.compute_output_spec(*args, **kwargs)
        number = len(calls)
        group = groups[len(flat.inputs) + number]
        made = _Tensor(spec, group, layer, number, number)
        for one in given:
            one.readers += 1
        calls.append((layer, given, made))
        return made

    inputs = [
        _Tensor(spec, group, None, -1, -1)
        for spec, group in zip(flat.inputs, groups, strict=False)
    ]
    outputs = walk(flat, inputs, call)
    place: dict[int, _Tensor] = {id(one): one for one in inputs}
    for number, (layer, given, made) in enumerate(calls):
        sources = [place[id(one)] for one in given]
        for source in sources:
            source.last = number
        merged = len(given) == 1 and given[0].readers == 1 and _merges(layer, given[0])
        place[id(made)] = sources[0] if merged else made
    for one in outputs:
        place[id(one)].last = len(calls)
    tensors = list({id(one): one for one in place.values()}.values())
    return [
        _moment(layer.name, [one for one in tensors if one.first <= n <= one.last])
        for n, (layer, _, made) in enumerate(calls)
        if place[id(made)] is made
    ]


def _merges(layer: Any, source: _Tensor) -> bool:
    """Whether a layer is one with the layer before, or works in its place."""
    if source.maker is None:
        return False  # the model's input
    if isinstance(layer, layers.BatchNormalization):
        activation = getattr(source.maker, "activation", None)
        folds = activation is None or activation.__name__ == "linear"
        return isinstance(source.maker, KINDS) and folds
    if isinstance(layer, layers.Activation):
        return getattr(layer.activation, "__name__", "") in _RELU
    return isinstance(
        layer, layers.ReLU | layers.Dropout | layers.Flatten | layers.Reshape
    )


def _moment(name: str, alive: list[_Tensor]) -> Moment:
    fixed = 0
    by_group: dict[int, int] = {}
    for one in alive:
        if one.group.is_fixed:
            fixed += one.values
        else:
            each = one.values // one.group.size
            by_group[id(one.group)] = by_group.get(id(one.group), 0) + each
    return Moment(name, fixed, by_group)


def _spec(value: Any) -> Any:
    return value.spec if isinstance(value, _Tensor) else value
