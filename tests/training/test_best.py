"""The recipe "best": what it is made of, and that the ablations stand behind it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

import keras_nest
from keras_nest.recipes import RECIPES, Best

SPARSITIES = (0.9, 0.8, 0.5)


def network() -> Any:
    x = inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(8, 3, name="stem")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Conv2D(16, 3, name="conv")(layers.ReLU()(x))
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="classes")(x))


def data(count: int = 96) -> tuple[Any, Any]:
    y = np.arange(count) % 3
    x = np.random.default_rng(0).normal(size=(count, 8, 8, 2)) * 0.5
    x[..., 0] += (y == 1)[:, None, None] * 1.5
    x[..., 1] += (y == 2)[:, None, None] * 1.5
    return x.astype("float32"), y


def fitted(model: Any, epochs: int) -> Any:
    model.compile(
        keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(*data(), batch_size=16, epochs=epochs, verbose=0)
    return model


def trained(by_layer: bool, **options: Any) -> Any:
    keras.utils.set_random_seed(3)
    dense = fitted(network(), 2)
    sparsities: Any = SPARSITIES
    if by_layer:
        budgets = keras_nest.uniform_budgets(dense, SPARSITIES)
        sparsities = keras_nest.plan(dense, budgets)
    return fitted(keras_nest.nest(dense, sparsities, **options), 4)


def test_best_is_its_parts_put_together_by_hand() -> None:
    assert RECIPES["best"] is Best is keras_nest.Best
    by_name = trained(by_layer=False, recipe="best")
    by_hand = trained(
        by_layer=True,
        pattern="1x2",
        batch_norm="private",
        routing="sum",
        level_weights="sparsest-twice",
        distillation=1.0,
        schedule=keras_nest.CubicRamp(),
    )
    for one, other in zip(by_name.weights, by_hand.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    results = by_name.evaluate(*data(), verbose=0, return_dict=True)
    for level in range(3):
        # A third by guessing; three well separated classes.
        assert results[f"level_{level}_accuracy"] > 0.8
