"""The weights of the levels' losses, and distillation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_nest.errors import NestError
from keras_nest.training.losses import divergence, level_weights, output_kind

LOSSES = keras.losses


def distance(teacher: Any, student: Any, kind: str) -> float:
    return float(divergence(teacher, student, kind))


def test_level_weights() -> None:
    sparsities = (0.91, 0.75, 0.0)
    assert level_weights("uniform", sparsities) == pytest.approx([1 / 3] * 3)
    assert level_weights("sparsest-twice", sparsities) == [0.5, 0.25, 0.25]
    assert level_weights("sparsest-twice", (0.9,)) == [1.0]
    # square roots of the densities: 0.3, 0.5, 1
    expected = [0.3 / 1.8, 0.5 / 1.8, 1 / 1.8]
    assert level_weights("sqrt-density", sparsities) == pytest.approx(expected)
    assert level_weights([1, 1, 2], sparsities) == [0.25, 0.25, 0.5]
    with pytest.raises(NestError, match="not all zero"):
        level_weights([0, 0, 0], sparsities)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("sparse_categorical_crossentropy", "probabilities"),
        ("categorical_crossentropy", "probabilities"),
        (LOSSES.sparse_categorical_crossentropy, "probabilities"),
        (LOSSES.CategoricalCrossentropy(label_smoothing=0.1), "probabilities"),
        (LOSSES.SparseCategoricalCrossentropy(from_logits=True), "logits"),
        (LOSSES.BinaryCrossentropy(), "binary probabilities"),
        (LOSSES.BinaryFocalCrossentropy(from_logits=True), "binary logits"),
        ("mse", "values"),
        (LOSSES.Huber(), "values"),
        (lambda y, p: ops.mean(p), "values"),
    ],
)
def test_output_kind(loss: Any, kind: str) -> None:
    assert output_kind(loss) == kind


def test_divergence() -> None:
    teacher = np.array([[0.5, 0.5], [0.9, 0.1]], "float32")
    student = np.array([[0.25, 0.75], [0.9, 0.1]], "float32")
    # 0.5 ln(0.5 / 0.25) + 0.5 ln(0.5 / 0.75) for the first sample, 0 for the second
    nats = (0.5 * np.log(2) + 0.5 * np.log(2 / 3)) / 2
    assert distance(teacher, student, "probabilities") == pytest.approx(nats)
    logits = [np.log(teacher) + 3, np.log(student) - 1]
    assert distance(*logits, "logits") == pytest.approx(nats)
    first = [teacher[:, :1], student[:, :1]]
    assert distance(*first, "binary probabilities") == pytest.approx(nats)
    as_logits = [np.log(p / (1 - p)) for p in first]
    assert distance(*as_logits, "binary logits") == pytest.approx(nats, rel=1e-5)
    assert distance(teacher, student, "values") == pytest.approx(0.25**2 / 2)


@pytest.mark.parametrize(
    "kind",
    ["probabilities", "logits", "binary probabilities", "binary logits", "values"],
)
def test_divergence_of_weighted_samples(kind: str) -> None:
    generator = np.random.default_rng(0)
    teacher, student = generator.uniform(0.1, 0.9, (2, 3, 4)).astype("float32")
    each = [distance(teacher[i : i + 1], student[i : i + 1], kind) for i in range(3)]
    # By hand: divided by the number of samples, as Keras does.
    expected = (2 * each[0] + 0 * each[1] + 0.5 * each[2]) / 3
    weights = np.array([2, 0, 0.5])
    for form in (weights, weights[:, None]):
        value = float(divergence(teacher, student, kind, form))
        assert value == pytest.approx(expected, rel=1e-5)
    column = float(divergence(teacher[:, :1], student[:, :1], "values", weights))
    flat = float(divergence(teacher[:, 0], student[:, 0], "values", weights))
    assert flat == pytest.approx(column, rel=1e-6)


def test_divergence_of_half_precision_is_float32() -> None:
    teacher = ops.convert_to_tensor([[0.5, 0.5]], "float16")
    student = ops.convert_to_tensor([[1.0, 0.0]], "float16")
    value = divergence(teacher, student, "probabilities")
    assert value.dtype == "float32"
    # 1e-7, the floor of the student, is 0 in half precision.
    assert float(value) == pytest.approx(0.5 * np.log(0.5) + 0.5 * np.log(0.5e7))


@pytest.mark.parametrize("kind", ["probabilities", "binary probabilities"])
def test_divergence_is_finite_for_certain_answers(kind: str) -> None:
    teacher = np.array([[0.0, 1.0]], "float32")
    assert np.isfinite(distance(teacher, 1 - teacher, kind))
    # Probabilities are clipped at 1e-7.
    assert distance(teacher, teacher, kind) == pytest.approx(0, abs=1e-5)


def test_no_gradient_flows_into_the_teacher() -> None:
    import tensorflow as tf

    teacher, student = tf.Variable([[0.2, 0.8]]), tf.Variable([[0.6, 0.4]])
    with tf.GradientTape() as tape:
        value = divergence(teacher, student, "probabilities")
    to_teacher, to_student = tape.gradient(value, [teacher, student])
    assert to_teacher is None
    assert np.any(to_student != 0)
