"""Training: ordinary data in, one loss and metric for each level, masks on schedule."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest.errors import NestError
from keras_nest.layers import NestedBatchNormalization
from keras_nest.model import NestedModel, nest
from keras_nest.training.batches import SeededBatches, recalibration_batches
from keras_nest.training.losses import divergence
from keras_nest.training.schedules import ConstantSparsity, CubicRamp
from tests.training.small import (
    LOSS,
    Stop,
    Watch,
    conv_network,
    level_of,
    three_classes,
)

SPARSITIES = (0.8, 0.5, 0.0)


def compiled(**arguments: Any) -> NestedModel:
    keras.utils.set_random_seed(3)
    model = nest(conv_network(), SPARSITIES, **arguments)
    model.compile(keras.optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    return model


@pytest.mark.parametrize("routing", ["sum", "owner"])
def test_fit_trains_every_level(routing: str) -> None:
    model = compiled(routing=routing)
    watch = Watch()
    x, y = three_classes()
    logs = model.fit(
        x,
        y,
        batch_size=16,
        epochs=10,
        verbose=0,
        callbacks=watch,
        validation_data=(x, y),
        sample_weight=np.ones(len(x)),
    ).history
    names = {f"level_{i}_{m}" for i in range(3) for m in ("loss", "accuracy")}
    assert set(logs) == {*names, "loss", *(f"val_{n}" for n in names), "val_loss"}
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    # Far above the third that guessing gives; 96 easy samples, 60 steps.
    assert all(scores[f"level_{i}_accuracy"] > 0.8 for i in range(3))
    # Dense at first, then ever sparser, then the sparsity that was asked for.
    assert watch.densities[0] == 1.0
    assert all(np.diff(watch.densities) <= 1e-9)
    achieved = [np.mean(v > 0) for v in level_of(model)]
    assert achieved == pytest.approx([0.8, 0.8], abs=0.05)  # 12 blocks in "classes"
    assert model.masks_frozen
    frozen = watch.densities[-24:]
    assert len(set(frozen)) == 1

    # Another call leaves the masks alone; a new schedule ranks them again.
    before = level_of(model)
    model.fit(x, y, batch_size=16, epochs=1, verbose=0)
    for ours, theirs in zip(before, level_of(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.schedule = CubicRamp(warmup=1.0, end=1.0)
    assert not model.masks_frozen
    model.update_masks(0, 10)
    assert all(np.all(v == 0) for v in level_of(model))


def test_the_loss_is_the_weighted_sum_and_the_distillation() -> None:
    weights = [0.5, 0.3, 0.2]
    model = compiled(level_weights=weights, distillation=0.7)
    x, y = three_classes(12)
    outputs = model(x)
    values = list(outputs.values())
    by_hand = sum(
        weight * ops.mean(keras.losses.sparse_categorical_crossentropy(y, value))
        for weight, value in zip(weights, values, strict=True)
    )
    evaluated = model.compute_loss(x, y, outputs, training=False)
    assert float(evaluated) == pytest.approx(float(by_hand), rel=1e-5)
    for weight, value in zip(weights[:2], values[:2], strict=True):
        by_hand += 0.7 * weight * divergence(values[2], value, "probabilities")
    trained = model.compute_loss(x, y, outputs, training=True)
    assert float(trained) == pytest.approx(float(by_hand), rel=1e-5)
    assert float(trained) > float(evaluated)


def test_losses_and_metrics_by_level_and_as_objects() -> None:
    model = nest(conv_network(), SPARSITIES)
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top")
    losses = {name: LOSS for name in model.level_names[:2]}
    losses["level_2"] = keras.losses.SparseCategoricalCrossentropy()
    model.compile("sgd", losses, metrics=metric, weighted_metrics=["accuracy"])
    x, y = three_classes(12)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert {"level_0_top", "level_2_top", "level_1_accuracy"} <= set(logs)
    # The user's metric object holds no state of ours.
    assert float(metric.result()) == 0


def test_a_single_level_trains_as_well() -> None:
    model = nest(conv_network(), (0.5,))
    model.compile("adam", LOSS, metrics=["accuracy"])
    x, y = three_classes(32)
    logs = model.fit(x, y, batch_size=16, epochs=2, verbose=0).history
    assert "loss" in logs and np.isfinite(logs["loss"]).all()
    assert list(model.predict(x[:4], verbose=0)) == ["level_0"]


@pytest.mark.parametrize("kind", ["generator", "dataset", "PyDataset"])
def test_other_kinds_of_data(kind: str) -> None:
    import tensorflow as tf

    x, y = three_classes(64)

    def batches() -> Any:
        while True:
            yield x[:16], y[:16]

    source = {
        "generator": batches,
        "dataset": lambda: tf.data.Dataset.from_tensor_slices((x, y)).batch(16),
        "PyDataset": lambda: SeededBatches(x, y, batch_size=16),
    }[kind]()
    steps = {"steps_per_epoch": 4} if kind == "generator" else {}
    model = compiled()
    model.fit(source, epochs=2, verbose=0, **steps)
    assert model.masks_frozen
    for layer, levels in zip(model.nested_layers, level_of(model), strict=True):
        blocks = levels.size // 2
        assert np.sum(levels > 0) / 2 == pytest.approx(0.8 * blocks, abs=0.51), layer


def test_data_of_unknown_length_ends_at_the_asked_sparsity() -> None:
    x, y = three_classes(32)

    def batches() -> Any:
        yield from ((x[i : i + 16], y[i : i + 16]) for i in (0, 16))

    model = compiled()
    model.fit(batches(), epochs=1, verbose=0)
    assert np.mean(level_of(model)[0] > 0) == pytest.approx(0.8, abs=0.01)


def test_masks_are_finished_when_training_stops_early() -> None:
    x, y = three_classes(32)
    model = compiled()
    model.fit(x, y, epochs=50, callbacks=[Stop()], verbose=0)
    assert np.mean(level_of(model)[0] > 0) == pytest.approx(0.8, abs=0.01)
    # Told that the training is longer, fit leaves the masks where the ramp is.
    model = compiled(schedule=CubicRamp(epochs=50))
    model.fit(x, y, epochs=1, verbose=0)
    assert np.all(level_of(model)[0] == 0)


def test_several_steps_in_one_execution() -> None:
    model = compiled()
    x, y = three_classes()
    model.compile("adam", LOSS, steps_per_execution=4)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    assert model.masks_frozen
    assert np.mean(level_of(model)[0] > 0) == pytest.approx(0.8, abs=0.01)


def test_update_masks_in_a_loop_of_ones_own() -> None:
    model = compiled(schedule=CubicRamp(0.25, 0.5, updates=4))
    densities = []
    for step in range(8):
        model.update_masks(step, total_steps=8)
        densities.append(np.mean(level_of(model)[0] == 0))
    assert densities[:4] == [1.0] * 4
    assert densities[4:] == pytest.approx([0.2] * 4, abs=0.01)
    model.nested_layers[0].kernel.assign(model.nested_layers[0].kernel[..., ::-1])
    before = level_of(model)[0]
    model.update_masks()
    np.testing.assert_array_equal(level_of(model)[0], before[..., ::-1])
    for step, total in ((-1, 8), (3, None), (0, 0)):
        with pytest.raises(NestError, match=rf"step of at least 0.*step={step}"):
            model.update_masks(step, total)
    # A loop that starts or goes on after the end finds frozen masks.
    model = compiled(schedule=CubicRamp(end=1.0))
    model.update_masks(11, total_steps=8)
    assert model.masks_frozen
    assert np.mean(level_of(model)[0] == 0) == pytest.approx(0.2, abs=0.01)


def test_owner_routing_keeps_denser_levels_out_of_sparse_weights() -> None:
    """With routing "owner" the labels of level 2 cannot move weights of level 0."""
    moved = {}
    for routing in ("sum", "owner"):
        model = compiled(
            routing=routing,
            distillation=0.0,
            level_weights=(0, 0, 1),
            schedule=ConstantSparsity(),
        )
        x, y = three_classes(32)
        layer = model.nested_layers[0]
        before = np.array(ops.convert_to_numpy(layer.kernel))
        model.train_on_batch(x, y)
        changed = ops.convert_to_numpy(layer.kernel) != before
        inner = ops.convert_to_numpy(layer.level_of) < 2
        moved[routing] = changed[inner].any()
        assert changed[~inner].any()
    assert moved == {"sum": True, "owner": False}


def test_fit_measures_the_statistics_of_every_level() -> None:
    model = compiled()
    x, y = three_classes()
    model.fit(x, y, batch_size=len(x), epochs=2, verbose=0)
    norm = next(
        layer
        for layer in model.graph.layers
        if isinstance(layer, NestedBatchNormalization)
    )
    stem = model.graph.get_layer("stem")(x)
    for level in range(3):
        before = model.graph.get_layer("conv")(stem, level=level)
        mean, variance = ops.moments(before, axes=(0, 1, 2))
        # One batch of all samples, moments in float32.
        np.testing.assert_allclose(norm.moving_mean[level], mean, atol=1e-5)
        np.testing.assert_allclose(norm.moving_variance[level], variance, rtol=1e-4)


def test_recalibration_samples_are_spread() -> None:
    x = np.arange(10_000, dtype="float32")[:, None]
    batches = list(recalibration_batches(x, 1000))
    assert [len(batch) for batch in batches] == [1000] * 4 + [96]
    chosen = np.concatenate(batches)[:, 0]
    assert chosen[0] == 0 and chosen[-1] == 9999
    assert set(np.diff(chosen)) <= {2.0, 3.0}
    pairs = list(recalibration_batches([x, x[:, 0]], 5000))
    assert [part.shape for part in pairs[0]] == [(4096, 1), (4096,)]
    assert list(recalibration_batches(iter([x]), 10)) == []

    class Loader:
        """An iterable of batches, such as torch's DataLoader."""

        def __iter__(self) -> Any:
            return iter([(x[:3000], x[:3000])] * 5)

    assert [len(b) for b in recalibration_batches(Loader(), 10)] == [3000, 3000]


def test_seeded_batches_depend_on_seed_and_epoch_alone() -> None:
    x = np.arange(10)

    def epochs(**arguments: Any) -> list[Any]:
        batches = SeededBatches(x, x * 2, batch_size=4, **arguments)
        orders = []
        for _ in range(3):
            parts = [batches[i] for i in range(len(batches))]
            assert all(np.array_equal(2 * a, b) for a, b in parts)
            orders.append(np.concatenate([a for a, _ in parts]).tolist())
            batches.on_epoch_end()
        return orders

    first = epochs(seed=5)
    assert all(sorted(order) == list(range(10)) for order in first)
    assert first[0] != first[1] != first[2]
    assert epochs(seed=5, epoch=1)[:2] == first[1:]
    assert epochs(seed=6)[0] != first[0]


def test_more_than_ten_levels_keep_their_names() -> None:
    """Keras sorts the keys of a dict: "level_10" comes before "level_2"."""
    sparsities = tuple(0.95 - 0.08 * level for level in range(12))
    inputs = keras.Input((32,))
    base = keras.Model(inputs, layers.Dense(3, "softmax")(inputs))
    weights = [level + 1.0 for level in range(12)]
    model = nest(base, sparsities, pattern="element", level_weights=weights)
    model.compile("sgd", LOSS, metrics=["accuracy"])
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(20, 32)), generator.integers(0, 3, 20)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    total = 0.0
    for level, (name, weight) in enumerate(
        zip(model.level_names, model.level_weights, strict=True)
    ):
        outputs = model.level(level)(x)
        loss = float(ops.mean(keras.losses.sparse_categorical_crossentropy(y, outputs)))
        assert found[f"{name}_loss"] == pytest.approx(loss, rel=1e-5)
        accuracy = np.mean(np.argmax(outputs, axis=-1) == y)
        assert found[f"{name}_accuracy"] == pytest.approx(accuracy)
        total += weight * loss
    assert found["loss"] == pytest.approx(total, rel=1e-5)


class Decay:
    """What `tfmot.sparsity.keras.PolynomialDecay` has for attributes."""

    initial_sparsity, final_sparsity, power = 0.0, 0.9, 3
    begin_step, end_step, frequency = 4, 16, 4


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_fit_follows_a_schedule_of_tfmot(steps_per_execution: int) -> None:
    model = compiled(schedule=Decay())
    model.compile("adam", LOSS, steps_per_execution=steps_per_execution)
    x, y = three_classes()
    watch = Watch()
    model.fit(x, y, batch_size=12, epochs=3, verbose=0, callbacks=watch)
    assert watch.densities[0] == 1.0 and watch.densities[-1] < 0.25
    # Ranked before steps 4, 8, 12 and 16, the first of them still dense.
    changes = np.flatnonzero(np.diff(watch.densities)) + 1
    assert list(changes * steps_per_execution) == [8, 12, 16]
    assert model.masks_frozen
