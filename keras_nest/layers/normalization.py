"""BatchNormalization with statistics, gamma and beta of each level."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_nest.errors import NestError
from keras_nest.layers import fused
from keras_nest.layers.base import PACKAGE, Tensor, level_tensor, with_parent_signature


class MomentSums:
    """Weighted sums of batch moments, by level: what recalibration collects."""

    def __init__(self, levels: int):
        self._sums: list[Any] = [0.0] * levels
        self._counts = [0] * levels

    def add(self, level: int, mean: Tensor, variance: Tensor, count: int) -> None:
        mean = ops.convert_to_numpy(mean).astype(np.float64)
        variance = ops.convert_to_numpy(variance).astype(np.float64)
        self._sums[level] += count * np.stack([mean, variance + mean**2])
        self._counts[level] += count

    def moments(self, level: int | None = None) -> tuple[Any, Any]:
        """Mean and variance of a level, or of all levels together."""
        chosen = slice(None) if level is None else slice(level, level + 1)
        mean, square = sum(self._sums[chosen]) / sum(self._counts[chosen])
        return mean, square - mean**2


@with_parent_signature
@keras.saving.register_keras_serializable(package=PACKAGE)
class NestedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of a model with several levels.

    Activations of a sparse level have other statistics than those of a dense one, so
    that each level keeps its own (Yu et al., "Slimmable Neural Networks", ICLR 2019).
    With one level, or with both private arguments False, the weights are those of the
    Keras parent.

    Args:
        levels: Number of levels.
        private_statistics: Whether each level has its own moving mean and variance.
        private_affine: Whether each level has its own gamma and beta.
        fixed_statistics: Whether moving mean and variance stay as they are and are
            used in training as well, also where gamma and beta are trained.
        *args, **kwargs: All arguments of `keras.layers.BatchNormalization`.

    Call arguments:
        inputs, training, mask: As of `keras.layers.BatchNormalization`.
        level: int or int32 scalar tensor, 0 the sparsest; None for the densest.

    Attributes:
        gamma, beta, moving_mean, moving_variance: Shape [levels, channels] where
            private, else [channels].
    """

    def __init__(
        self,
        *args: Any,
        levels: int = 1,
        private_statistics: bool = True,
        private_affine: bool = True,
        fixed_statistics: bool = False,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        if self.renorm and levels > 1:
            raise NestError(
                "Expected a BatchNormalization without batch renormalization. "
                f"Received: renorm=True in layer {self.name!r}"
            )
        self.levels = levels
        self.private_statistics = private_statistics and levels > 1
        self.private_affine = private_affine and levels > 1
        self.fixed_statistics = fixed_statistics
        self._collector: MomentSums | None = None

    @property
    def measures(self) -> bool:
        """Whether statistics are measured: neither fixed nor of a frozen layer."""
        return bool(self.trainable) and not self.fixed_statistics

    def build(self, input_shape: Any) -> None:
        self._channel_axis = self.axis % len(input_shape)
        if self.levels == 1:
            super().build(input_shape)
            return
        channels = input_shape[self.axis]
        self.input_spec = keras.InputSpec(
            ndim=len(input_shape), axes={self.axis: channels}
        )
        affine = (self.levels, channels) if self.private_affine else (channels,)
        statistics = (self.levels, channels) if self.private_statistics else (channels,)
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=affine,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=affine,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.moving_mean = self.add_weight(
            name="moving_mean",
            shape=statistics,
            initializer=self.moving_mean_initializer,
            trainable=False,
            autocast=False,
        )
        self.moving_variance = self.add_weight(
            name="moving_variance",
            shape=statistics,
            initializer=self.moving_variance_initializer,
            trainable=False,
            autocast=False,
        )

    def call(
        self,
        inputs: Tensor,
        level: Any = None,
        training: bool | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        measures = bool(training) and self.measures and self._collector is None
        if measures and mask is None and self._fuses(inputs):
            return self._call_fused(inputs, level)
        if self.levels == 1 and self._collector is None:
            train = training and not self.fixed_statistics
            return super().call(inputs, training=train, mask=mask)
        level = level_tensor(level, self.levels)
        # Variances overflow in half precision.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        if self._collector is not None:
            mean, variance = self._moments_of(x, mask)
            count = int(np.prod(x.shape)) // x.shape[self.axis]
            number = int(ops.convert_to_numpy(level))
            self._collector.add(number, mean, variance, count)
        elif measures:
            mean, variance = self._moments_of(x, mask)
            self._move(self.moving_mean, mean, level)
            self._move(self.moving_variance, variance, level)
        else:
            mean = self.of_level(self.moving_mean, level)
            variance = self.of_level(self.moving_variance, level)
        outputs = ops.batch_normalization(
            x,
            mean,
            variance,
            axis=self.axis,
            offset=self.of_level(self.beta, level),
            scale=self.of_level(self.gamma, level),
            epsilon=self.epsilon,
        )
        return ops.cast(outputs, self.compute_dtype)

    def _fuses(self, inputs: Tensor) -> bool:
        by_parent = self.renorm or self.synchronized
        return not by_parent and fused.is_possible(inputs, self._channel_axis)

    def _call_fused(self, inputs: Tensor, level: Any) -> Tensor:
        level = level_tensor(level, self.levels)
        outputs, mean, variance = fused.normalize(
            inputs,
            self.of_level(self.gamma, level),
            self.of_level(self.beta, level),
            self.epsilon,
        )
        self._move(self.moving_mean, mean, level)
        self._move(self.moving_variance, variance, level)
        return ops.cast(outputs, self.compute_dtype)

    def of_level(self, variable: Any, level: Any) -> Tensor:
        """The values [channels] that a level uses of one of this layer's variables."""
        if variable is None:
            return None
        values = ops.convert_to_tensor(variable)
        if len(values.shape) == 1:
            return values
        # A sum, not a gather: its gradient is dense, which every optimizer takes.
        return ops.sum(ops.where(self._is_level(level), values, 0.0), axis=0)

    def _is_level(self, level: Any) -> Tensor:
        level = level_tensor(level, self.levels)
        return ops.arange(self.levels, dtype="int32")[:, None] == level

    def _move(self, variable: Any, value: Tensor, level: Tensor) -> None:
        old = ops.convert_to_tensor(variable)
        new = old * self.momentum + value * (1.0 - self.momentum)
        if len(old.shape) == 2:
            new = ops.where(self._is_level(level), new, old)
        variable.assign(new)

    def _moments_of(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        axes = [axis for axis in range(len(x.shape)) if axis != self._channel_axis]
        if mask is None:
            return ops.moments(x, axes=axes, synchronized=self.synchronized)
        weights = ops.cast(ops.expand_dims(mask, -1), x.dtype)
        weights = ops.broadcast_to(weights, ops.shape(x))
        total = ops.sum(weights, axis=axes) + keras.config.epsilon()
        mean = ops.sum(x * weights, axis=axes) / total
        return mean, ops.sum(weights * ops.square(x), axis=axes) / total - mean**2

    def start_recalibration(self) -> None:
        """From now on eager calls normalize by their batch and note its moments."""
        self._collector = MomentSums(self.levels)

    def finish_recalibration(self) -> None:
        """Sets the moving statistics to the moments noted since the start."""
        collector, self._collector = self._collector, None
        if collector is None:
            return
        if self.private_statistics:
            of_levels = [collector.moments(level) for level in range(self.levels)]
            mean, variance = np.stack(of_levels, axis=1)
        else:
            mean, variance = collector.moments()
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "levels": self.levels,
            "private_statistics": self.private_statistics,
            "private_affine": self.private_affine,
            "fixed_statistics": self.fixed_statistics,
        }
