"""Motion sensors: a Conv1D net tells seven exercises apart, as a watch feels them.

    python examples/sensor.py           # some minutes on two cores
    python examples/sensor.py --quick

The data (acceleration and rotation at the wrist, 50 a second; seglearn's, BSD licence)
are fetched from PyPI. The test set is two people whom the net has never seen.
"""

from __future__ import annotations

from typing import Any

import keras
from common import fit, options, show
from keras import layers
from watch_imu import watch_imu

import keras_nest


def network() -> keras.Model:
    """Windows of 100 steps and 6 channels to the probabilities of 7 exercises."""

    def conv(x: Any, filters: int, strides: int) -> Any:
        x = layers.Conv1D(filters, 5, strides, padding="same", use_bias=False)(x)
        # Keras' default momentum of 0.99 is for longer trainings.
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    inputs = keras.Input((100, 6), name="window")
    x = conv(inputs, 24, 1)
    for filters in (32, 48, 64):
        x = conv(x, filters, 2)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, layers.Dense(7, "softmax", name="exercise")(x))


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    chosen = options(__doc__, arguments)
    (x, y), (x_test, y_test) = watch_imu(chosen.cache)
    if chosen.quick:
        x, y, x_test, y_test = x[::2], y[::2], x_test[::4], y_test[::4]

    # First the plain net, for a third of the epochs; then all levels at once.
    dense = network()
    fit(dense, x, y, epochs=2 if chosen.quick else 10)
    model = keras_nest.nest(dense, sparsities=(0.9, 0.7, 0.0), recipe="best")
    fit(model, x, y, epochs=2 if chosen.quick else 20)

    # Some training samples show the ranges of all values. A Conv1D becomes a nested
    # convolution of height 1, so that it has the same kernels as pictures have.
    tflite = keras_nest.convert(model, x[:500], target="cortex-m4")
    return show(tflite, x_test, y_test, chosen.out)


if __name__ == "__main__":
    main()
