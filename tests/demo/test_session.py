"""What fits a model and what does not, and outputs that are no classes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest import evaluation
from keras_nest.demo import Session
from keras_nest.errors import NestError
from tests.demo.conftest import SAMPLES, Example, nested


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.zeros((4, 9, 8, 3), "float32")}, "Expected samples of shape"),
        ({"x": np.full((4, 8, 8, 3), np.nan, "float32")}, "Expected finite"),
        ({"y": np.full(SAMPLES, 5)}, "Expected labels from 0 to 4"),
        ({"y": np.zeros((SAMPLES, 2), "float32")}, "Expected targets of shape"),
        ({"classes": ["one", "two"]}, "a name for each of 5 classes"),
        ({"target": "cortex-m99"}, "cortex-m99"),
    ],
)
def test_what_does_not_fit_is_refused(
    example: Example, changes: dict[str, Any], message: str
) -> None:
    given = {"x": example.x, "y": example.y} | changes
    if "x" in changes:
        given["y"] = None
    with pytest.raises(NestError, match=message):
        Session(example.tflite, **given)


def test_a_plain_model_has_no_levels_to_show(example: Example) -> None:
    with pytest.raises(NestError, match="Expected a nested"):
        Session(keras_nest.extract(example.tflite, 0), example.x)


def test_names_and_no_labels(example: Example) -> None:
    names = ["zero", "one", "two", "three", "four"]
    session = Session(example.tflite, example.x, classes=names)
    answer = session.predict(3, 1)
    assert answer["text"] == names[int(np.argmax(answer["scores"]))]
    assert answer["correct"] is None and session.sample(3)["label"] is None


def test_one_hot_labels_are_classes(example: Example) -> None:
    rows = np.eye(5, dtype="float32")[example.y]
    hot, plain = (Session(example.tflite, example.x, y) for y in (rows, example.y))
    for index in range(5):
        assert hot.predict(index, 0) == plain.predict(index, 0)
        assert hot.sample(index) == plain.sample(index)


def dense_model(outputs: int, activation: str | None) -> tuple[Any, np.ndarray]:
    keras.utils.set_random_seed(2)
    x = np.random.default_rng(1).uniform(-1, 1, (16, 12)).astype("float32")
    inputs = keras.Input((12,))
    h = keras.layers.Dense(16, "relu", name="hidden")(inputs)
    plain = keras.Model(inputs, keras.layers.Dense(outputs, activation, name="out")(h))
    return nested(plain, (0.8, 0.0), x), x


def test_an_autoencoder_shows_what_it_makes_of_the_input() -> None:
    tflite, x = dense_model(12, None)
    session = Session(tflite, x)
    assert session.kind == "reconstruction"
    output = evaluation.run_levels(tflite, x[:1], dequantize=True).runs[1].outputs
    answer = session.predict(0, 1)
    assert answer["error"] == evaluation.score(output, x[:1], None)[1]
    np.testing.assert_allclose(answer["output"]["curves"][0], output[0], rtol=1e-4)


def test_values_have_an_error_and_no_class() -> None:
    tflite, x = dense_model(2, None)
    y = x[:, :2] / 3
    session = Session(tflite, x, y)
    assert session.kind == "values"
    answer = session.predict(2, 0)
    output = evaluation.run_levels(tflite, x, dequantize=True).runs[0].outputs
    assert answer["error"] == evaluation.score(output[2:3], x[2:3], y[2:3])[1]
    assert answer["correct"] is None


def test_a_single_score_is_that_of_class_1() -> None:
    tflite, x = dense_model(1, "relu")
    session = Session(tflite, x, np.zeros(16, int))
    answer = session.predict(0, 0)
    output = evaluation.run_levels(tflite, x, dequantize=True).runs[0].outputs[0, 0]
    np.testing.assert_allclose(answer["scores"], [1 - output, output], rtol=1e-6)
    assert answer["text"] == f"class {int(output > 0.5)}"
    assert answer["correct"] is bool(output <= 0.5)
