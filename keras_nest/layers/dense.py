"""The fully connected layer with one mask per level."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_nest.layers.base import PACKAGE, NestedKernel, Tensor, with_parent_signature


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedDense(NestedKernel, keras.layers.Dense):
    """`keras.layers.Dense` whose kernel holds nested sparse kernels.

    Args:
        sparsities, pattern, routing: See `NestedKernel`. A row of the pattern is an
            output unit.
        *args, **kwargs: All arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: As of `keras.layers.Dense`.
        level: int or int32 scalar tensor, 0 the sparsest; None for the densest.
    """

    def call(self, inputs: Tensor, level: Any = None) -> Tensor:
        outputs = ops.matmul(inputs, self.level_kernel(level))
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)
