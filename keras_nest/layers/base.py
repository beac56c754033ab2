"""What the nested layers with a masked kernel have in common."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.levels import check_level
from keras_nest.masks import Pattern
from keras_nest.mixed_masks import level_of_mixed
from keras_nest.prefixes import ChannelPrefix, read_prefix

Tensor = Any
PACKAGE = "keras_nest"
ROUTINGS = ("sum", "owner")

if TYPE_CHECKING:
    # The mixin always stands before a Keras layer, and Keras has no types.
    from typing import Any as _Layer
else:
    _Layer = object


def check_routing(routing: str) -> str:
    """Returns the gradient routing, or raises if there is none of this name."""
    if routing not in ROUTINGS:
        raise NestError(
            f"Expected `routing` to be one of {ROUTINGS}. Received: routing={routing!r}"
        )
    return routing


def level_tensor(level: Any, levels: int) -> Tensor:
    """The level as an int32 scalar tensor; None means the densest."""
    if level is None:
        level = levels - 1
    elif isinstance(level, int | np.integer):
        level = check_level(level, levels)
    return ops.cast(level, "int32")


def with_parent_signature(cls: type) -> type:
    """Class decorator: shows the Keras parent's arguments before the layer's own.

    The constructors pass the parent's arguments through, so that a Keras release that
    adds one needs no change here; this makes help() and editors name them all.
    """
    init = inspect.signature(cls.__init__)  # type: ignore[misc]
    added = [p for p in init.parameters.values() if p.kind is p.KEYWORD_ONLY]
    parent = next(c for c in cls.__mro__ if c.__module__.split(".")[0] == "keras")
    keras_parameters = list(inspect.signature(parent).parameters.values())
    position = len(keras_parameters)
    if keras_parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        position -= 1
    keras_parameters[position:position] = added
    cls.__signature__ = inspect.Signature(keras_parameters)  # type: ignore[attr-defined]
    return cls


class NestedKernel(_Layer):
    """Mixin for a stock Keras layer with a `kernel`: one mask per level.

    Stands before the Keras class among the bases. Without sparsities the layer behaves
    as its Keras parent.

    Args:
        sparsities: Sparsity of each level, sparsest first, not rising; None for a
            dense kernel.
        pattern: See `keras_nest.masks.Pattern.parse`. A pattern that the layer cannot
            take falls to the next narrower one when the layer is built.
        routing: "sum": a weight's gradient is the sum over the levels that hold it.
            "owner": only the sparsest level that holds a weight updates it. Biases
            always take the sum.
        prefix: Widths of the levels, which then keep the first channels and not the
            largest weights; see `keras_nest.nesting.widths.channel_widths`. If it has
            sparsities `within` them, the largest weights between these channels.

    Attributes:
        levels: Number of levels (1 without sparsities).
        pattern: The pattern in use, None for a dense kernel.
        level_of: uint8 weight of the kernel's shape: the lowest level at which a weight
            is active, 255 for never. None for a dense kernel.
    """

    def __init__(
        self,
        *args: Any,
        sparsities: Sequence[float] | None = None,
        pattern: str | Pattern = "element",
        routing: str = "sum",
        prefix: ChannelPrefix | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.sparsities: tuple[float, ...] | None = None
        self.pattern: Pattern | None = None
        self.asked_pattern: Pattern | None = None
        if sparsities is not None:
            self.sparsities = tuple(masks.check_sparsities(sparsities, strict=False))
            self.pattern = self.asked_pattern = Pattern.parse(pattern)
        self.levels = len(self.sparsities) if self.sparsities else 1
        self.routing = check_routing(routing)
        self.prefix = read_prefix(prefix)
        self.level_of: Any = None

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.sparsities is None or self.asked_pattern is None:
            return
        shape = tuple(self.kernel.shape)
        columns = int(np.prod(shape[:-1]))
        self.pattern = self.asked_pattern.fitting(
            shape[-1], columns, shape[-2], self.sparsities
        )
        self._add_masks(shape)

    def _add_masks(self, shape: tuple[int, ...]) -> None:
        self.level_of = self.add_weight(
            name="level_of",
            shape=shape,
            dtype="uint8",
            initializer="zeros",
            trainable=False,
            autocast=False,
        )

    @property
    def masked(self) -> bool:
        """Whether levels keep different weights; not of a dense kernel."""
        return self.level_of is not None

    def active(self, level: int) -> Any:
        """Which weights a level keeps: numpy bool of the kernel's shape."""
        if self.level_of is None:
            return np.ones(tuple(self.kernel.shape), bool)
        return ops.convert_to_numpy(self.level_of) <= level

    def update_mask(self, factor: float = 1.0, regrow: bool = True) -> None:
        """Ranks the kernel by magnitude anew and sets `level_of`.

        A layer that was only built is dense at every level.

        Args:
            factor: Share of the asked sparsities to apply, 0 (dense) to 1.
            regrow: Whether a level may take weights back that it has lost.
        """
        if self.level_of is None or self.sparsities is None or self.pattern is None:
            return
        kernel = ops.convert_to_numpy(self.kernel)
        channels = None
        if self.prefix is not None:
            channels = self.prefix.level_of(kernel.shape, factor)
            if not self.prefix.within:
                self.level_of.assign(channels)
                return
        scores = np.abs(masks.rows_of_kernel(kernel))
        held = None
        if not regrow:
            held = masks.rows_of_kernel(ops.convert_to_numpy(self.level_of))
        if self.prefix is None or channels is None:
            asked = [factor * value for value in self.sparsities]
            rows = masks.level_of(scores, asked, self.pattern, held)
        else:
            asked = [factor * value for value in self.prefix.within]
            between = masks.rows_of_kernel(channels)
            rows = level_of_mixed(scores, between, asked, self.pattern, held)
        self.level_of.assign(masks.kernel_of_rows(rows, kernel.shape))

    def level_kernel(self, level: Any = None) -> Tensor:
        """The kernel as a level sees it: weights of denser levels are 0.

        Args:
            level: int or int32 scalar tensor; None for the densest level.
        """
        if self.level_of is None:
            return self.kernel
        level = ops.cast(level_tensor(level, self.levels), "uint8")
        kernel = ops.convert_to_tensor(self.kernel)
        lowest = ops.convert_to_tensor(self.level_of)
        masked = ops.where(lowest <= level, kernel, ops.zeros_like(kernel))
        if self.routing == "sum":
            return masked
        return ops.where(lowest == level, kernel, ops.stop_gradient(masked))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sparsities": self.sparsities,
            "pattern": str(self.asked_pattern or Pattern()),
            "routing": self.routing,
            "prefix": None if self.prefix is None else self.prefix.get_config(),
        }

    # Keras' Conv and Dense save kernel and bias only, which would lose level_of.

    def save_own_variables(self, store: Any) -> None:
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        keras.layers.Layer.load_own_variables(self, store)
