"""Quantization-aware fine-tuning: what is trained is what TFLM computes."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner

import keras_nest
from keras_nest import NestError, convert
from keras_nest.cli import cli
from keras_nest.converter import calibrate, quantize
from keras_nest.converter.freeze import freeze
from tests.converter.nets import (
    inputs_for,
    nested_random_net,
    random_net,
    randomize_norm,
)

L = keras.layers
to_numpy = keras.ops.convert_to_numpy
Array = np.ndarray[Any, Any]
ROOT = Path(__file__).parents[2]
LOSS = "sparse_categorical_crossentropy"


def residual() -> Any:
    """As ResNet-8, smaller."""
    x = inputs = keras.Input((12, 12, 3), name="image")
    for stage, filters in enumerate((8, 12)):
        y = x
        for part in "ab":
            strides = 2 if part == "a" and stage else 1
            y = L.Conv2D(filters, 3, strides, padding="same", use_bias=False)(y)
            y = L.BatchNormalization()(y)
            y = L.ReLU()(y) if part == "a" else y
        x = L.Conv2D(filters, 1, 2 if stage else 1)(x)
        # The operation, not the layer.
        x = L.ReLU()(x + y)
    x = L.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, L.Dense(4, "softmax")(x), name="residual")


def separable() -> Any:
    """As DS-CNN, smaller; with ReLU6, Dropout and average pooling."""
    x = inputs = keras.Input((12, 10, 1), name="sound")
    x = L.Conv2D(8, (5, 3), 2, padding="same", use_bias=False)(x)
    x = L.ReLU(6.0)(L.BatchNormalization()(x))
    for _ in range(3):
        x = L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = L.ReLU(6.0)(L.BatchNormalization()(x))
        x = L.Conv2D(12, 1, use_bias=False)(x)
        x = L.ReLU(6.0)(L.BatchNormalization()(x))
    x = L.Dropout(0.2)(L.AveragePooling2D((2, 2), padding="same")(x))
    return keras.Model(inputs, L.Dense(4, "softmax")(L.Flatten()(x)), name="separable")


def dense() -> Any:
    """As the autoencoder of MLPerf Tiny, smaller."""
    x = inputs = keras.Input((20,), name="frame")
    for width in (32, 8, 32):
        x = L.ReLU()(L.BatchNormalization()(L.Dense(width)(x)))
    return keras.Model(inputs, L.Dense(4)(x), name="dense")


NETS = {"residual": residual, "separable": separable, "dense": dense}


def nested(name: str = "residual", **options: Any) -> Any:
    """A net whose levels have norms of their own, as after a training."""
    keras.utils.set_random_seed(3)
    model = keras_nest.nest(NETS[name](), (0.9, 0.6, 0.0), **options)
    rng = np.random.default_rng(3)
    for layer in model.graph.layers:
        if isinstance(layer, L.BatchNormalization):
            randomize_norm(layer, rng)
        elif getattr(layer, "bias", None) is not None:
            layer.bias.assign(rng.normal(0, 0.2, layer.bias.shape))
    return trained(model)


def trained(model: Any) -> Any:
    """Masks as at the end of a training."""
    model.update_masks(10, 10)
    assert model.masks_frozen
    return model


def labelled(model: Any, count: int = 96) -> tuple[Array, Array]:
    """Classes that lie two standard deviations apart."""
    rng = np.random.default_rng(5)
    y = np.arange(count) % 4
    shape = model.graph.inputs[0].shape[1:]
    offset = y.reshape(-1, *[1] * len(shape))
    return (rng.normal(0, 0.5, (count, *shape)) + offset).astype(np.float32), y


def fine_tuned(model: Any, x: Array, y: Array, epochs: int = 2, **options: Any) -> Any:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=model.name == "dense")
    qat = keras_nest.quantization_aware(model, x[:32], **options)
    qat.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    qat.fit(x, y, batch_size=16, epochs=epochs, verbose=0)
    return qat


def outputs_of(model: Any, x: Array) -> Array:
    """[levels, ...], without the time that predict() takes to compile."""
    outputs = model(x, training=False)
    return np.stack([to_numpy(outputs[name]) for name in model.level_names])


def steps_apart(qat: Any, x: Array) -> Array:
    """[levels, ...]: how many int8 steps TFLM's outputs are from the model's."""
    interpreter = keras_nest.Interpreter(convert(qat))
    got = [
        interpreter.predict(x, level=level, dequantize=True)
        for level in range(qat.levels)
    ]
    apart = np.stack(got) - outputs_of(qat, x)
    return np.abs(np.rint(apart / interpreter.output_details[0].scale))


@pytest.mark.parametrize("name", NETS)
def test_a_fine_tuned_model_computes_what_tflm_computes(name: str) -> None:
    model = nested(name)
    x, y = labelled(model)
    before = model.get_weights()
    qat = fine_tuned(model, x, y)
    apart = steps_apart(qat, x)
    # All of it is equal but where float32 puts a sum on the other side of a half.
    assert apart.max() <= 1
    assert np.mean(apart == 0) > 0.999
    # The float model computes something else, and is not touched.
    assert not np.array_equal(outputs_of(model, x), outputs_of(qat, x))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.filterwarnings("ignore:Pattern")
@pytest.mark.parametrize("seed", range(8))
def test_random_nets_with_hard_norms_compute_what_tflm_computes(seed: int) -> None:
    """Negative, tiny and zero gammas; concatenation, pooling, lone normalizations."""
    model = trained(nested_random_net(seed, ("element", "1x2", "1x4")[seed % 3]))
    x = inputs_for(random_net(seed), 40)
    apart = steps_apart(keras_nest.quantization_aware(model, x), x)
    # One unit alone has its scale moved by up to 2**-12 (`unambiguous_scale`).
    lone = model.graph.outputs[0].shape[-1] == 1
    assert apart.max() <= 1
    assert np.mean(apart == 0) > (0.8 if lone else 0.999)


def test_training_changes_what_it_should() -> None:
    model = nested()
    x, y = labelled(model)
    qat = fine_tuned(model, x, y, epochs=10)
    layers = zip(model.graph.layers, qat.graph.layers, strict=True)
    kernels = norms = 0
    for old, new in layers:
        for before, after in zip(old.weights, new.weights, strict=True):
            same = np.array_equal(to_numpy(before), to_numpy(after))
            frozen = before.name in ("level_of", "moving_mean", "moving_variance")
            assert same == frozen, before.path
        kernels += hasattr(old, "kernel")
        norms += isinstance(old, L.BatchNormalization)
    assert kernels == 7 and norms == 4
    assert np.all(to_numpy(qat.stretch) != 0)
    # Guessing gives a quarter. (Levels of a tenth of random weights take longer.)
    assert np.mean(outputs_of(qat, x)[-1].argmax(-1) == y) > 0.8


@pytest.mark.parametrize("level", range(3))
def test_gradients_pass_the_roundings(level: int) -> None:
    """They are near those of the float model, whose values are near as well."""
    import tensorflow as tf

    model = nested()
    x, y = labelled(model)
    qat = keras_nest.quantization_aware(model, x)

    def gradients(one: Any) -> list[Array]:
        loss = keras.losses.sparse_categorical_crossentropy
        with tf.GradientTape() as tape:
            # The float model with the statistics that the int8 tables have.
            outputs = one._run_level([tf.constant(x)], tf.constant(level), one is qat)
            total = tf.reduce_mean(loss(y, outputs))
        variables = [weight.value for weight in one.graph.trainable_variables]
        return [to_numpy(found).ravel() for found in tape.gradient(total, variables)]

    for ours, floats in zip(gradients(qat), gradients(model), strict=True):
        assert np.linalg.norm(floats) > 0
        # 8 bits: what is lost is a hundredth of the values.
        assert np.linalg.norm(ours - floats) < 0.1 * np.linalg.norm(floats)


def test_convert_takes_the_ranges_of_the_training() -> None:
    model = nested("dense")
    x, y = labelled(model)
    fresh = keras_nest.quantization_aware(model, x[:32])
    frozen = freeze(model)
    measured = quantize.quantizations(frozen, calibrate.ranges(frozen, x[:32]))
    assert fresh.quantizations() == measured
    qat = fine_tuned(model, x, y)
    assert qat.quantizations() != measured
    assert {q.zero_point for q in qat.quantizations().values()} == {
        q.zero_point for q in measured.values()
    }
    tflite = convert(qat)
    details = keras_nest.Interpreter(tflite).output_details[0]
    assert details.scale == qat.quantizations()[freeze(qat).output].scale
    assert bytes(tflite) == bytes(convert(qat, 1000 * x))


def test_ranges_can_stay_as_measured() -> None:
    model = nested("dense")
    x, y = labelled(model)
    qat = fine_tuned(model, x, y, learn_ranges=False)
    measured = keras_nest.quantization_aware(model, x[:32]).quantizations()
    assert qat.quantizations() == measured


def test_probabilities_are_rounded_but_in_training() -> None:
    model = nested()
    x, _ = labelled(model)
    qat = keras_nest.quantization_aware(model, x)
    rounded = to_numpy(qat(x, training=False)["level_0"])
    np.testing.assert_array_equal(rounded * 256, np.rint(rounded * 256))
    smooth = to_numpy(qat(x, training=True)["level_0"])
    assert np.min(smooth) > 0
    # Half a step of 1/256.
    np.testing.assert_allclose(smooth, rounded, atol=0.5001 / 256)


@pytest.mark.parametrize("levels_per_step", [None, 2])
def test_a_saved_model_loads_trains_and_converts(
    tmp_path: Path, levels_per_step: int | None
) -> None:
    model = nested("dense", levels_per_step=levels_per_step)
    x, y = labelled(model)
    qat = fine_tuned(model, x, y)
    path, data = tmp_path / "qat.keras", tmp_path / "x.npy"
    qat.save(path)
    np.save(data, x)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(outputs_of(loaded, x), outputs_of(qat, x))
    tflite = convert(qat)
    assert bytes(convert(loaded)) == bytes(tflite)
    assert loaded.masks_frozen
    loaded.fit(x, y, verbose=0)
    out = tmp_path / "out.tflite"
    command = ["convert", str(path), "--data", str(data), "-o", str(out)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == bytes(tflite)


def test_a_model_that_is_not_ready_is_refused() -> None:
    base = residual()
    x = np.zeros((8, 12, 12, 3), np.float32)
    with pytest.raises(NestError, match="Expected a NestedModel") as error:
        keras_nest.quantization_aware(base, x)
    assert "keras_nest.nest(" in error.value.hint
    model = keras_nest.nest(base, (0.9, 0.0))
    with pytest.raises(NestError, match="training has not ended"):
        keras_nest.quantization_aware(model, x)
    qat = keras_nest.quantization_aware(trained(model), x)
    with pytest.raises(NestError, match="quantization-aware already"):
        keras_nest.quantization_aware(qat, x)
    with pytest.raises(NestError, match="Expected representative data of shape"):
        keras_nest.quantization_aware(model, x[:, :4])


def test_masks_and_statistics_stay_whatever_is_called() -> None:
    model = nested("dense")
    x, _ = labelled(model)
    qat = keras_nest.quantization_aware(model, x)
    before = qat.get_weights()
    qat.update_masks()
    qat.recalibrate(x)
    for old, new in zip(before, qat.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


OTHER_BACKEND = """
import json, sys
import keras, numpy as np
from tests.training import test_quantization_aware as tests

assert keras.backend.backend() == sys.argv[1]
model = tests.nested("separable")
x, y = tests.labelled(model, 16)
apart = [tests.steps_apart(tests.keras_nest.quantization_aware(model, x), x)]
model = tests.nested("dense")
x, y = tests.labelled(model)
qat = tests.fine_tuned(model, x, y, epochs=10)
apart.append(tests.steps_apart(qat, x))
right = np.mean(tests.outputs_of(qat, x)[-1].argmax(-1) == y)
stretch = np.abs(tests.to_numpy(qat.stretch))
print(json.dumps([max(float(one.max()) for one in apart),
                  min(float((one == 0).mean()) for one in apart),
                  float(right), float(stretch.min())]))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_compute_what_tflm_computes(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        name = "PyTorch" if backend == "torch" else backend
        pytest.skip(f"{name} is not installed")
    result = subprocess.run(
        [sys.executable, "-c", OTHER_BACKEND, backend],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend},
    )
    assert result.returncode == 0, result.stderr
    most, equal, accuracy, stretch = json.loads(result.stdout.splitlines()[-1])
    assert most <= 1 and equal > 0.999
    # Guessing gives a quarter.
    assert accuracy > 0.8
    assert stretch > 0
