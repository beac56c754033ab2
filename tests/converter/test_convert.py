"""`convert` itself: options, report, saving, repeatability, independence."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest import NestError, convert
from keras_nest.model import nest
from tests.converter.nets import inputs_for, nested_random_net, random_net

L = keras.layers


def small_base() -> Any:
    inputs = keras.Input((8, 8, 2), name="x")
    x = L.Conv2D(8, 3, name="first")(inputs)
    x = L.ReLU()(L.BatchNormalization(name="early_norm")(x))
    x = L.Conv2D(8, 3, name="second")(x)
    x = L.ReLU()(L.BatchNormalization(name="late_norm")(x))
    x = L.BatchNormalization(name="lone_norm")(x)
    return keras.Model(inputs, L.Dense(4, name="last")(L.Flatten()(x)), name="small")


def test_report_says_what_was_replaced_and_what_was_left() -> None:
    base = small_base()
    model = nest(base, (0.9, 0.5, 0.0), pattern="1x2")
    for layer in model.graph.layers:
        if layer.name == "lone_norm":
            layer.moving_mean.assign(np.random.default_rng(0).normal(size=(3, 8)))
    report = convert(model, inputs_for(base, 10)).report
    assert [entry.layer for entry in report.replaced] == ["second", "lone_norm", "last"]
    assert [entry.layer for entry in report.left] == ["first"]
    by_name = {entry.layer: entry for entry in report.entries}
    assert by_name["first"].reason.startswith("its weights are dense and its tables")
    assert by_name["second"].pattern == "1x2"
    assert by_name["second"].reason == "nested weights"
    assert by_name["lone_norm"].pattern == "dense"
    assert by_name["lone_norm"].encoding == "dense"
    assert "a table per level" in by_name["lone_norm"].reason
    assert report.levels == 3
    assert report.samples == 10
    facts = report.as_dict()
    assert facts["sparsities"] == (0.9, 0.5, 0.0)
    assert facts["entries"][0]["layer"] == "first"


def test_plain_model_gives_a_plain_file() -> None:
    base = small_base()
    tflite = convert(base, inputs_for(base, 10))
    assert not tflite.report.replaced
    assert "plain Keras model" in tflite.report.notes[0]
    assert keras_nest.describe(tflite).levels == 0


def test_levels_that_do_not_differ_give_a_plain_file() -> None:
    base = small_base()
    model = nest(base, (0.5, 0.0), exempt=lambda layer: True)
    tflite = convert(model, inputs_for(base, 10))
    assert not tflite.report.replaced
    assert "do not differ" in tflite.report.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"io": "int16"}, "`io` to be one of"),
        ({"encoding": "zip"}, "`encoding` to be one of"),
        ({"optimize": "power"}, "`optimize` to be one of"),
        ({"target": "cortex-a53"}, "`target` to be one of"),
        ({"target": None}, "`target` to be one of"),
        ({"max_scratch": 0}, "`max_scratch` to be a number"),
        ({"samples": 0}, "`samples` to be a positive"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    base = small_base()
    with pytest.raises(NestError, match=message):
        convert(base, inputs_for(base, 4), **options)


def test_encoding_that_a_layer_cannot_take_is_refused_by_name() -> None:
    base = small_base()
    model = nest(base, (0.5, 0.0), exempt=["first", "last"])
    with pytest.raises(NestError, match=r"Layer 'second': .*encoding 'dense'"):
        convert(model, inputs_for(base, 4), encoding="dense")


def test_the_same_model_gives_the_same_bytes() -> None:
    model = nested_random_net(5, "1x2")
    x = inputs_for(random_net(5), 30)
    assert convert(model, x) == convert(model, x)


def test_result_is_bytes_that_pickle() -> None:
    base = small_base()
    tflite = convert(base, inputs_for(base, 4))
    assert isinstance(tflite, bytes)
    copy = pickle.loads(pickle.dumps(tflite))
    assert copy == tflite
    assert copy.report == tflite.report


def test_save_is_whole_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = small_base()
    tflite = convert(base, inputs_for(base, 4))
    path = tflite.save(tmp_path / "model.tflite")
    assert path.read_bytes() == tflite

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tflite.save(tmp_path / "other.tflite")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.tflite"]


def test_unwritable_output_is_named(tmp_path: Path) -> None:
    base = small_base()
    tflite = convert(base, inputs_for(base, 4))
    with pytest.raises(NestError, match="Cannot write"):
        tflite.save(tmp_path / "no folder" / "model.tflite")
    with pytest.raises(NestError, match="Received a folder"):
        tflite.save(tmp_path)


def run_python(code: str, **environment: str) -> str:
    """Runs a program in a fresh process; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_converts_on_jax_without_tensorflow() -> None:
    code = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
import keras, numpy as np
import keras_nest
inputs = keras.Input((8, 8, 2), name="x")
x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
x = keras.layers.DepthwiseConv2D(3, padding="same")(keras.layers.MaxPooling2D()(x))
x = keras.layers.AveragePooling2D(2, padding="same")(x)
x = keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(x))
model = keras_nest.nest(keras.Model(inputs, x), (0.5, 0.0), pattern="element")
data = np.random.default_rng(0).normal(size=(10, 8, 8, 2))
first, second = (keras_nest.convert(model, data) for _ in range(2))
assert first == second
assert keras.backend.backend() == "jax"
interpreter = keras_nest.Interpreter(first)
for level in (0, 1):
    plain = keras_nest.Interpreter(keras_nest.extract(first, level))
    got = interpreter.predict(data, level=level, dequantize=True)
    assert np.array_equal(got, plain.predict(data, dequantize=True))
    expected = np.asarray(model(data)[f"level_{level}"])
    assert np.max(np.abs(got - expected)) < 0.03
print("done")
"""
    assert run_python(code, KERAS_BACKEND="jax").strip() == "done"


def test_extract_and_describe_need_neither_keras_nor_tensorflow(tmp_path: Path) -> None:
    base = small_base()
    model = nest(base, (0.5, 0.0))
    path = convert(model, inputs_for(base, 4)).save(tmp_path / "model.tflite")
    code = f"""
import sys
import keras_nest
data = open({str(path)!r}, "rb").read()
for _ in range(2):
    assert keras_nest.describe(data).levels == 2
    assert keras_nest.describe(keras_nest.extract(data, 0)).levels == 0
print([name for name in ("keras", "tensorflow", "jax", "torch") if name in sys.modules])
"""
    assert run_python(code).strip() == "[]"
