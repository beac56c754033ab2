"""What is given for each level: how many there may be, and whether one exists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError

MAX_LEVELS = 32


def check_level(level: Any, levels: int) -> int:
    """Returns the level as an int.

    Raises:
        NestError: If a model of so many levels has none of this number.
    """
    whole = isinstance(level, int | np.integer) and not isinstance(level, bool)
    if not whole or not 0 <= level < levels:
        raise NestError(
            f"Expected a level from 0 (sparsest) to {levels - 1} (densest). "
            f"Received: level={level!r}"
        )
    return int(level)


def one_for_each(name: str, values: Sequence[float], hint: str) -> tuple[float, ...]:
    """Reads an argument that has one number for each level.

    Args:
        name: The argument's name, for the error.
        values: What the user gave.
        hint: Of the error.

    Raises:
        NestError: If it is no sequence of numbers, or empty, or too long.
    """
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        raise NestError(
            f"Expected `{name}` to be a sequence of numbers. "
            f"Received: {name}={values!r}",
            hint=hint,
        ) from None
    if not 1 <= len(numbers) <= MAX_LEVELS:
        raise NestError(
            f"Expected 1 to {MAX_LEVELS} {name}, one for each level. "
            f"Received: {len(numbers)}",
            hint=hint,
        )
    return numbers


def check_levels(level: Any, levels: int, layers: Sequence[str] = ()) -> list[int]:
    """Returns the level of each entry of a model's level input.

    Args:
        level: One for all, or one for each layer.
        levels: How many levels the model has.
        layers: Names of the layers with an entry each; none where the model has one
            level for all layers.

    Raises:
        NestError: If one is out of range, or there are more or fewer than entries.
    """
    if isinstance(level, str) or not hasattr(level, "__len__"):
        return [check_level(level, levels)] * max(1, len(layers))
    if not layers:
        raise NestError(
            "Expected one level, as the model has one for all layers. "
            f"Received: level={level!r}",
            hint="Convert it with per_layer_level=True for one of each layer.",
        )
    if len(level) != len(layers):
        raise NestError(
            f"Expected a level for each of {len(layers)} layers: {', '.join(layers)}. "
            f"Received: {len(level)}, level={level!r}"
        )
    return [check_level(one, levels) for one in level]
