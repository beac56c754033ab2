"""Which nested layers stand for which stock ones."""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.layers import (
    BitsConv1D,
    BitsConv2D,
    BitsDense,
    LineConv1D,
    LineConv2D,
    LineDense,
    NestedBatchNormalization,
    NestedConv1D,
    NestedConv2D,
    NestedDense,
    NestedDepthwiseConv2D,
)

MOST_GROUPS = 32  # of GroupNormalization, as Wu and He, "Group Normalization" (2018)

KERNELS: dict[type, type[Any]] = {
    keras.layers.Conv2D: NestedConv2D,
    keras.layers.Conv1D: NestedConv1D,
    keras.layers.Dense: NestedDense,
}
LINES: dict[type, type[Any]] = {
    keras.layers.Conv2D: LineConv2D,
    keras.layers.Conv1D: LineConv1D,
    keras.layers.Dense: LineDense,
}
BITS: dict[type, type[Any]] = {
    keras.layers.Conv2D: BitsConv2D,
    keras.layers.Conv1D: BitsConv1D,
    keras.layers.Dense: BitsDense,
}
NESTED_KERNELS: tuple[type[Any], ...] = tuple(KERNELS.values())
NESTED_LAYERS: tuple[type[Any], ...] = (
    *NESTED_KERNELS,
    NestedDepthwiseConv2D,
    NestedBatchNormalization,
)


def has_nested_kind(layer: Any) -> bool:
    # A grouped convolution has no kernel in the runtime; it stays what it is.
    return type(layer) in KERNELS and getattr(layer, "groups", 1) == 1


def stock_class(operation: Any) -> type:
    """The Keras class that a nested layer stands for; any other class as it is."""
    if not isinstance(operation, NESTED_LAYERS):
        return type(operation)
    classes = type(operation).__mro__
    return next(c for c in classes if c.__module__.split(".")[0] == "keras")


def group_norm_config(old: Any) -> dict[str, Any]:
    """A GroupNormalization in place of a BatchNormalization."""
    channels = int(old.moving_mean.shape[0])
    most = min(MOST_GROUPS, channels)
    groups = next(n for n in range(most, 0, -1) if channels % n == 0)
    taken = ("axis", "center", "scale", "trainable", "dtype")
    kept = {k: v for k, v in old.get_config().items() if k in taken}
    return {**kept, "groups": groups, "epsilon": 1e-5}
