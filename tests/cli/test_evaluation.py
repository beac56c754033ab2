"""Scores of labels of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from keras_nest import NestError
from keras_nest.evaluation import score

X = np.zeros((4, 2), np.float32)
YES = np.array([[0.9], [0.2], [0.7], [0.6]], np.float32)
TWO = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], np.float32)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint8])
@pytest.mark.parametrize("outputs", [YES, TWO])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_booleans_and_integers_are_classes(
    dtype: type, outputs: np.ndarray, shape: tuple[int, ...]
) -> None:
    labels = np.array([1, 0, 1, 0], dtype).reshape(shape)
    assert score(outputs, X, labels) == ("accuracy", 0.75)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
def test_one_hot_rows_are_classes(dtype: type) -> None:
    labels = np.array([[0, 1], [1, 0], [0, 1], [1, 0]], dtype)
    assert score(TWO, X, labels) == ("accuracy", 0.75)


@pytest.mark.parametrize("row", [[1, 1], [0, 0], [2, -1]])
def test_integer_rows_that_are_not_one_hot_are_refused(row: list[int]) -> None:
    with pytest.raises(NestError, match=r"one-hot rows of shape \(4, 2\).*\(4, 2\)"):
        score(TWO, X, np.array([row] * 4))


def test_float_rows_are_targets() -> None:
    metric, value = score(TWO, X, TWO + np.float32(0.5))
    assert (metric, value) == ("mse", pytest.approx(0.25))
