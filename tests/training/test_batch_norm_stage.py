"""REDS' BatchNormalization: kept in the main stage, gamma and beta trained after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_nest
from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.recipes import REDS, batch_norm_stage

LOSS = "sparse_categorical_crossentropy"
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def network() -> Any:
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((6, 6, 3))
    x = layers.BatchNormalization(name="of_inputs")(x)  # before every nested layer
    x = layers.Conv2D(8, 3, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def data(count: int = 24) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = generator.normal(size=(count, 6, 6, 3)) * 0.5
    x[np.arange(count), :, :, y] += 1.5
    return x.astype("float32"), y


def fixed_model() -> Any:
    base = network()
    base.get_layer("norm").moving_mean.assign(np.linspace(-1, 1, 8))
    base.get_layer("norm").gamma.assign(np.linspace(0.5, 2, 8))
    widths = keras_nest.channel_widths(base, (0.5, 1.0))
    return keras_nest.nest(base, widths, recipe=REDS(batch_norm="fixed"))


def values(model: Any) -> dict[tuple[str, str], Any]:
    found = {
        (layer, name): getattr(model.graph.get_layer(layer), name)
        for layer in ("of_inputs", "norm")
        for name in NORM
    }
    for layer in ("conv", "last"):
        found[layer, "kernel"] = model.graph.get_layer(layer).kernel
    return {key: np.array(ops.convert_to_numpy(one)) for key, one in found.items()}


def changed(before: dict[Any, Any], after: dict[Any, Any]) -> set[str]:
    """The names of the variables that are not the same in both."""
    return {key[1] for key, one in before.items() if np.any(one != after[key])}


def test_stages_train_kernels_and_then_gamma_and_beta(tmp_path: Path) -> None:
    model = fixed_model()
    x, y = data()
    at_first = values(model)
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=5, verbose=0)
    after_main = values(model)
    assert changed(at_first, after_main) == {"kernel"}
    batch_norm_stage(model)
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=5, verbose=0)
    after_norm = values(model)
    assert changed(after_main, after_norm) == {"gamma", "beta"}
    for layer in ("of_inputs", "norm"):
        assert np.any(after_norm[layer, "gamma"] != at_first[layer, "gamma"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.graph.get_layer("norm").fixed_statistics
    names = {one.path.split("/")[-1] for one in loaded.trainable_variables}
    assert names == {"gamma", "beta"}


def test_fixed_statistics_are_used_in_training() -> None:
    model = fixed_model()
    x, _ = data(8)
    for _ in ("main stage", "batch norm stage"):
        trained, evaluated = model(x, training=True), model(x, training=False)
        for name in model.level_names:
            np.testing.assert_array_equal(trained[name], evaluated[name])
        batch_norm_stage(model)
    # With one level as well, where the Keras parent does the work.
    layer = NestedBatchNormalization(fixed_statistics=True)
    layer(x)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    assert np.all(ops.convert_to_numpy(layer.moving_mean) == 0)


def test_the_densest_level_is_the_given_model() -> None:
    x, _ = data(8)
    base = network()
    widths = keras_nest.channel_widths(base, (0.5, 1.0))
    model = keras_nest.nest(base, widths, recipe=REDS(batch_norm="fixed"))
    assert model.graph.get_layer("norm").gamma.shape == (8,)
    np.testing.assert_allclose(model(x)["level_1"], base(x), rtol=1e-5, atol=1e-6)


def test_models_without_normalization_are_refused() -> None:
    with pytest.raises(NestError, match="Received: Functional"):
        batch_norm_stage(network())
    inputs = keras.Input((4,))
    base = keras.Model(inputs, layers.Dense(3)(layers.Dense(8)(inputs)))
    with pytest.raises(NestError, match=r"with BatchNormalization.*'plain'"):
        batch_norm_stage(keras_nest.nest(base, (0.5, 0.0), name="plain"))
