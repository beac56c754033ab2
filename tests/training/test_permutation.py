"""Taylor importance, and sorting channels by it without changing the function."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest.errors import NestError
from keras_nest.nesting.permutation import permute_channels
from keras_nest.planner import plan
from keras_nest.planner.importance import taylor_importance

ROOT = Path(__file__).parents[2]
LOSS = "sparse_categorical_crossentropy"


def random_weights(model: Any) -> Any:
    generator = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(np.abs(generator.normal(size=weight.shape)) * 0.3 + 0.05)
    return model


def plain() -> Any:
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(6, 3, name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(max_value=6)(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = layers.Conv2D(5, 1, activation="relu", name="pointwise")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    x = layers.Dense(7, name="hidden")(x)
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def residual() -> Any:
    x = inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(6, 3, padding="same", name="a")(x)
    y = layers.Conv2D(6, 3, padding="same", name="b")(x)
    y = layers.BatchNormalization(name="norm")(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    z = layers.Conv2D(5, 1, name="c")(x)
    x = layers.Concatenate()([layers.Conv2D(4, 1, name="kept")(x), z])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, name="last")(x))


def shared() -> Any:
    twice = keras.Sequential(
        [keras.Input((6, 6, 4)), layers.Conv2D(4, 3, padding="same", name="conv")]
    )
    x = inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(4, 1, name="conv")(x)
    x = twice(twice(x))
    x = layers.Conv2D(4, 1, name="mix")(x)
    x = layers.Conv2D(4, 3, groups=2, name="grouped")(x)
    x = layers.Conv2D(6, 1, activation="softmax", name="soft")(x)
    x = layers.Reshape((16, 6))(x)
    x = layers.Conv1D(5, 3, padding="causal", name="line")(x)
    x = layers.GlobalMaxPooling1D()(x)
    return keras.Model(inputs, layers.Dense(2, name="last")(x))


def with_a_norm() -> Any:
    inputs = keras.Input((3, 8))
    x = layers.Dense(6, name="dense")(layers.Dense(5, name="before")(inputs))
    x = layers.LayerNormalization()(x)
    return keras.Model(inputs, layers.Dense(4, name="last")(x))


SORTED = {
    plain: {"first", "pointwise", "hidden"},
    residual: {"a", "b"},
    shared: {"conv", "conv_1", "line"},
    with_a_norm: {"before"},
}


def scores_of(model: Any) -> dict[str, Any]:
    generator = np.random.default_rng(2)
    flat, _ = permute_channels(model, {})
    found = [layer for layer in flat.layers if hasattr(layer, "kernel")]
    return {layer.name: generator.random(layer.kernel.shape) for layer in found}


@pytest.mark.parametrize("net", SORTED)
def test_sorting_channels_keeps_the_function(net: Any) -> None:
    base = random_weights(net())
    before = base.get_weights()
    flat, orders = permute_channels(base, scores_of(base))
    assert set(orders) == SORTED[net]
    assert any(np.any(np.diff(order) < 0) for order in orders.values())
    x = np.random.default_rng(0).normal(size=(4, *base.input_shape[1:]))
    np.testing.assert_allclose(flat(x), base(x), rtol=2e-4, atol=1e-5)
    for ours, theirs in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_channels_come_by_importance() -> None:
    base = random_weights(plain())
    scores = scores_of(base)
    flat, orders = permute_channels(base, scores)
    of_first = scores["first"].sum(axis=(0, 1, 2))
    of_first = of_first + scores["depthwise"].sum(axis=(0, 1, 3))
    np.testing.assert_array_equal(orders["first"], np.argsort(-of_first))
    kernel = ops.convert_to_numpy(base.get_layer("first").kernel)
    np.testing.assert_array_equal(
        flat.get_layer("first").kernel, kernel[..., orders["first"]]
    )
    of_hidden = scores["hidden"].sum(axis=0)
    assert np.all(np.diff(of_hidden[orders["hidden"]]) <= 0)


def test_joined_channels_are_sorted_together() -> None:
    base = random_weights(residual())
    _, orders = permute_channels(base, scores_of(base))
    np.testing.assert_array_equal(orders["a"], orders["b"])


def test_without_importance_nothing_moves() -> None:
    base = random_weights(plain())
    flat, orders = permute_channels(base, {})
    assert all(np.all(np.diff(order) == 1) for order in orders.values())
    for ours, theirs in zip(flat.get_weights(), base.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_importances_of_another_shape_are_refused() -> None:
    with pytest.raises(NestError, match=r"shape \(3, 3, 3, 6\) for layer 'first'"):
        permute_channels(plain(), {"first": np.ones(3)})


def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(30, 4)).astype("float32")
    return x, generator.integers(0, 3, 30)


def two_layers() -> Any:
    inputs = keras.Input((4,))
    x = layers.Dense(5, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def test_taylor_importance_is_weight_times_gradient() -> None:
    base = random_weights(two_layers())
    x, y = data()
    weights = [
        ops.convert_to_numpy(weight).astype(np.float64) for weight in base.weights
    ]
    found = taylor_importance(base, x, y, loss=LOSS, batch_size=10)
    # By hand: the mean over a batch, summed over three batches.
    w1, b1, w2, b2 = weights
    hidden = x @ w1 + b1
    logits = hidden @ w2 + b2
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    d = (p - np.eye(3)[y]) / 10
    np.testing.assert_allclose(found["last"], np.abs(w2 * (hidden.T @ d)), rtol=1e-3)
    gradient = x.T @ (d @ w2.T)
    np.testing.assert_allclose(found["hidden"], np.abs(w1 * gradient), rtol=1e-3)
    for ours, theirs in zip(weights, base.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_batches_limit_the_sum() -> None:
    base = random_weights(two_layers())
    x, y = data()
    sums = [0.0, 0.0]
    for number, batches in enumerate((1, 3)):
        # All samples are alike, so that their order does not matter.
        found = taylor_importance(
            base,
            np.tile(x[:1], (30, 1)),
            np.tile(y[:1], 30),
            loss=LOSS,
            batch_size=10,
            batches=batches,
        )
        sums[number] = float(found["last"].sum())
    assert sums[1] / sums[0] == pytest.approx(3, rel=1e-4)
    with pytest.raises(NestError, match=r"at least one batch.*batches=0"):
        taylor_importance(base, x, y, loss=LOSS, batches=0)
    x[0] = np.nan
    with pytest.raises(NestError, match="finite gradients"):
        taylor_importance(base, x, y, loss=LOSS)


def test_the_planner_takes_it_and_frozen_layers_have_none() -> None:
    base = random_weights(plain())
    base.get_layer("hidden").trainable = False
    x = np.random.default_rng(0).normal(size=(20, 8, 8, 3)).astype("float32")
    found = taylor_importance(base, x, np.arange(20) % 3, loss=LOSS)
    assert set(found) == {"first", "depthwise", "pointwise", "hidden", "last"}
    assert not np.any(found["hidden"]) and np.any(found["last"])
    assert len(plan(base, (0.94, 0.99), importance=found)) == 3


JAX = """
import sys
sys.path.insert(0, {tests!r})
import keras, numpy as np
import test_permutation as tests
assert keras.backend.backend() == "jax"
tests.test_taylor_importance_is_weight_times_gradient()
tests.test_sorting_channels_keeps_the_function(tests.plain)
import test_widths
test_widths.test_reds_is_all_of_it_together()
"""


def test_on_jax() -> None:
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    result = subprocess.run(
        [sys.executable, "-c", JAX.format(tests=str(Path(__file__).parent))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"},
    )
    assert result.returncode == 0, result.stderr
