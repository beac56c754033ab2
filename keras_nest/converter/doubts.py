"""What converts, but is hardly what the user means."""

from __future__ import annotations

from typing import Any

from keras_nest.converter.graph import Array
from keras_nest.training.nested_model import NestedModel


def of_model(model: Any) -> list[str]:
    """Warnings about a model whose training has not come to its end."""
    if not isinstance(model, NestedModel) or model.masks_frozen:
        return []
    if model.mask_progress < 0:
        return [
            f"The model {model.name!r} has not been trained since it was nested: its "
            "levels keep the largest weights, with no training after. Call fit() first."
        ]
    return [
        f"The training of {model.name!r} has not come to its end; its masks are those "
        f"at {model.mask_progress:.0%} of it. Levels may be denser than asked, and the "
        "statistics of their normalizations are those of the last batches. Let fit() "
        "run to its end."
    ]


def of_data(data: Array) -> list[str]:
    """Warnings about representative data [samples, ...]."""
    low, high = float(data.min()), float(data.max())
    if low < high:
        return []
    return [
        f"All values of the representative data are {low:g}: the ranges measured on "
        "them fit no other input. Pass a few hundred real samples."
    ]
