"""Each public function works when it is the first thing called, and called again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PREPARE = """
import keras, keras_nest, numpy as np
keras.utils.set_random_seed(1)
x = np.random.default_rng(1).normal(size=(8, 6, 6, 4)).astype("float32")
base = keras.Sequential([
    keras.Input((6, 6, 4)),
    keras.layers.Conv2D(8, 3, activation="relu"),
    keras.layers.Conv2D(8, 3),
    keras.layers.Flatten(),
    keras.layers.Dense(3, activation="softmax"),
])
model = keras_nest.nest(base, sparsities=(0.8, 0.0))
model.save("model.keras")
keras_nest.convert(model, x).save("model.tflite")
np.save("x.npy", x)
"""

CALLS = {
    "nest": """
import keras, keras_nest
base = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
call = lambda: [
    w.tobytes() for w in keras_nest.nest(base, sparsities=(0.5, 0.0)).get_weights()
]
""",
    "load, keras_nest imported first": """
import keras_nest
import keras
load = keras.saving.load_model
call = lambda: [w.tobytes() for w in load("model.keras").get_weights()]
""",
    "load, keras imported first": """
import keras
import keras_nest
load = keras.saving.load_model
call = lambda: [w.tobytes() for w in load("model.keras").get_weights()]
""",
    "a schedule, which imports Keras": """
import keras_nest
call = lambda: repr(keras_nest.CubicRamp().get_config()).encode()
""",
    "load, a module imported first": """
from keras_nest.nesting import exempt
import keras
load = keras.saving.load_model
call = lambda: [w.tobytes() for w in load("model.keras").get_weights()]
""",
    "convert": """
import keras, keras_nest
model = keras.saving.load_model("model.keras")
call = lambda: bytes(keras_nest.convert(model, "x.npy"))
""",
    "extract": """
import keras_nest
data = open("model.tflite", "rb").read()
call = lambda: keras_nest.extract(data, 0)
""",
    "describe": """
import keras_nest
data = open("model.tflite", "rb").read()
call = lambda: keras_nest.describe(data).as_dict()
""",
    "Interpreter": """
import keras_nest, numpy as np
x = np.load("x.npy")
call = lambda: keras_nest.Interpreter("model.tflite").predict(x, level=0).tobytes()
""",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("fresh")
    run(PREPARE, made)
    return made


def run(code: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", CALLS)
def test_twice_in_a_fresh_process(folder: Path, name: str) -> None:
    run(CALLS[name] + "\nassert call() == call()\n", folder)
