"""Saving, loading and continuing, in this process and in another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_nest.model import NestedModel, nest
from keras_nest.training.schedules import CubicRamp

ROOT = Path(__file__).parents[2]
LOSS = "sparse_categorical_crossentropy"


def network() -> Any:
    x = inputs = keras.Input((4, 4, 2))
    x = layers.Conv2D(4, 3, name="stem")(x)
    x = layers.BatchNormalization()(layers.Conv2D(6, 2)(x))
    x = layers.Flatten()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax")(x))


def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(32, 4, 4, 2)).astype("float32")
    return x, generator.integers(0, 3, 32)


def test_a_saved_model_loads_compiled_and_trains_on(tmp_path: Path) -> None:
    model = nest(
        network(),
        (0.8, 0.5, 0.0),
        routing="owner",
        level_weights="sqrt-density",
        distillation=0.5,
        schedule=CubicRamp(0.2, 0.4, updates=30, epochs=7),
        name="saved",
    )
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    x, y = data()
    model.fit(x, y, epochs=4, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, NestedModel)
    assert loaded.name == "saved"
    config, again = model.get_config(), loaded.get_config()
    assert {k: v for k, v in again.items() if k != "graph"} == {
        k: v for k, v in config.items() if k != "graph"
    }
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.masks_frozen
    for name, output in model(x).items():
        np.testing.assert_array_equal(loaded(x)[name], output)
    assert loaded.evaluate(x, y, verbose=0, return_dict=True) == model.evaluate(
        x, y, verbose=0, return_dict=True
    )
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations)
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)


def test_an_uncompiled_model_saves(tmp_path: Path) -> None:
    model = nest(network())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.sparsities == (0.9, 0.7, 0.0)
    assert loaded.level(0).count_params() == model.level(0).count_params()


def test_weights_alone_save(tmp_path: Path) -> None:
    model, other = nest(network()), nest(network())
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Trains for some epochs, in one process or in two, and prints the losses.
TRAINING = """
import json, sys
import keras, numpy as np
from keras_nest import model as models
from keras_nest.training import schedules
from keras_nest.training.batches import SeededBatches
sys.path.insert(0, {tests!r})
import test_saving

first, last, load, save = json.loads(sys.argv[1])
keras.utils.set_random_seed(4)
x, y = test_saving.data()
if load:
    model = keras.saving.load_model(load)
else:
    schedule = schedules.CubicRamp(0.2, 0.8, epochs=4)
    model = models.nest(test_saving.network(), (0.8, 0.5, 0.0), schedule=schedule)
    model.compile(keras.optimizers.Adam(0.01), test_saving.LOSS)
batches = SeededBatches(x, y, batch_size=8, seed=1, epoch=first)
history = model.fit(
    batches, initial_epoch=first, epochs=last, verbose=0, validation_data=(x, y)
)
if save:
    model.save(save)
print(json.dumps(history.history))
"""


def train(first: int, last: int, load: str = "", save: str = "") -> dict[str, Any]:
    code = TRAINING.format(tests=str(Path(__file__).parent))
    result = subprocess.run(
        [sys.executable, "-c", code, json.dumps([first, last, load, save])],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"},
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_continued_training_gives_the_losses_of_one_not_stopped(tmp_path: Path) -> None:
    whole = train(0, 4)
    half = str(tmp_path / "half.keras")
    first, second = train(0, 2, save=half), train(2, 4, load=half)
    for name, losses in whole.items():
        # The same operations in the same order: equal but for what the threads of one
        # convolution add up in another order.
        np.testing.assert_allclose(first[name] + second[name], losses, rtol=1e-5)
