"""Convolutions with one mask per level."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_nest.layers.base import PACKAGE, NestedKernel, Tensor, with_parent_signature


class _NestedConv(NestedKernel):
    """`call` of the nested convolutions."""

    def call(self, inputs: Tensor, level: Any = None) -> Tensor:
        outputs = self.convolution_op(inputs, self.level_kernel(level))
        if self.use_bias:
            shape = [1] * len(inputs.shape)
            shape[-1 if self.data_format == "channels_last" else 1] = self.filters
            outputs = outputs + ops.reshape(self.bias, shape)
        return self.activation(outputs)


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedConv2D(_NestedConv, keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel holds nested sparse kernels.

    Args:
        sparsities, pattern, routing: See `NestedKernel`.
        *args, **kwargs: All arguments of `keras.layers.Conv2D`.

    Call arguments:
        inputs: As of `keras.layers.Conv2D`.
        level: int or int32 scalar tensor, 0 the sparsest; None for the densest.

    Example:

    ```python
    layer = NestedConv2D(8, 3, sparsities=(0.9, 0.5, 0.0), pattern="1x2")
    outputs = layer(keras.ops.ones((1, 16, 16, 4)), level=0)
    ```
    """


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedConv1D(_NestedConv, keras.layers.Conv1D):
    """`keras.layers.Conv1D` whose kernel holds nested sparse kernels.

    Arguments and call arguments: see `NestedConv2D`.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        if self.padding != "causal":
            return super().convolution_op(inputs, kernel)
        padding = [[0, 0], [0, 0], [0, 0]]
        time_axis = 1 if self.data_format == "channels_last" else 2
        padding[time_axis][0] = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        return ops.conv(
            ops.pad(inputs, padding),
            kernel,
            strides=list(self.strides),
            padding="valid",
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
