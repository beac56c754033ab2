"""Images: a small residual net on Fashion-MNIST, three levels in one .tflite.

    python examples/image.py           # some minutes on two cores
    python examples/image.py --quick

The data come from Debian's package, or from where Keras downloads them. For plots, the
float accuracies and a comparison with other ways there is scripts/quickstart.
"""

from __future__ import annotations

from typing import Any

import keras
from common import fit, options, show
from get_data import fashion_mnist
from keras import layers

import keras_nest


def network() -> keras.Model:
    """Grey images of 28x28 to the probabilities of ten kinds of clothes."""

    def conv(x: Any, filters: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)
        # Keras' default momentum of 0.99 is for longer trainings.
        return layers.BatchNormalization(momentum=0.9)(x)

    inputs = keras.Input((28, 28, 1), name="image")
    x = layers.ReLU()(conv(inputs, 16, strides=2))
    y = layers.ReLU()(conv(x, 16))
    x = layers.ReLU()(layers.Add()([x, conv(y, 16)]))
    x = layers.ReLU()(conv(x, 32, strides=2))
    x = layers.ReLU()(conv(x, 48))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, "softmax", name="clothes")(x))


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    chosen = options(__doc__, arguments)
    (x, y), (x_test, y_test) = fashion_mnist(chosen.cache)
    if chosen.quick:
        x, y, x_test, y_test = x[:2000], y[:2000], x_test[:200], y_test[:200]
    x, x_test = (a[..., None].astype("float32") / 255 for a in (x, x_test))

    # First the plain net, for a third of the epochs: the plan of recipe="best" keeps
    # in each layer what its weights show to matter. Then all levels at once.
    dense = network()
    fit(dense, x, y, epochs=1 if chosen.quick else 2)
    model = keras_nest.nest(dense, sparsities=(0.9, 0.7, 0.0), recipe="best")
    fit(model, x, y, epochs=2 if chosen.quick else 4)
    model.summary()

    # Some training images show the ranges of all values, for their int8 scales.
    tflite = keras_nest.convert(model, x[:500], target="cortex-m4")
    return show(tflite, x_test, y_test, chosen.out)


if __name__ == "__main__":
    main()
