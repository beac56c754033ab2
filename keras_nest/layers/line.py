"""Layers whose levels lie on a line between two kernels: not nested, not converted.

The line variant of Nunez et al., "LCS: Learning Compressible Subspaces for Efficient,
Adaptive, Real-Time Network Compression at Inference Time" (WACV 2023), after the code
of apple/learning-compressible-subspaces: a level of density d has the kernel
(1 - d) * kernel_sparse + d * kernel, of which it keeps the largest. Its weights differ
from those of every other level, so that no level is part of another.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.layers.base import PACKAGE, NestedKernel, Tensor, level_tensor
from keras_nest.layers.conv import NestedConv1D, NestedConv2D
from keras_nest.layers.dense import NestedDense


class LineKernel(NestedKernel):
    """Mixin for a nested layer: two kernels, the ends of a line, and a mask per level.

    Stands before the nested class among the bases.

    Attributes:
        kernel: The end of density 1.
        kernel_sparse: The end of density 0, initialized as the layer's kernel is, but
            with random numbers of its own.
        level_masks: uint8 [levels, *kernel shape]: 1 where a level keeps a weight.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.sparsities is None or self.routing != "sum":
            raise NestError(
                "Expected sparsities and routing='sum' for levels on a line, which "
                "hold no weights of each other. Received: "
                f"sparsities={self.sparsities}, routing={self.routing!r}"
            )
        self.level_masks: Any = None

    @property
    def masked(self) -> bool:
        return self.level_masks is not None

    def _add_masks(self, shape: tuple[int, ...]) -> None:
        initializer = self.kernel_initializer
        if hasattr(initializer, "clone"):
            initializer = initializer.clone()
        self.kernel_sparse = self.add_weight(
            name="kernel_sparse",
            shape=shape,
            initializer=initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.level_masks = self.add_weight(
            name="level_masks",
            shape=(self.levels, *shape),
            dtype="uint8",
            initializer="ones",
            trainable=False,
            autocast=False,
        )

    def update_mask(self, factor: float = 1.0, regrow: bool = True) -> None:
        if self.level_masks is None or self.pattern is None:
            return
        before = ops.convert_to_numpy(self.level_masks)
        found = []
        for level, sparsity in enumerate(self.sparsities or ()):
            kernel = ops.convert_to_numpy(self._on_line(level))
            lost = 1 - masks.rows_of_kernel(before[level])
            rows = masks.level_of(
                np.abs(masks.rows_of_kernel(kernel)),
                [factor * sparsity],
                self.pattern,
                None if regrow else lost,
            )
            found.append(masks.kernel_of_rows(rows == 0, kernel.shape))
        self.level_masks.assign(np.stack(found).astype(np.uint8))

    def _on_line(self, level: Any) -> Tensor:
        """The kernel of a level before its mask."""
        sparsities = ops.convert_to_tensor(self.sparsities, self.kernel.dtype)
        sparse = ops.take(sparsities, level_tensor(level, self.levels))
        sparse = ops.cast(sparse, self.compute_dtype)
        first = ops.convert_to_tensor(self.kernel_sparse)
        return sparse * first + (1.0 - sparse) * ops.convert_to_tensor(self.kernel)

    def level_kernel(self, level: Any = None) -> Tensor:
        if self.level_masks is None:
            return self.kernel
        kernel = self._on_line(level)
        number = level_tensor(level, self.levels)
        kept = ops.take(ops.convert_to_tensor(self.level_masks), number, axis=0)
        return ops.where(kept > 0, kernel, ops.zeros_like(kernel))

    def active(self, level: int) -> Any:
        if self.level_masks is None:
            return super().active(level)
        return ops.convert_to_numpy(self.level_masks)[level] > 0


@keras.saving.register_keras_serializable(package=PACKAGE)
class LineConv2D(LineKernel, NestedConv2D):
    """A `NestedConv2D` whose levels lie on a line; see `LineKernel`."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class LineConv1D(LineKernel, NestedConv1D):
    """A `NestedConv1D` whose levels lie on a line; see `LineKernel`."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class LineDense(LineKernel, NestedDense):
    """A `NestedDense` whose levels lie on a line; see `LineKernel`."""
