"""How the losses of the levels make one loss."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest.errors import NestError

Tensor = Any

LEVEL_WEIGHTS = ("sparsest-twice", "uniform", "sqrt-density")
ONLY = "only"
"""Distillation by which only the densest level sees the labels."""

_CATEGORICAL = (
    keras.losses.CategoricalCrossentropy,
    keras.losses.SparseCategoricalCrossentropy,
    keras.losses.CategoricalFocalCrossentropy,
)
_BINARY = (keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy)


def level_weights(
    weights: str | Sequence[float], sparsities: Sequence[float]
) -> list[float]:
    """The weight of each level's loss; they add up to 1.

    Args:
        weights: "sparsest-twice": the sparsest level, whose few weights the other
            levels share, counts for two; "uniform"; "sqrt-density": in proportion to
            the square root of the level's density; or one number for each level.
        sparsities: The sparsity of each level.

    Raises:
        NestError: If the weights are unknown, of another number than the levels,
            negative, or all zero.
    """
    if isinstance(weights, str):
        if weights not in LEVEL_WEIGHTS:
            raise NestError(
                f"Expected `level_weights` to be one of {LEVEL_WEIGHTS} or a list of "
                f"numbers. Received: level_weights={weights!r}"
            )
        values = [1.0 for _ in sparsities]
        if weights == "sparsest-twice":
            values[0] = 2.0
        elif weights == "sqrt-density":
            values = [(1.0 - sparsity) ** 0.5 for sparsity in sparsities]
    else:
        values = [float(weight) for weight in weights]
        if len(values) != len(sparsities) or min(values) < 0 or sum(values) == 0:
            raise NestError(
                f"Expected {len(sparsities)} level weights, none negative and not all "
                f"zero. Received: level_weights={values}"
            )
    total = sum(values)
    if math.isclose(total, 1.0, rel_tol=1e-12):
        return values  # those of a saved model come back as they were
    return [value / total for value in values]


def distillation_weight(value: Any) -> float:
    """The weight of the distillation as a number of at least 0; that of `ONLY` is 1.

    Raises:
        NestError: If it is no number, negative, or not finite.
    """
    if value == ONLY:
        return 1.0
    if not isinstance(value, numbers.Real) or not 0 <= float(value) < math.inf:
        raise NestError(
            "Expected `distillation` to be a finite weight of at least 0, or "
            f"{ONLY!r}. Received: distillation={value!r}"
        )
    return float(value)


def output_kind(loss: Any) -> str:
    """What a model that is trained with this loss puts out.

    Returns:
        "probabilities", "logits", "binary probabilities", "binary logits", or "values"
        for any loss that is not a cross-entropy of Keras.
    """
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    name = getattr(loss, "__name__", "")
    categorical = isinstance(loss, _CATEGORICAL) or name in (
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "categorical_focal_crossentropy",
    )
    binary = isinstance(loss, _BINARY) or name in (
        "binary_crossentropy",
        "binary_focal_crossentropy",
    )
    if not categorical and not binary:
        return "values"
    from_logits = isinstance(loss, keras.losses.Loss) and loss.get_config().get(
        "from_logits", False
    )
    kind = "logits" if from_logits else "probabilities"
    return f"binary {kind}" if binary else kind


def divergence(
    teacher: Tensor, student: Tensor, kind: str, sample_weight: Tensor | None = None
) -> Tensor:
    """How far a level's outputs are from those of the level that teaches it.

    In-place distillation (Yu and Huang, "Universally Slimmable Networks", ICCV 2019):
    the teacher is the densest level of the same step; no gradient flows into it.

    Args:
        teacher: Outputs of the densest level, [batch, ...].
        student: Outputs of a sparser level, of the same shape.
        kind: See `output_kind`.
        sample_weight: Factor of each sample's divergence, [batch] or [batch, 1], or of
            each position in it, [batch, ...]. As in Keras' losses, the sum is divided
            by the number of samples, not by the sum of their weights.

    Returns:
        Mean Kullback-Leibler divergence in nats for classes (over the last axis, or for
        each value where they are binary); mean squared difference for "values". Of the
        type of Keras' losses, `keras.config.floatx()`, whatever that of the outputs.
    """
    floatx = keras.config.floatx()
    teacher = ops.cast(ops.stop_gradient(teacher), floatx)
    student = ops.cast(student, floatx)
    terms = _divergences(teacher, student, kind)
    if sample_weight is None:
        return ops.mean(terms)
    weights = ops.cast(sample_weight, floatx)
    if len(weights.shape) > len(terms.shape) and weights.shape[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    while len(weights.shape) < len(terms.shape):
        weights = ops.expand_dims(weights, -1)
    return ops.mean(terms * weights)


def _divergences(teacher: Tensor, student: Tensor, kind: str) -> Tensor:
    """The divergence of each sample and position: the shape without the last axis."""
    if len(teacher.shape) == 1:
        teacher, student = teacher[:, None], student[:, None]
    if kind == "values":
        return ops.mean(ops.square(teacher - student), axis=-1)
    if kind.startswith("binary"):
        if kind == "binary logits":
            teacher, student = ops.sigmoid(teacher), ops.sigmoid(student)
        teacher = ops.stack([teacher, 1.0 - teacher], axis=-1)
        student = ops.stack([student, 1.0 - student], axis=-1)
    elif kind == "logits":
        p = ops.softmax(teacher)
        difference = ops.log_softmax(teacher) - ops.log_softmax(student)
        return ops.sum(p * difference, axis=-1)
    floor = keras.config.epsilon()
    teacher = ops.clip(teacher, floor, 1.0)
    student = ops.clip(student, floor, 1.0)
    terms = teacher * (ops.log(teacher) - ops.log(student))
    values = ops.sum(terms, axis=-1)
    return ops.mean(values, axis=-1) if kind.startswith("binary") else values


def line_penalty(pairs: Sequence[tuple[Any, Any]]) -> Tensor:
    """How alike the two ends of a line of weights are: their squared cosine.

    Equation 3 of Nunez et al., "LCS: Learning Compressible Subspaces" (WACV 2023); the
    products are summed over all layers first.

    Args:
        pairs: The two kernels of each layer.

    Returns:
        A scalar from 0 to 1.
    """
    floatx = keras.config.floatx()
    ends = [tuple(ops.cast(end, floatx) for end in pair) for pair in pairs]
    product = sum(ops.sum(a * b) for a, b in ends)
    first = sum(ops.sum(ops.square(a)) for a, _ in ends)
    second = sum(ops.sum(ops.square(b)) for _, b in ends)
    return ops.square(product) / (first * second + keras.config.epsilon())
