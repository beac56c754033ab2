"""The depthwise convolution of a nested model: its weights stay dense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_nest.errors import NestError
from keras_nest.layers.base import PACKAGE, Tensor, with_parent_signature
from keras_nest.prefixes import check_widths


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedDepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` that can be called at a level.

    All levels share the same dense weights: a depthwise kernel has so few that leaving
    some out saves nothing. Whole channels may be left out, `widths`. What follows it
    (BatchNormalization) may differ by level.

    Args:
        levels: Number of levels of the model.
        widths: How many of the first channels each level uses, in a model whose levels
            are widths; the layers after it do not read the others. Default: all.
        *args, **kwargs: All arguments of `keras.layers.DepthwiseConv2D`.

    Call arguments:
        inputs: As of `keras.layers.DepthwiseConv2D`.
        level: Taken and not used.
    """

    sparsities = None
    pattern = None
    level_of = None

    def __init__(
        self,
        *args: Any,
        levels: int = 1,
        widths: Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.levels = levels
        self.widths = None if widths is None else tuple(widths)
        if self.widths is not None and len(self.widths) != levels:
            raise NestError(
                f"Expected {levels} widths, one for each level. "
                f"Received: widths={self.widths}"
            )

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.widths is not None:
            check_widths(self.widths, int(self.kernel.shape[-2]))

    def active(self, level: int) -> Any:
        """Which weights a level uses: numpy bool of the kernel's shape."""
        used = np.ones(tuple(self.kernel.shape), bool)
        if self.widths is not None:
            used[..., self.widths[level] :, :] = False
        return used

    def call(self, inputs: Tensor, level: Any = None) -> Tensor:
        return super().call(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "levels": self.levels, "widths": self.widths}
