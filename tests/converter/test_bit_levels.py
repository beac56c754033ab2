"""Levels of bits from Keras to TFLM: one set of weights, 4 or 8 bits of each."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_nest
from keras_nest import BitWidths, NestError
from keras_nest.converter import flatbuffer
from keras_nest.converter.calibrate import run
from keras_nest.converter.describe import describe, single_level
from keras_nest.converter.freeze import freeze
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import encoding_of, section_sizes
from keras_nest.layers import fake_quantize
from keras_nest.recipes import LCS
from tests.converter.nets import (
    inputs_for,
    nested_random_net,
    random_net,
    randomize_norm,
)

BITS = BitWidths((4, 8), "planes")

pytestmark = pytest.mark.filterwarnings(  # nothing here is trained
    "ignore::keras_nest.converter.convert.ConversionWarning"
)


def small_net() -> Any:
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 7, 3))
    x = layers.ReLU()(layers.Conv2D(12, 3, name="first")(x))
    x = layers.Conv2D(20, 3, padding="same", use_bias=False, name="conv")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(name="norm")(x))
    x = layers.DepthwiseConv2D(3, strides=2, name="deep")(x)
    x = layers.ReLU()(layers.Conv2D(150, 1, name="point")(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(30, activation="relu", name="hidden")(x)
    return keras.Model(inputs, layers.Dense(5, name="last")(x))


def nested(widths: BitWidths = BITS) -> Any:
    recipe = LCS(kind="bits") if len(widths.bits) > 1 else None
    model = keras_nest.nest(small_net(), widths, recipe=recipe)
    rng = np.random.default_rng(0)
    for layer in model.graph.layers:
        if isinstance(layer, layers.BatchNormalization):
            randomize_norm(layer, rng)
    return model


@pytest.mark.parametrize("target", ["generic", "cortex-m4", "cortex-m55"])
def test_levels_are_their_plain_models(target: str) -> None:
    model, x = nested(), inputs_for(small_net(), 40)
    tflite = keras_nest.convert(model, x, target=target)
    interpreter = keras_nest.Interpreter(tflite)
    floats = model.predict(x, verbose=0)
    outputs = []
    for level in range(2):
        plain = keras_nest.Interpreter(keras_nest.extract(tflite, level))
        outputs.append(interpreter.predict(x, level=level))
        np.testing.assert_array_equal(outputs[-1], plain.predict(x))
        real = interpreter.predict(x, level=level, dequantize=True)
        spread = np.ptp(floats[f"level_{level}"])
        assert np.abs(real - floats[f"level_{level}"]).max() < 0.1 * spread
    assert np.any(outputs[0] != outputs[1])
    found = {one.name: one for one in nested_operators(flatbuffer.load(tflite))}
    with_bits = {name for name, one in found.items() if one.op.bits is not None}
    assert {"conv", "point", "hidden"} == with_bits
    for name in with_bits:
        op = found[name].op
        assert op.bits == (4, 8) and encoding_of(found[name].blob) == "dense"
        # Both levels out of one byte for each weight: groups of 8 filled up.
        stored = section_sizes(found[name].blob)["values"]
        assert op.weights.size <= stored < op.weights.size + 8
    facts = {one.name: one for one in describe(tflite).ops}
    assert facts["conv"].bits == [4, 8] and facts["conv"].block == "bits"
    assert facts["deep"].bits is None
    entries = {entry.layer: entry for entry in tflite.report.entries}
    assert entries["conv"].pattern == "bits"
    assert entries["conv"].reason == "bits of each level: 4, 8"


@pytest.mark.parametrize("seed", [2, 5])
def test_random_nets(seed: int) -> None:
    """Negative, tiny and zero scales of normalizations among them."""
    model = nested_random_net(seed, "bits")
    x = inputs_for(random_net(seed), 24)
    tflite = keras_nest.convert(model, x)
    interpreter = keras_nest.Interpreter(tflite)
    for level in range(2):
        plain = keras_nest.Interpreter(keras_nest.extract(tflite, level))
        np.testing.assert_array_equal(
            interpreter.predict(x, level=level), plain.predict(x)
        )
    found = [one.op.bits for one in nested_operators(flatbuffer.load(tflite))]
    assert (4, 8) in found


def test_weights_are_those_of_training() -> None:
    """What Keras rounds a kernel to is what the levels have, times a step."""
    model, x = nested(), inputs_for(small_net(), 10)
    tflite = keras_nest.convert(model, x)
    found = {one.name: one.op for one in nested_operators(flatbuffer.load(tflite))}
    for name in ("conv", "point", "hidden"):
        kernel = ops.convert_to_numpy(model.graph.get_layer(name).kernel)
        rows = kernel.reshape(-1, kernel.shape[-1]).T
        step = np.abs(rows).max(axis=1, keepdims=True) / 119
        for level, bits in enumerate((4, 8)):
            rounded = ops.convert_to_numpy(fake_quantize.planes(kernel, float(bits)))
            rounded = rounded.reshape(-1, kernel.shape[-1]).T
            np.testing.assert_array_equal(
                np.rint(rounded / step).astype(int), found[name].at(level)
            )


def test_the_frozen_graph_is_the_model() -> None:
    """In float: what activation ranges are measured on."""
    model, x = nested(), inputs_for(small_net(), 10)
    graph = freeze(model)
    floats = model.predict(x, verbose=0)
    for level in range(2):
        frozen = run(graph, x, level)[graph.output]
        np.testing.assert_allclose(
            frozen.reshape(len(x), -1), floats[f"level_{level}"], rtol=1e-3, atol=1e-4
        )


def test_one_level_of_4_bits_stores_half() -> None:
    model, x = nested(BitWidths((4,), "planes")), inputs_for(small_net(), 20)
    tflite = keras_nest.convert(model, x)
    found = {one.name: one for one in nested_operators(flatbuffer.load(tflite))}
    conv = found["conv"]
    assert conv.op.bits == (4,)
    assert section_sizes(conv.blob)["values"] == conv.op.weights.size // 2
    plain = keras_nest.extract(tflite, 0)
    np.testing.assert_array_equal(
        keras_nest.Interpreter(tflite).predict(x, level=0),
        keras_nest.Interpreter(plain).predict(x),
    )
    both = keras_nest.convert(nested(), x)
    one = next(o for o in nested_operators(flatbuffer.load(both)) if o.name == "conv")
    alone = single_level(one.op, 0)
    np.testing.assert_array_equal(alone.weights, conv.op.weights)


def test_a_level_for_each_layer() -> None:
    """Bits of one layer ask nothing of another."""
    model, x = nested(), inputs_for(small_net(), 20)
    tflite = keras_nest.convert(model, x, per_layer_level=True)
    interpreter = keras_nest.Interpreter(tflite)
    count = len(nested_operators(flatbuffer.load(tflite)))
    levels = [index % 2 for index in range(count)]
    plain = keras_nest.Interpreter(keras_nest.extract(tflite, levels))
    np.testing.assert_array_equal(
        interpreter.predict(x, level=levels), plain.predict(x)
    )


def test_quantization_aware_levels_of_bits() -> None:
    """The simulation is within a step of what TFLM computes."""
    model, x = nested(), inputs_for(small_net(), 30)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((len(x), 5)), epochs=1, verbose=0)
    aware = keras_nest.quantization_aware(model, x)
    tflite = keras_nest.convert(aware)
    interpreter = keras_nest.Interpreter(tflite)
    simulated = aware.predict(x, verbose=0)
    step = interpreter.interface.outputs[0].scale
    for level in range(2):
        real = interpreter.predict(x, level=level, dequantize=True)
        assert np.abs(real - simulated[f"level_{level}"]).max() <= 1.01 * step


@pytest.mark.parametrize(
    "widths",
    [BitWidths((4, 8)), BitWidths((3, 8), "planes"), BitWidths((8,), "planes")],
)
def test_other_bits_are_refused(widths: BitWidths) -> None:
    assert not widths.on_device
    with pytest.raises(NestError, match="levels that are bit widths") as error:
        keras_nest.convert(nested(widths), inputs_for(small_net(), 4))
    assert "BitWidths((4, 8), quantization='planes')" in (error.value.hint or "")
