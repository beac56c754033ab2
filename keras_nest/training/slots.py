"""Losses and outputs of a training step that runs some of the levels only.

Such a step gives `{"slot_0": ..., "slot_1": ..., "levels": int32 [slots]}`: which level
is in which slot is drawn anew for every step, inside of the compiled step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_nest.errors import NestError

Tensor = Any
LEVELS = "levels"


def slot_name(slot: int) -> str:
    return f"slot_{slot}"


def are_slots(outputs: Any) -> bool:
    """Whether the outputs are those of a step that runs some of the levels."""
    return isinstance(outputs, dict) and LEVELS in outputs


def slots_of(outputs: dict[str, Any]) -> list[Any]:
    """The outputs of the slots in order."""
    return [outputs[slot_name(slot)] for slot in range(len(outputs) - 1)]


def by_level(outputs: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The outputs by level; a level that did not run has those of the first slot."""
    slots = slots_of(outputs)
    return {
        name: _select(slots, [outputs[LEVELS][s] == level for s in range(len(slots))])
        for level, name in enumerate(names)
    }


def _select(values: list[Any], chosen: list[Any]) -> Any:
    selected = values[0]
    for value, is_chosen in zip(values[1:], chosen[1:], strict=True):
        selected = ops.where(is_chosen, value, selected)
    return selected


def sample_weights(
    outputs: dict[str, Any], names: Sequence[str], y: Any, sample_weight: Any
) -> dict[str, Any]:
    """Sample weights by level: 0 for a level that did not run."""
    if sample_weight is None:
        sample_weight = ops.ones((ops.shape(y)[0],), keras.config.floatx())
    weights = ops.cast(sample_weight, keras.config.floatx())
    drawn = outputs[LEVELS]
    return {
        name: weights * ops.cast(ops.any(drawn == level), weights.dtype)
        for level, name in enumerate(names)
    }


def slot_weights(outputs: dict[str, Any], level_weights: Sequence[float]) -> Tensor:
    """The weight of each slot's loss, that of its level; together they are 1."""
    weights = ops.take(
        ops.convert_to_tensor(level_weights, keras.config.floatx()), outputs[LEVELS]
    )
    floor = keras.config.epsilon()  # levels of weight 0 alone give a loss of 0
    return weights / ops.maximum(ops.sum(weights), floor)


def note(
    trackers: Sequence[keras.metrics.Mean], drawn: Tensor, losses: Sequence[Tensor]
) -> None:
    """Adds the slots' losses to the means of their levels, and to no others."""
    for level, tracker in enumerate(trackers):
        is_level = [drawn[slot] == level for slot in range(len(losses))]
        # Not a product with 0: that of a NaN is NaN.
        values = [
            ops.where(chosen, loss, ops.zeros_like(loss))
            for chosen, loss in zip(is_level, losses, strict=True)
        ]
        weight = ops.cast(ops.any(drawn == level), keras.config.floatx())
        tracker.update_state(sum(values[1:], values[0]), sample_weight=weight)


def single_loss(losses: dict[str, Any]) -> Callable[..., Tensor]:
    """The one loss of all levels, as a function (y, outputs, sample_weight) -> scalar.

    Raises:
        NestError: If levels have different losses.
    """
    first, *others = losses.values()
    if not all(_same(first, other) for other in others):
        raise NestError(
            "Expected one loss for all levels where steps run some of them "
            "(`levels_per_step`). Received: different losses",
            hint="Pass a single loss to compile, or run all levels in every step.",
        )
    if isinstance(first, keras.losses.Loss):
        return first
    return _FunctionLoss(keras.losses.get(first))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, keras.losses.Loss) and type(a) is type(b):
        return a is b or a.get_config() == b.get_config()
    return a is b or (isinstance(a, str) and a == b)


class _FunctionLoss(keras.losses.Loss):
    """A loss function as a Keras loss, which weighs samples and takes the mean."""

    def __init__(self, function: Callable[..., Tensor]):
        super().__init__(name="loss")
        self._function = function

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        # One number for a sample: labels of shape [batch], outputs of [batch, 1].
        if len(y_pred.shape) == len(y_true.shape) + 1 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)
        return self._function(y_true, y_pred)
