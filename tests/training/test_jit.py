"""Compiled by XLA, several steps at once, some levels in each: the same training."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_nest.model import nest
from tests.training.small import LOSS, level_of


def trained(jit_compile: bool) -> Any:
    keras.utils.set_random_seed(3)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(48, 8)).astype("float32")
    y = generator.integers(0, 3, 48)
    inputs = keras.Input((8,))
    h = layers.BatchNormalization()(layers.Dense(16, "relu")(inputs))
    base = keras.Model(inputs, layers.Dense(3, "softmax")(h))
    # Both ends in every step: XLA's random numbers, which draw others, are not these.
    model = nest(base, (0.75, 0.5, 0.0), pattern="element", levels_per_step=2)
    model.compile(
        keras.optimizers.SGD(0.05),
        LOSS,
        metrics=["accuracy"],
        jit_compile=jit_compile,
        steps_per_execution=2,  # of either: it says when masks are ranked
    )
    logs = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return model, logs.history


def test_jit_compile_changes_nothing() -> None:
    plain, logs = trained(jit_compile=False)
    fast, logs_of_fast = trained(jit_compile=True)
    assert set(logs) == set(logs_of_fast)
    for name, values in logs.items():
        # Twelve steps of float32 whose sums XLA orders anew.
        assert logs_of_fast[name] == pytest.approx(values, abs=1e-5), name
    for ours, theirs in zip(level_of(plain), level_of(fast), strict=True):
        np.testing.assert_array_equal(ours, theirs)
