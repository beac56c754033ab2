"""Levels that are bit widths: rounding, gradients, training, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import keras_nest
from keras_nest import BitWidths, NestError
from keras_nest.layers import BitsConv1D, BitsConv2D, BitsDense, fake_quantize
from keras_nest.recipes import LCS
from keras_nest.summary import layer_facts

BITS = (3, 4, 6, 8)
LOSS = "sparse_categorical_crossentropy"


def weights(shape: tuple[int, ...] = (3, 3, 4, 8), seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0.1, 1.0, shape).astype("float32")


def rounded(name: str, values: Any, bits: int) -> Any:
    return ops.convert_to_numpy(getattr(fake_quantize, name)(values, float(bits)))


@pytest.mark.parametrize("bits", range(2, 9))
def test_affine_rounds_to_a_grid_with_zero_on_it(bits: int) -> None:
    values = weights()
    values[0, 0, 0, 0] = 0.0
    found = rounded("affine", values, bits)
    scale = (values.max() - values.min()) / (2**bits - 1)
    whole = found / scale
    # Of float32: whole numbers up to 255, by a scale with an error of 2^-24.
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-4)
    assert whole.max() - whole.min() <= 2**bits - 1 + 1e-4
    assert found[0, 0, 0, 0] == 0.0
    # Half a step, and as much again at the ends, where the zero point was rounded.
    assert np.abs(found - values).max() <= scale * (1 + 1e-5)
    inside = (np.abs(whole) < np.abs(whole).max() - 1) & (whole > whole.min() + 1)
    assert np.abs(found - values)[inside].max(initial=0) <= scale * (0.5 + 1e-4)


def test_affine_takes_ranges_on_one_side_of_zero_and_nothing_at_all() -> None:
    for values in (np.abs(weights()) + 1, -np.abs(weights()) - 1):
        found = rounded("affine", values, 8)
        scale = np.abs(values).max() / 255
        assert np.abs(found - values).max() <= scale * (0.5 + 1e-3)
    np.testing.assert_array_equal(rounded("affine", np.zeros((2, 3)), 4), 0)
    np.testing.assert_array_equal(rounded("planes", np.zeros((2, 3)), 4), 0)


@pytest.mark.parametrize("bits", range(2, 9))
def test_planes_are_the_upper_bits_of_the_same_int8_weights(bits: int) -> None:
    values = weights()
    scale = np.abs(values).max(axis=(0, 1, 2), keepdims=True) / 119
    whole = np.rint(rounded("planes", values, 8) / scale).astype(int)
    assert whole.min() >= -120 and whole.max() == 119
    step = 2 ** (8 - bits)
    # Rounded half up, in whole numbers: the shift of a kernel.
    upper = np.clip((whole + step // 2) >> (8 - bits), -(2 ** (bits - 1)), None)
    if bits >= 4:
        assert upper.max() < 2 ** (bits - 1)  # fits without clipping
    upper = np.minimum(upper, 2 ** (bits - 1) - 1)
    found = rounded("planes", values, bits)
    np.testing.assert_allclose(found, upper * step * scale, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["affine", "planes"])
def test_gradients_go_straight_through(name: str) -> None:
    values = tf.Variable(weights())
    factor = weights(seed=1)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(getattr(fake_quantize, name)(values, 3.0) * factor)
    np.testing.assert_allclose(tape.gradient(result, values), factor, rtol=1e-6)


def network() -> Any:
    keras.utils.set_random_seed(3)
    x = inputs = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, name="stem")(x)
    x = layers.BatchNormalization(name="norm")(layers.ReLU()(x))
    x = layers.Conv2D(16, 3, name="conv")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def data(count: int = 24) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = generator.normal(size=(count, 6, 6, 3)) * 0.5
    x[np.arange(count), :, :, y] += 1.5
    return x.astype("float32"), y


def test_lcs_of_bits_trains_saves_and_is_not_converted(tmp_path: Path) -> None:
    model = keras_nest.nest(network(), BitWidths(BITS), recipe=LCS(kind="bits"))
    layer = model.graph.get_layer("conv")
    assert type(layer) is BitsConv2D and layer.levels == 4
    # The ends keep their weights as they are.
    assert type(model.graph.get_layer("last")) is layers.Dense
    assert model.distillation == 0.0 and model.sparsities == (0.625, 0.5, 0.25, 0.0)
    x, y = data()
    assert set(model(x[:2], training=True)) == {"slot_0", "levels"}
    model.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=6, epochs=10, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    # Guessing gives a third.
    assert all(logs[f"level_{level}_accuracy"] > 0.6 for level in range(4)), logs
    kernel = ops.convert_to_numpy(layer.kernel)
    outputs = model.predict(x, verbose=0)
    for level, bits in enumerate(BITS):
        plain = model.level(level)
        found = plain.get_layer("conv").kernel
        np.testing.assert_allclose(
            found, rounded("affine", kernel, bits), rtol=1e-5, atol=1e-6
        )
        assert len(np.unique(ops.convert_to_numpy(found))) <= 2**bits
        np.testing.assert_allclose(plain(x), outputs[f"level_{level}"], atol=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.graph.get_layer("conv").bit_widths == BitWidths(BITS)
    for name, values in loaded.predict(x, verbose=0).items():
        np.testing.assert_allclose(values, outputs[name], atol=1e-6)
    with pytest.raises(NestError, match="levels that are bit widths") as error:
        keras_nest.convert(model, x)
    assert "model.level(0)" in (error.value.hint or "")


def test_bits_are_summed_up() -> None:
    model = keras_nest.nest(network(), BitWidths(BITS))
    fact = {one.name: one for one in layer_facts(model.graph, 4)}["conv"]
    count = 9 * 8 * 16
    assert fact.nonzeros == (count,) * 4 and fact.macs == (4 * count,) * 4
    assert fact.achieved == fact.asked == (0.625, 0.5, 0.25, 0.0)
    assert fact.packed_bytes == tuple(count * bits // 8 + 4 * 16 for bits in BITS)
    text: list[str] = []
    model.summary(print_fn=text.append)
    assert "bits 3/4/6/8" in text[0]


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (BitsConv1D(4, 3, bits=BITS), (2, 6, 5)),
        (BitsDense(4, bits=BITS, quantization="planes"), (2, 5)),
        (BitsDense(4, bits=(4, 8), sparsities=(0.5, 0.0), pattern="1x2"), (2, 8)),
    ],
)
def test_layers_round_after_their_masks(layer: Any, shape: tuple[int, ...]) -> None:
    x = weights(shape)
    layer(x)
    layer.update_mask()
    kernel = ops.convert_to_numpy(layer.kernel)
    name = layer.bit_widths.quantization
    for level, bits in enumerate(layer.bit_widths.bits):
        kept = np.where(layer.active(level), kernel, 0)
        found = ops.convert_to_numpy(layer.level_kernel(level))
        np.testing.assert_allclose(found, rounded(name, kept, bits), atol=1e-6)
        assert np.all(found[~layer.active(level)] == 0)
    again = type(layer).from_config(layer.get_config())
    assert again.bit_widths == layer.bit_widths and again.levels == layer.levels


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BitWidths((4, 3)), r"from 2 to 8 that rise.*\(4, 3\)"),
        (lambda: BitWidths((1, 8)), r"from 2 to 8"),
        (lambda: BitWidths((4, 9)), r"from 2 to 8"),
        (lambda: BitWidths((4.5, 8)), r"from 2 to 8"),
        (lambda: BitWidths(()), r"from 2 to 8"),
        (lambda: BitWidths((4, 8), "log"), "`quantization` to be one of.*'log'"),
        (
            lambda: keras_nest.nest(network(), recipe=LCS(kind="bits")),
            r"BitWidths for levels of bits.*\(0.9, 0.7, 0.0\)",
        ),
        (
            lambda: keras_nest.nest(
                network(), BitWidths(BITS), recipe=LCS(variant="line")
            ),
            "levels lie on a line. Received: bit widths",
        ),
        (
            lambda: BitsDense(4, bits=(4, 8), sparsities=(0.5,)),
            "as many bit widths as sparsities",
        ),
    ],
)
def test_bad_bit_widths_are_refused(make: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        make()
