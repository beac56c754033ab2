"""The depthwise convolution of a nested model: its weights stay dense."""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.layers.base import PACKAGE, Tensor, with_parent_signature


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` that can be called at a level.

    All levels share the same dense weights: a depthwise kernel has so few that leaving
    some out saves nothing. What follows it (BatchNormalization) may differ by level.

    Args:
        levels: Number of levels of the model.
        *args, **kwargs: All arguments of `keras.layers.DepthwiseConv2D`.

    Call arguments:
        inputs: As of `keras.layers.DepthwiseConv2D`.
        level: Taken and not used.
    """

    sparsities = None
    pattern = None
    level_of = None

    def __init__(self, *args: Any, levels: int = 1, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.levels = levels

    def call(self, inputs: Tensor, level: Any = None) -> Tensor:
        return super().call(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels}
