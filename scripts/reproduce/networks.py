"""The networks of the comparison, for images of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import nets
from keras import layers
from nets import MOMENTUM

CLASSES = 10
Shape = tuple[int, int, int]  # height, width and channels of an image


def resnet8(shape: Shape) -> keras.Model:
    """ResNet-8 of MLPerf Tiny (image classification), 78,000 parameters."""
    return nets.resnet8(keras, shape, CLASSES)


def ds_cnn(shape: Shape) -> keras.Model:
    """DS-CNN-S of MLPerf Tiny (keyword spotting) without its Dropout.

    One convolution of 10x4 with strides of 2 and four depthwise separable ones, 64
    channels each; that of Corti et al., "REDS" (arXiv 2311.13349).
    """
    inputs = keras.Input(shape, name="image")
    x = _conv_norm(inputs, 64, "stem", size=(10, 4), strides=2)
    for block in range(1, 5):
        x = layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, name=f"depthwise{block}"
        )(x)
        x = layers.BatchNormalization(momentum=MOMENTUM, name=f"depthwise{block}_norm")(
            x
        )
        x = layers.ReLU(name=f"depthwise{block}_relu")(x)
        x = _conv_norm(x, 64, f"pointwise{block}", size=1)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(CLASSES, activation="softmax", name="classes")(x)
    return keras.Model(inputs, outputs, name="ds_cnn")


def quickstart(shape: Shape) -> keras.Model:
    """The small residual net of `scripts/quickstart`, for images of 28x28x1."""
    return nets.fashion(keras)


NETWORKS: dict[str, Callable[[Shape], keras.Model]] = {
    "resnet8": resnet8,
    "ds_cnn": ds_cnn,
    "quickstart": quickstart,
}


def _conv_norm(x: Any, filters: int, name: str, size: Any, strides: int = 1) -> Any:
    x = layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
