"""Which convolutions and Dense layers of a model stay dense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_nest.errors import NestError

Exempt = str | Sequence[str] | Callable[[Any], bool] | None

FIRST_CONVOLUTION = "first-convolution"
FIRST_AND_LAST = "first-and-last"


def exempt_layers(
    layers: list[Any], kinds: tuple[type, ...], exempt: Exempt
) -> set[int]:
    """The ids of the layers that stay dense.

    Args:
        layers: The layers of a model in call order.
        kinds: The classes that could get masks.
        exempt: See `keras_nest.nest`.

    Raises:
        NestError: If a name is not that of such a layer.
    """
    kernels = [layer for layer in layers if type(layer) in kinds]
    if exempt is None:
        return set()
    if callable(exempt):
        return {id(layer) for layer in kernels if exempt(layer)}
    if exempt == FIRST_CONVOLUTION:
        first = [layer for layer in kernels if type(layer) is not keras.layers.Dense]
        return {id(layer) for layer in first[:1]}
    if exempt == FIRST_AND_LAST:
        return {id(layer) for layer in (*kernels[:1], *kernels[-1:])}
    names = {exempt} if isinstance(exempt, str) else set(exempt)
    if unknown := names - {layer.name for layer in kernels}:
        raise NestError(
            "Expected `exempt` to name convolutions and Dense layers of the model. "
            f"Received: {sorted(unknown)}",
            hint=f"The model has {sorted({layer.name for layer in kernels})}; "
            f"{FIRST_CONVOLUTION!r} and None are understood as well.",
        )
    return {id(layer) for layer in kernels if layer.name in names}
