"""What several tests of training share: easy data, a small network, callbacks."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

LOSS = "sparse_categorical_crossentropy"


def three_classes(count: int = 96) -> tuple[Any, Any]:
    """Three classes that differ in the mean of the two channels."""
    generator = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = generator.normal(size=(count, 6, 6, 2)) * 0.5
    x[..., 0] += (y == 1)[:, None, None] * 1.5
    x[..., 1] += (y == 2)[:, None, None] * 1.5
    return x.astype("float32"), y


def conv_network(
    channels: tuple[int, int] = (4, 8), regularizer: Any = None, **norm: Any
) -> Any:
    """Two convolutions, the second normalized, unless `momentum=None`."""
    norm = {"momentum": 0.5, **norm}
    x = inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(channels[0], 3, name="stem")(x)
    x = layers.Conv2D(channels[1], 3, name="conv", kernel_regularizer=regularizer)(x)
    if norm["momentum"] is not None:
        x = layers.BatchNormalization(**norm)(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="classes")(x))


def level_of(model: Any) -> list[Any]:
    # A copy: the variable's memory is assigned to later.
    return [np.array(ops.convert_to_numpy(v.level_of)) for v in model.nested_layers]


def density(model: Any) -> float:
    """The share of the weights that level 0 keeps, mean of the layers."""
    return float(np.mean([np.mean(levels == 0) for levels in level_of(model)]))


class Watch(keras.callbacks.Callback):
    """Notes the density of level 0 after every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.densities: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.densities.append(density(self.model))


class Stop(keras.callbacks.Callback):
    """Ends training after its first epoch, as EarlyStopping might."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = True
