"""The networks that scripts train, each defined once for Keras 3 and for tf-keras.

tfmot prunes models of tf-keras (Keras 2) only, so that every function takes the module
to build with: `keras` or `tf_keras`. Layers have the same names in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# With Keras' default of 0.99 the statistics of runs this short would not have
# converged.
MOMENTUM = 0.9


def fashion(keras: Any) -> Any:
    """A residual net of 19,994 parameters for 28x28 grey images."""
    inputs = keras.Input((28, 28, 1), name="image")
    x = _conv_norm(keras, inputs, 16, strides=2, name="stem")
    for stage, filters in enumerate((16, 32)):
        strides = 1 if stage == 0 else 2
        shortcut = x
        if strides > 1:
            shortcut = _conv_norm(
                keras, x, filters, 1, strides, activation=None, name=f"skip{stage}"
            )
        y = _conv_norm(keras, x, filters, strides=strides, name=f"block{stage}a")
        y = _conv_norm(keras, y, filters, activation=None, name=f"block{stage}b")
        x = keras.layers.ReLU()(keras.layers.Add()([shortcut, y]))
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(10, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="fashion")


def _conv_norm(
    keras: Any,
    x: Any,
    filters: int,
    kernel: int = 3,
    strides: int = 1,
    activation: str | None = "relu",
    name: str = "",
) -> Any:
    x = keras.layers.Conv2D(
        filters, kernel, strides, padding="same", use_bias=False, name=name
    )(x)
    x = keras.layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return keras.layers.Activation(activation)(x) if activation else x


def resnet8(
    keras: Any, input_shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10
) -> Any:
    """ResNet-8 of MLPerf Tiny (mlcommons/tiny, image_classification/keras_model.py).

    What the reference computes, without the biases that BatchNormalization takes away;
    and without its momentum and weight decay (1e-4), made for 500 epochs.

    Args:
        keras: The module `keras` or `tf_keras`.
        input_shape: Height, width and channels of the images.
        classes: Number of outputs.
    """
    layers = keras.layers

    def conv(x: Any, filters: int, kernel: int, strides: int, **options: Any) -> Any:
        return layers.Conv2D(
            filters,
            kernel,
            strides,
            padding="same",
            kernel_initializer="he_normal",
            **options,
        )(x)

    def conv_norm(x: Any, filters: int, strides: int, name: str) -> Any:
        x = conv(x, filters, 3, strides, use_bias=False, name=name)
        return layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)

    inputs = keras.Input(input_shape, name="image")
    x = layers.ReLU(name="stem_relu")(conv_norm(inputs, 16, 1, "stem"))
    for stage, filters in enumerate((16, 32, 64)):
        strides, name = 1 if stage == 0 else 2, f"block{stage}"
        y = layers.ReLU(name=f"{name}a_relu")(
            conv_norm(x, filters, strides, f"{name}a")
        )
        y = conv_norm(y, filters, 1, f"{name}b")
        if strides > 1:
            x = conv(x, filters, 1, strides, name=f"skip{stage}")
        x = layers.ReLU(name=f"relu{stage}")(layers.Add(name=f"add{stage}")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="resnet8")


NETS: dict[str, Callable[[Any], Any]] = {"quickstart": fashion, "resnet8": resnet8}
