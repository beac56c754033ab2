"""A small nested model as files, and the command run in this process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import cli

LEVELS = 3


@dataclasses.dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs `keras-nest ARGUMENTS...` and returns its exit code and output."""

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.keras, model.tflite, test.npz (x, y) and x.npy."""
    import keras

    import keras_nest

    folder: Path = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 8, 8, 4)).astype("float32")
    y = rng.integers(0, 5, 20)
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 4))
    h = keras.layers.Conv2D(8, 3, activation="relu", name="first")(inputs)
    h = keras.layers.Conv2D(16, 3, use_bias=False, name="second")(h)
    h = keras.layers.BatchNormalization()(h)
    h = keras.layers.ReLU()(h)
    h = keras.layers.Flatten()(h)
    outputs = keras.layers.Dense(5, activation="softmax", name="classes")(h)
    model = keras_nest.nest(keras.Model(inputs, outputs), sparsities=(0.9, 0.7, 0.0))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(folder / "model.keras")
    keras_nest.convert(model, x).save(folder / "model.tflite")
    np.savez(folder / "test.npz", x=x, y=y)
    np.save(folder / "x.npy", x)
    return folder
