"""Every supported layer through the whole path, in TFLM, against Keras in float.

Kernels lie on the int8 grid and the inputs on the input's grid, so that the only errors
are roundings of activations: half a step per rounding op, a whole one where the op
rounds twice (requantization doubles, then shifts). The bounds below count the rounding
ops; where an inner error passes through a later kernel they allow its gain of about 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_nest import convert
from keras_nest.runtime import Interpreter
from tests.converter.nets import inputs_for, on_int8_grid

L = keras.layers

IMAGE, SIGNAL, FEATURES = (7, 6, 4), (11, 5), (12,)


def concatenation(x: Any) -> Any:
    return L.Concatenate()([L.Conv2D(3, 1)(x), L.Conv2D(2, 3, padding="same")(x)])


def addition(x: Any) -> Any:
    return L.ReLU()(L.Add()([x, L.MaxPooling2D(3, 1, "same")(x)]))


CASES: dict[str, tuple[tuple[int, ...], Callable[[Any], Any], float]] = {
    "conv same": (IMAGE, L.Conv2D(5, 3, padding="same"), 1),
    "conv valid strides": (IMAGE, L.Conv2D(5, 3, strides=2), 1),
    "conv 2x3 unequal strides": (IMAGE, L.Conv2D(3, (2, 3), (2, 1), "same"), 1),
    "conv dilated": (IMAGE, L.Conv2D(3, 2, dilation_rate=(2, 3)), 1),
    "conv dilated same": (IMAGE, L.Conv2D(3, 3, padding="same", dilation_rate=2), 1),
    "conv relu": (IMAGE, L.Conv2D(5, 3, activation="relu"), 1),
    "conv relu6": (IMAGE, L.Conv2D(5, 3, activation="relu6"), 1),
    "conv ReLU layer": (IMAGE, L.Conv2D(5, 3, activation=L.ReLU(6.0)), 1),
    "conv one filter no bias": (IMAGE, L.Conv2D(1, 3, use_bias=False), 1),
    "depthwise": (IMAGE, L.DepthwiseConv2D(3, padding="same"), 1),
    "depthwise strides": (IMAGE, L.DepthwiseConv2D(3, 2), 1),
    "depthwise multiplier": (IMAGE, L.DepthwiseConv2D(2, depth_multiplier=3), 1),
    "depthwise dilated": (IMAGE, L.DepthwiseConv2D(3, dilation_rate=2), 1),
    "conv1d": (SIGNAL, L.Conv1D(4, 3, padding="same"), 1),
    "conv1d strides": (SIGNAL, L.Conv1D(4, 4, strides=3), 1),
    "conv1d causal": (SIGNAL, L.Conv1D(4, 3, padding="causal", dilation_rate=2), 1),
    "dense": (FEATURES, L.Dense(7), 1),
    "dense one unit": (FEATURES, L.Dense(1), 1),
    "dense over steps": (SIGNAL, L.Dense(7, activation="relu"), 1),
    "dense over pixels": (IMAGE, L.Dense(3), 1),
    "norm alone": (IMAGE, L.BatchNormalization(), 1),
    "norm of features": (FEATURES, L.BatchNormalization(), 1),
    "norm of a signal": (SIGNAL, L.BatchNormalization(axis=2), 1),
    "rescaling": (IMAGE, L.Rescaling(0.5, offset=-1.0), 1),
    "relu": (IMAGE, L.ReLU(), 1),
    "relu6": (IMAGE, lambda x: L.ReLU(6.0)(L.MaxPooling2D(1)(L.Rescaling(5.0)(x))), 1),
    "activation": (FEATURES, L.Activation("relu"), 1),
    # TFLite's int8 softmax works with a table of exponentials in Q5.26.
    "softmax": (FEATURES, L.Softmax(), 1),
    "softmax activation": (SIGNAL, L.Activation("softmax"), 1),
    "dense softmax": (FEATURES, L.Dense(4, activation="softmax"), 2),
    # A step of the inner softmax is 1/256, one of the output about 1/80.
    "softmax inside": (FEATURES, lambda x: L.Concatenate()([L.Softmax()(x), x]), 1.5),
    "add": (IMAGE, addition, 1),
    "add of three": (FEATURES, lambda x: L.Add()([x, L.ReLU()(x), x]), 4),
    "add operator": (FEATURES, lambda x: x + L.ReLU()(x), 2),
    "concatenate": (IMAGE, concatenation, 1),
    "max pooling": (IMAGE, L.MaxPooling2D(2), 1),
    "max pooling same": (IMAGE, L.MaxPooling2D(3, 2, "same"), 1),
    "average pooling": (IMAGE, L.AveragePooling2D((2, 3), 1), 1),
    "average pooling same": (IMAGE, L.AveragePooling2D(3, 2, "same"), 1),
    "max pooling 1d": (SIGNAL, L.MaxPooling1D(2), 1),
    "average pooling 1d": (SIGNAL, L.AveragePooling1D(3, 2, "same"), 1),
    "global average": (IMAGE, L.GlobalAveragePooling2D(), 1),
    "global average kept": (SIGNAL, L.GlobalAveragePooling1D(keepdims=True), 1),
    "global max": (IMAGE, L.GlobalMaxPooling2D(), 1),
    "global max 1d": (SIGNAL, L.GlobalMaxPooling1D(keepdims=True), 1),
    "flatten": (IMAGE, L.Flatten(), 0.5),
    "reshape": (IMAGE, L.Reshape((6, 28)), 0.5),
    "zero padding": (IMAGE, L.ZeroPadding2D(((1, 2), (0, 3))), 0.5),
    "zero padding 1d": (SIGNAL, L.ZeroPadding1D((2, 1)), 0.5),
    "dropout": (FEATURES, lambda x: L.ReLU()(L.Dropout(0.5)(x)), 1),
}


@pytest.mark.parametrize("name", CASES)
def test_layer_in_tflm_agrees_with_keras(name: str) -> None:
    shape, layer, bound = CASES[name]
    inputs = keras.Input(shape)
    model = on_int8_grid(keras.Model(inputs, layer(inputs)))
    tflite = convert(model, inputs_for(model, 40))
    assert worst_error(model, tflite) <= bound


def test_normalizations_fold_into_what_is_before_them() -> None:
    inputs = keras.Input(IMAGE)
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(inputs)))
    x = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(2)(x)))
    x = L.BatchNormalization()(L.Dense(3)(L.Flatten()(x)))
    model = on_int8_grid(keras.Model(inputs, x))
    tflite = convert(model, inputs_for(model, 40))
    assert [entry.op for entry in tflite.report.entries] == [
        "conv_2d",
        "depthwise_conv_2d",
        "fully_connected",
    ]
    # Three roundings, the inner two passing through a gain of up to 2 each.
    assert worst_error(model, tflite) <= 1 + 2 + 4


def test_norm_behind_an_activation_becomes_a_depthwise_op() -> None:
    inputs = keras.Input(FEATURES)
    x = L.BatchNormalization(name="lone")(L.Dense(6, activation="relu")(inputs))
    model = on_int8_grid(keras.Model(inputs, x))
    tflite = convert(model, inputs_for(model, 40))
    ops = {entry.layer: entry.op for entry in tflite.report.entries}
    assert ops["lone"] == "depthwise_conv_2d"
    assert worst_error(model, tflite) <= 3


def test_float_inputs_and_outputs() -> None:
    inputs = keras.Input(SIGNAL)
    model = on_int8_grid(keras.Model(inputs, L.Conv1D(3, 2)(inputs)))
    x = inputs_for(model, 40)
    whole = Interpreter(convert(model, x, io="float32"))
    inner = Interpreter(convert(model, x))
    assert whole.input_details[0].dtype == np.float32
    assert whole.output_details[0].dtype == np.float32
    assert inner.input_details[0].dtype == np.int8
    expected = inner.predict(x, dequantize=True)
    np.testing.assert_array_equal(whole.predict(x), expected)


def worst_error(model: Any, tflite: bytes) -> float:
    """Largest difference between TFLM and Keras, in steps of the int8 output."""
    interpreter = Interpreter(tflite)
    source, output = interpreter.input_details[0], interpreter.output_details[0]
    x = inputs_for(model, 40)
    steps = np.clip(np.round(x / source.scale) + source.zero_point, -128, 127)
    on_grid = ((steps - source.zero_point) * source.scale).astype(np.float32)
    expected = np.asarray(model.predict(on_grid, verbose=0))
    got = interpreter.predict(steps.astype(np.int8), dequantize=True)
    assert got.shape == expected.shape
    # Rounding the inputs can push an output out of the range seen in calibration.
    low, high = ((end - output.zero_point) * output.scale for end in (-128, 127))
    expected = np.clip(expected, low, high)
    assert expected.std() > 0
    return float(np.max(np.abs(got - expected)) / output.scale)
