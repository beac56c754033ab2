"""Nets that the converter's tests share: seeded, small, awkward on purpose."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_nest.bit_widths import BitWidths
from keras_nest.layers import NestedBatchNormalization
from keras_nest.model import nest

L = keras.layers
Array = np.ndarray[Any, Any]

PATTERNS = (
    "element",
    "element-balanced",
    "1x2",
    "1x2-balanced",
    "1x4",
    "1x4-balanced",
    "1x16",
    "4x4",
    "4x4-balanced",
    "4x16",
)


def inputs_for(model: Any, count: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    shape = model.input_shape[1:]
    return rng.normal(0.2, 1, (count, *shape)).astype(np.float32)


def on_int8_grid(model: Any, seed: int = 0) -> Any:
    """Gives every kernel values that int8 holds exactly, biases and norms at random.

    What is left of the quantization error is the rounding of activations.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            shape = tuple(layer.kernel.shape)
            fan_in = int(np.prod(shape[:-1]))
            grid = rng.integers(-127, 128, shape)
            if isinstance(layer, L.DepthwiseConv2D):
                grid[0, 0] = 127
                fan_in = shape[0] * shape[1]
            else:
                grid[(0,) * (len(shape) - 1)] = 127
            layer.kernel.assign(grid / 127 / fan_in**0.5)
            if layer.bias is not None:
                layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
        elif isinstance(layer, L.BatchNormalization):
            randomize_norm(layer, rng)
    return model


def randomize_norm(layer: Any, rng: np.random.Generator, hard: bool = False) -> None:
    """Random statistics, gamma and beta; `hard` makes some gammas negative, tiny, 0."""
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        variable = getattr(layer, name)
        if variable is None:
            continue
        shape = tuple(variable.shape)
        if name == "gamma":
            values = rng.normal(1, 0.3, shape)
            if hard:
                values *= rng.choice([1, 1, 1, -1, 1e-4, 1e-9, 0], shape)
        elif name == "moving_variance":
            values = rng.uniform(0.3, 2, shape)
        else:
            values = rng.normal(0, 0.4, shape)
        variable.assign(values)


def random_net(seed: int) -> Any:
    """A net of residual, concatenating, depthwise and pooling blocks."""
    rng = np.random.default_rng(seed)
    size, channels = int(rng.integers(6, 11)), int(rng.choice([1, 2, 3, 4]))
    inputs = keras.Input((size, size + int(rng.integers(0, 3)), channels), name="x")
    x = L.Conv2D(int(rng.choice([4, 6, 8, 16])), 3, padding="same")(inputs)
    x = L.BatchNormalization()(x)
    x = L.ReLU()(x)
    blocks = [_residual, _concatenation, _depthwise, _pooling, _pre_activation]
    for block in rng.permutation(len(blocks))[: int(rng.integers(2, 5))]:
        x = blocks[block](x, rng)
    x = L.GlobalAveragePooling2D()(x) if rng.random() < 0.5 else L.Flatten()(x)
    if rng.random() < 0.5:
        x = L.Dense(int(rng.choice([5, 8])), activation="relu6")(x)
        x = L.Dropout(0.3)(x)
    # One unit now and then: TFLM computes its multiplier in another way.
    units = int(rng.choice([1, 3, 10]))
    outputs = L.Dense(units, activation="softmax" if units > 1 else None)(x)
    return keras.Model(inputs, outputs, name=f"random_{seed}")


def nested_random_net(seed: int, pattern: str, **options: Any) -> Any:
    """The random net, nested, with hard normalizations of each level's own.

    Args:
        seed: What to draw it by.
        pattern: Of `nest`; "bits" for levels of 4 and 8 bits.
        **options: Of `nest`.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed + 1000)
    sparsities = [(0.9, 0.7, 0.0), (0.9, 0.8, 0.7), (0.75, 0.5), (0.6,)][seed % 4]
    if pattern == "bits":
        levels = BitWidths((4, 8), "planes")
        model, sparsities = nest(random_net(seed), levels, **options), levels.sparsities
    else:
        model = nest(random_net(seed), sparsities, pattern=pattern, **options)
    for layer in model.graph.layers:
        if isinstance(layer, L.BatchNormalization):
            randomize_norm(layer, rng, hard=True)
            if isinstance(layer, NestedBatchNormalization):
                assert layer.levels == len(sparsities)
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(0, 0.2, layer.bias.shape))
    return model


def _conv_norm(x: Any, filters: int, kernel: int, rng: Any, **options: Any) -> Any:
    x = L.Conv2D(filters, kernel, padding="same", use_bias=False, **options)(x)
    return L.BatchNormalization()(x)


def _residual(x: Any, rng: Any) -> Any:
    filters = int(x.shape[-1])
    y = L.ReLU()(_conv_norm(x, filters, 3, rng))
    y = _conv_norm(y, filters, int(rng.choice([1, 3])), rng)
    return L.ReLU()(L.Add()([x, y]))


def _concatenation(x: Any, rng: Any) -> Any:
    a = L.ReLU(6.0)(_conv_norm(x, 4, 1, rng))
    b = L.Conv2D(int(rng.choice([3, 8])), 3, padding="same", dilation_rate=2)(x)
    return L.Concatenate()([a, b, x])


def _depthwise(x: Any, rng: Any) -> Any:
    strides = int(rng.choice([1, 2]))
    x = L.ZeroPadding2D(((1, 0), (0, 1)))(x)
    x = L.DepthwiseConv2D(3, strides=strides, use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    return L.ReLU()(_conv_norm(x, int(rng.choice([7, 8, 16])), 1, rng))


def _pooling(x: Any, rng: Any) -> Any:
    kind = [L.MaxPooling2D, L.AveragePooling2D][int(rng.integers(2))]
    return kind(2, strides=int(rng.choice([1, 2])), padding="same")(x)


def _pre_activation(x: Any, rng: Any) -> Any:
    y = L.ReLU()(L.BatchNormalization()(x))
    y = L.Conv2D(int(x.shape[-1]), 3, padding="same", activation="relu")(y)
    return L.Add()([x, y])
