"""Training steps that run some of the levels only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest.errors import NestError
from keras_nest.model import NestedModel, nest
from keras_nest.training.losses import divergence
from keras_nest.training.sampling import OneLevel, Sandwich
from tests.training.small import LOSS, conv_network, three_classes

SPARSITIES = (0.9, 0.8, 0.6, 0.4, 0.0)
LEVELS = len(SPARSITIES)


def network() -> Any:
    return conv_network((8, 16), regularizer="l2")


def compiled(levels_per_step: Any = 4, loss: Any = LOSS, **arguments: Any) -> Any:
    keras.utils.set_random_seed(3)
    model = nest(
        network(),
        SPARSITIES,
        pattern="element",
        levels_per_step=levels_per_step,
        **arguments,
    )
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    return model


def draws(sampler: Any, count: int = 300) -> np.ndarray[Any, Any]:
    seed = keras.random.SeedGenerator(7)
    return np.array(
        [ops.convert_to_numpy(sampler.draw(LEVELS, seed)) for _ in range(count)]
    )


def test_a_sandwich_has_both_ends_and_different_levels_between() -> None:
    found = draws(Sandwich(4))
    assert found.dtype == np.int32 and found.shape == (300, 4)
    assert np.all(found[:, 0] == 0) and np.all(found[:, -1] == LEVELS - 1)
    between = found[:, 1:-1]
    assert np.all(between[:, 0] != between[:, 1])
    counts = np.bincount(between.ravel(), minlength=LEVELS)
    assert counts[0] == counts[-1] == 0
    # 200 each are expected; five standard deviations are 41.
    assert np.all(np.abs(counts[1:-1] - 200) < 41)
    assert draws(Sandwich(2), 3).tolist() == [[0, 4]] * 3
    assert np.all(np.sort(draws(Sandwich(5), 5), axis=1) == np.arange(5))


@pytest.mark.parametrize(("ends", "share"), [(0.5, 0.35), (0.0, 0.2), (1.0, 0.5)])
def test_one_level_is_an_end_as_often_as_asked(ends: float, share: float) -> None:
    counts = np.bincount(draws(OneLevel(ends)).ravel(), minlength=LEVELS) / 300
    assert counts[[0, -1]] == pytest.approx([share, share], abs=0.14)
    assert counts[1:-1] == pytest.approx([(1 - 2 * share) / 3] * 3, abs=0.12)


@pytest.mark.parametrize(
    ("levels_per_step", "arguments"),
    [(4, {}), (1, {"distillation": 0}), (OneLevel(0.2), {"distillation": 0})],
)
def test_fit_trains_every_level(
    levels_per_step: Any, arguments: Any, tmp_path: Path
) -> None:
    model = compiled(levels_per_step, **arguments)
    x, y = three_classes()
    history = model.fit(
        x, y, batch_size=8, epochs=10, verbose=0, validation_data=(x, y)
    ).history
    names = {f"level_{i}_{m}" for i in range(LEVELS) for m in ("loss", "accuracy")}
    assert set(history) == {*names, "loss", *(f"val_{n}" for n in names), "val_loss"}
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert set(scores) == {*names, "loss"}
    # Far above the third that guessing gives.
    assert all(scores[f"level_{i}_accuracy"] > 0.8 for i in range(LEVELS)), scores
    assert model.masks_frozen
    assert list(model.predict(x[:4], verbose=0)) == model.level_names
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for key in ("levels_per_step", "seed", "level_weights", "schedule"):
        assert loaded.get_config()[key] == model.get_config()[key]
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    # The random levels go on where they were.
    assert loaded.train_on_batch(x, y) == model.train_on_batch(x, y)
    drawn = [m(x[:1], training=True)["levels"] for m in (loaded, model)]
    np.testing.assert_array_equal(*drawn)


def test_the_loss_of_a_step_is_that_of_its_levels() -> None:
    weights = np.arange(1.0, LEVELS + 1)
    model = compiled(level_weights=weights, distillation=0.7)
    x, y = three_classes(12)
    found = model(x, training=True)
    levels = ops.convert_to_numpy(found["levels"])
    outputs = [found[f"slot_{slot}"] for slot in range(4)]
    shares = weights[levels] / weights[levels].sum()
    expected = float(sum(ops.sum(loss) for loss in model.losses))
    assert expected > 0  # the regularizer's
    for share, output in zip(shares, outputs, strict=True):
        loss = keras.losses.sparse_categorical_crossentropy(y, output)
        expected += share * float(ops.mean(loss))
    for share, output in zip(shares[:-1], outputs[:-1], strict=True):
        distance = divergence(outputs[-1], output, "probabilities")
        expected += 0.7 * share * float(distance)
    got = model.compute_loss(x, y, found, training=True)
    assert float(got) == pytest.approx(expected, rel=1e-5)


def test_only_levels_of_the_step_are_counted() -> None:
    model = compiled(2)
    x, y = three_classes(32)
    weights = np.linspace(0.1, 2, 32)
    logs = model.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    for level in range(LEVELS):
        ran = level in (0, LEVELS - 1)
        assert (logs[f"level_{level}_loss"] > 0) == ran
        assert ran or logs[f"level_{level}_accuracy"] == 0


def test_what_is_shown_for_a_level_is_of_the_steps_that_ran_it() -> None:
    model = compiled(1, distillation=0)
    model.compile(keras.optimizers.SGD(0.0), LOSS, metrics=["accuracy"])
    x, y = three_classes(30)
    for _ in range(4):
        logs = model.train_on_batch(x, y, return_dict=True)
    ran = 0
    for level, name in enumerate(model.level_names):
        if logs[f"{name}_loss"] == 0:
            assert logs[f"{name}_accuracy"] == 0
            continue
        # Nothing has changed: each of its steps had this loss.
        outputs = model.graph([x, np.int32(level)], training=True)
        loss = keras.losses.sparse_categorical_crossentropy(y, outputs)
        assert logs[f"{name}_loss"] == pytest.approx(float(ops.mean(loss)), rel=1e-4)
        hits = np.argmax(ops.convert_to_numpy(outputs), axis=1) == y
        assert logs[f"{name}_accuracy"] == pytest.approx(np.mean(hits))
        ran += 1
    assert 1 <= ran <= 4


def test_losses_as_objects_and_binary_outputs() -> None:
    inputs = keras.Input((8,))
    base = keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Dense(8)(inputs)))
    x = np.random.default_rng(0).normal(size=(32, 8)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    values = []
    for loss in ("binary_crossentropy", keras.losses.BinaryCrossentropy()):
        keras.utils.set_random_seed(0)
        model = nest(base, (0.5, 0.25, 0.0), pattern="element", levels_per_step=2)
        model.compile("sgd", loss)
        values.append(model.train_on_batch(x, y, return_dict=True)["loss"])
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_seeds_decide_the_levels() -> None:
    def levels(**arguments: Any) -> Any:
        model = compiled(**arguments)
        x, _ = three_classes(1)
        found = [model(x, training=True)["levels"] for _ in range(6)]
        return np.array([ops.convert_to_numpy(value) for value in found])

    np.testing.assert_array_equal(levels(seed=1), levels(seed=1))
    np.testing.assert_array_equal(levels(), levels())  # set_random_seed
    assert not np.array_equal(levels(seed=1), levels(seed=2))


@pytest.mark.parametrize(
    ("levels_per_step", "distillation", "message"),
    [
        (6, 1.0, "at least 6. Received: 5"),
        (0, 1.0, "a number of levels, a sampler.*=0"),
        (True, 1.0, "a number of levels, a sampler.*=True"),
        ("two", 1.0, "a number of levels, a sampler.*='two'"),
        (1, 1.0, "distillation=0 where.*Received: distillation=1.0"),
    ],
)
def test_bad_arguments_are_refused(
    levels_per_step: Any, distillation: float, message: str
) -> None:
    with pytest.raises(NestError, match=message):
        nest(
            network(),
            SPARSITIES,
            levels_per_step=levels_per_step,
            distillation=distillation,
        )
    with pytest.raises(NestError, match=r"at least 2 levels.*slots=1"):
        Sandwich(1)
    with pytest.raises(NestError, match=r"probability from 0 to 1.*1\.5"):
        OneLevel(1.5)


def test_different_losses_are_refused() -> None:
    model = compiled()
    losses = dict.fromkeys(model.level_names, LOSS)
    with pytest.raises(NestError, match="one loss for all levels"):
        model.compile("sgd", {**losses, "level_0": "mse"})


class Spoil(keras.callbacks.Callback):
    """Breaks one level, before the step of this number."""

    def __init__(self, step: int, level: int):
        super().__init__()
        self.step, self.level = step, level

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == self.step:
            norm = next(
                layer
                for layer in self.model.graph.layers
                if type(layer).__name__ == "NestedBatchNormalization"
            )
            gamma = np.array(ops.convert_to_numpy(norm.gamma))
            gamma[self.level] = np.nan
            norm.gamma.assign(gamma)


@pytest.mark.parametrize("levels_per_step", [None, 2])
def test_a_nan_loss_stops_training_and_names_the_level(levels_per_step: Any) -> None:
    model = compiled(levels_per_step, distillation=0)
    x, y = three_classes(64)
    with pytest.raises(
        NestError, match="nan in level_0, in epoch 1 up to batch 3"
    ) as error:
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[Spoil(2, 0)])
    assert "learning rate" in str(error.value)


def test_a_nan_loss_of_a_single_level() -> None:
    model = nest(network(), (0.5,))
    model.compile("sgd", LOSS)
    x, y = three_classes(16)
    x[3] = np.nan
    with pytest.raises(NestError, match="nan in level_0, in epoch 1"):
        model.fit(x, y, verbose=0)


def test_models_of_before_load(tmp_path: Path) -> None:
    """The config of a model that was saved without levels_per_step."""
    model = nest(network(), (0.5, 0.0))
    config = model.get_config()
    del config["levels_per_step"], config["seed"]
    assert isinstance(NestedModel.from_config(config), NestedModel)
