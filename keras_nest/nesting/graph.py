"""Building the graph of a nested model from a plain one, and plain ones back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_nest.bit_widths import BitWidths
from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization, NestedDepthwiseConv2D
from keras_nest.masks import Pattern
from keras_nest.nesting.copies import Copies
from keras_nest.nesting.exempt import Exempt, exempt_layers
from keras_nest.nesting.kinds import (
    BITS,
    KERNELS,
    LINES,
    NESTED_KERNELS,
    NESTED_LAYERS,
    group_norm_config,
    has_nested_kind,
    stock_class,
)
from keras_nest.nesting.rewrite import as_functional, walk
from keras_nest.prefixes import Widths

_SAME, _DIFFERS = object(), object()  # whether a tensor differs by level

_NORMS = (NestedBatchNormalization, keras.layers.GroupNormalization)


@dataclasses.dataclass(frozen=True)
class Options:
    """What the nested layers of a model have in common.

    Attributes:
        sparsities: The sparsity of each level; or, by the names of the layers that get
            masks, the sparsities of each, of which all have as many.
        pattern, routing, batch_norm: See `nest`.
        prefixes: The widths that decide the masks, by layer name.
        bits: The bits of each level, where levels are bit widths, instead of masks.
        line: Whether levels lie on a line between two kernels, instead of being nested.
    """

    sparsities: tuple[float, ...] | Mapping[str, tuple[float, ...]]
    pattern: Pattern
    routing: str = "sum"
    batch_norm: str = "private"
    line: bool = False
    prefixes: Widths | None = None
    bits: BitWidths | None = None

    @property
    def levels(self) -> int:
        return len(self._of_any_layer)

    @property
    def _of_any_layer(self) -> tuple[float, ...]:
        if isinstance(self.sparsities, Mapping):
            return next(iter(self.sparsities.values()))
        return self.sparsities

    def of_layer(self, name: str) -> tuple[float, ...] | None:
        """The sparsities of the layer of this name, None if it stays dense."""
        if isinstance(self.sparsities, Mapping):
            return self.sparsities.get(name)
        return self.sparsities


def nested_graph(model: Any, options: Options, exempt: Exempt) -> keras.Model:
    """The functional graph of a nested model, with the weights of the given one.

    Args:
        model: A built functional or Sequential model with one output.
        options: See `Options`. Layers are named as in the result: those of submodels
            whose names are taken have a number behind them.
        exempt: Which convolutions and Dense layers stay dense; see `nest`.

    Returns:
        A functional model. Inputs: those of the model, then the level, an int32 scalar.
    """
    model = as_functional(model)
    if len(model.outputs) != 1:
        raise NestError(
            "Expected a model with one output. Received: "
            f"{len(model.outputs)} outputs in model {model.name!r}",
            hint="Nest the part that the outputs share, or one model for each output.",
        )
    plan = _Plan(model, options, exempt)
    inputs = [_input_like(tensor) for tensor in model.inputs]
    level = keras.Input(batch_shape=(), dtype="int32", name="level")

    def call(operation: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        layer = plan.layer_for(operation)
        if isinstance(layer, NESTED_LAYERS):
            kwargs = {**kwargs, "level": level}
        elif type(layer) is not type(operation):
            kwargs = {}  # BatchNormalization's `training` and `mask`
        return layer(*args, **kwargs)

    outputs = walk(model, inputs, call)
    plan.copy_weights()
    return keras.Model([*inputs, level], outputs[0], name=model.name)


def level_graph(graph: keras.Model, level: int, name: str) -> keras.Model:
    """A plain Keras model of stock layers that computes what one level computes."""
    *model_inputs, level_input = graph.inputs
    inputs = [_input_like(tensor) for tensor in model_inputs]
    copies = Copies(_names(graph.inputs))

    def call(operation: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        kwargs = {key: value for key, value in kwargs.items() if key != "level"}
        return copies.of(operation, stock_class(operation))(*args, **kwargs)

    outputs = walk(graph, [*inputs, level_input], call)
    for old, new in copies.pairs():
        new.set_weights(_level_weights(old, level))
    return keras.Model(_as_struct(inputs), outputs[0], name=name)


class _Plan:
    """Decides what becomes of each layer of a model that is nested."""

    def __init__(self, model: keras.Model, options: Options, exempt: Exempt):
        self._options = options
        self._copies = Copies(["level", *_names(model.inputs)])
        self._calls = _calls_in_order(model)
        # In call order, whatever asks first.
        self._names = [self._copies.name_of(old) for old in self._calls]
        self._exempt = exempt_layers(self._calls, tuple(KERNELS), exempt)
        self._check_names()
        self._dependent = self._level_dependent(model)

    def _check_names(self) -> None:
        """Raises if sparsities are given for layers that the model does not have."""
        if not isinstance(self._options.sparsities, Mapping):
            return
        layers = zip(self._names, self._calls, strict=True)
        known = {name for name, old in layers if has_nested_kind(old)}
        if unknown := set(self._options.sparsities) - known:
            raise NestError(
                "Expected `sparsities` to name convolutions and Dense layers of the "
                f"model. Received: {sorted(unknown)}",
                hint=f"The model has {sorted(known)}.",
            )

    def layer_for(self, old: Any) -> Any:
        options = self._options
        widths = options.prefixes or Widths()
        if self._is_masked(old) and options.bits is not None:
            return self._copies.of(
                old,
                BITS[type(old)],
                bits=options.bits.bits,
                quantization=options.bits.quantization,
            )
        if self._is_masked(old):
            name = self._copies.name_of(old)
            return self._copies.of(
                old,
                (LINES if options.line else KERNELS)[type(old)],
                sparsities=options.of_layer(name),
                pattern=str(widths.pattern_of(name, options.pattern)),
                routing=options.routing,
                prefix=widths.get(name),
            )
        if type(old) is keras.layers.DepthwiseConv2D:
            return self._copies.of(
                old,
                NestedDepthwiseConv2D,
                levels=options.levels,
                widths=widths.depthwise.get(self._copies.name_of(old)),
            )
        # What stands before every nested layer is the same at all levels.
        is_norm = type(old) is keras.layers.BatchNormalization
        if is_norm and options.batch_norm == "group":
            config = group_norm_config(old)
            return self._copies.of_config(old, keras.layers.GroupNormalization, config)
        private = options.batch_norm == "private"
        fixed = options.batch_norm == "fixed"
        if is_norm and not old.renorm and (fixed or id(old) in self._dependent):
            return self._copies.of(
                old,
                NestedBatchNormalization,
                levels=options.levels,
                private_statistics=private,
                private_affine=private,
                fixed_statistics=fixed,
                trainable=old.trainable and not fixed,
            )
        if isinstance(old, NESTED_LAYERS) and old.levels not in (1, options.levels):
            raise NestError(
                f"Expected every nested layer to have {options.levels} levels. "
                f"Received: layer {old.name!r} with {old.levels}"
            )
        return self._copies.of(old, type(old))

    def copy_weights(self) -> None:
        for old, new in self._copies.pairs():
            if isinstance(new, _NORMS) and type(new) is not type(old):
                _copy_norm(old, new)
            elif isinstance(new, NESTED_KERNELS) and type(new) is not type(old):
                # By way of numpy: on JAX, training frees arrays that are shared.
                new.kernel.assign(_numpy(old.kernel))
                if old.use_bias:
                    new.bias.assign(_numpy(old.bias))
                new.update_mask()
            else:
                new.set_weights(old.get_weights())

    def _is_masked(self, layer: Any) -> bool:
        if not has_nested_kind(layer) or id(layer) in self._exempt:
            return False
        return self._options.of_layer(self._copies.name_of(layer)) is not None

    def _level_dependent(self, model: keras.Model) -> set[int]:
        """The layers whose output differs by level in any of their calls."""
        dependent: set[int] = set()

        def call(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
            flat = keras.tree.flatten([args, kwargs])
            if (
                self._is_masked(layer)
                or isinstance(layer, NESTED_LAYERS)
                or any(value is _DIFFERS for value in flat)
            ):
                dependent.add(id(layer))
            return _DIFFERS if id(layer) in dependent else _SAME

        walk(model, [_SAME] * len(model.inputs), call)
        return dependent


def _calls_in_order(model: keras.Model) -> list[Any]:
    """The layers and operations of a model in the order in which they run."""
    order: list[Any] = []

    def call(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        order.append(layer)
        return _SAME

    walk(model, [_SAME] * len(model.inputs), call)
    return order


def _input_like(tensor: Any) -> Any:
    name = None if tensor.name == "level" else tensor.name
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def _as_struct(inputs: list[Any]) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs


def _copy_norm(old: Any, new: Any) -> None:
    """Gives every level the weights of a stock BatchNormalization that `new` has."""
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        source, target = getattr(old, name), getattr(new, name, None)
        if source is not None and target is not None:
            target.assign(np.broadcast_to(_numpy(source), target.shape))


def _level_weights(layer: Any, level: int) -> list[Any]:
    """The weights of a layer at a level, in the order of its stock class."""
    if isinstance(layer, NestedBatchNormalization):
        values = [layer.of_level(weight, level) for weight in layer.weights]
    elif isinstance(layer, NESTED_KERNELS):
        values = [layer.level_kernel(level), *([layer.bias] if layer.use_bias else [])]
    else:
        return layer.get_weights()
    return [_numpy(value) for value in values]


def _names(tensors: list[Any]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _numpy(value: Any) -> np.ndarray[Any, Any]:
    return keras.ops.convert_to_numpy(value)
