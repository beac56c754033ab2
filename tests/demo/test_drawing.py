"""What is drawn of arrays of each shape."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from keras_nest.demo.drawing import MAX_CURVES, MAX_TILES, drawing, span


def pixels(x: np.ndarray) -> np.ndarray:
    drawn = drawing(x, 0.0, 1.0)
    assert drawn["kind"] == "picture"
    rgb = np.frombuffer(base64.b64decode(drawn["rgb"]), np.uint8)
    return rgb.reshape(drawn["height"], drawn["width"], 3)


def test_colours_are_kept() -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 5, 3))
    np.testing.assert_array_equal(pixels(x / 255), x)


def test_grey_and_out_of_range() -> None:
    x = np.array([[0.0, 1.0], [2.0, -1.0]])[..., None]
    expected = np.array([[0, 255], [255, 0]])
    np.testing.assert_array_equal(pixels(x)[..., 0], expected)
    np.testing.assert_array_equal(pixels(x)[..., 2], expected)


def test_other_channels_stand_side_by_side() -> None:
    x = np.zeros((4, 5, 2))
    x[..., 1] = 1.0
    drawn = pixels(x)[..., 0]
    assert drawn.shape == (4, 5 + 1 + 5)
    assert drawn[:, :6].max() == 0 and drawn[:, 6:].min() == 255
    assert pixels(np.zeros((2, 3, 99))).shape[1] == MAX_TILES * 4 - 1


def test_many_channels_over_time_are_a_spectrogram() -> None:
    x = np.zeros((30, MAX_CURVES + 1))
    x[7, 0] = 1.0  # the lowest channel, at step 7
    drawn = pixels(x)[..., 0]
    assert drawn.shape == (MAX_CURVES + 1, 30)
    assert np.argwhere(drawn).tolist() == [[MAX_CURVES, 7]]


@pytest.mark.parametrize(
    ("shape", "curves", "steps"),
    [
        ((7,), 1, 7),
        ((7, 3), 3, 7),
        ((7, 1, 3), 3, 7),
        ((1, 7, 3), 3, 7),
        ((1, 7), 1, 7),
        ((1, 1, 7), 1, 7),
        ((2, 2, 2, 2), 1, 16),
    ],
)
def test_curves(shape: tuple[int, ...], curves: int, steps: int) -> None:
    x = np.arange(float(np.prod(shape))).reshape(shape)
    drawn = drawing(x, 0.0, 1.0)
    assert drawn["kind"] == "curves"
    assert [len(one) for one in drawn["curves"]] == [steps] * curves
    assert drawn["curves"][0][:2] == [0.0, float(curves)]


def test_what_json_has_no_number_for() -> None:
    assert drawing(np.array([1.0, np.nan]), 0.0, 1.0)["curves"] == [[1.0, None]]
    assert span(np.array([np.inf, 2.0, 5.0])) == (2.0, 5.0)
    assert span(np.zeros(3)) == (0.0, 1.0) and span(np.full(2, np.nan)) == (0.0, 1.0)
    assert span(np.array([3, 9], np.uint8)) == (3.0, 9.0)
