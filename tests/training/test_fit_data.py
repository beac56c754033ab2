"""What fit takes: kinds of data, precision, callbacks, schedules that end elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_nest.layers import NestedBatchNormalization
from keras_nest.model import NestedModel, nest
from keras_nest.training.batches import recalibration_batches
from keras_nest.training.schedules import ConstantSparsity, CubicRamp
from tests.training.small import LOSS, Stop, Watch, density


def compiled(**arguments: Any) -> NestedModel:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8,))
    x = layers.BatchNormalization(name="norm")(layers.Dense(16, "relu")(inputs))
    base = keras.Model(inputs, layers.Dense(3, "softmax")(x))
    model = nest(base, (0.75, 0.0), pattern="element", **arguments)
    model.compile("adam", LOSS)
    return model


def data(count: int = 32) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 8)).astype("float32")
    return x, generator.integers(0, 3, count)


class Endless(keras.utils.PyDataset):
    """Batches without an end, of a dataset without `__len__`."""

    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return data(16)


class Table:
    """Behaves as a pandas.DataFrame does: indexing it picks columns, not rows."""

    def __init__(self, values: Any) -> None:
        self._values = values
        self.shape = values.shape

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._values, dtype)

    def __getitem__(self, columns: Any) -> Any:
        return self._values[:, columns]


def unknown_length(x: Any, y: Any) -> Any:
    """Four batches that can be read in every epoch, without a known number."""
    import tensorflow as tf

    def batches() -> Iterator[Any]:
        yield from ((x[i : i + 8], y[i : i + 8]) for i in range(0, 32, 8))

    signature = (tf.TensorSpec((None, 8), "float32"), tf.TensorSpec((None,), "int64"))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


def test_tensors_and_tables() -> None:
    import tensorflow as tf

    x, y = data()
    model = compiled()
    model.fit(tf.constant(x), tf.constant(y), epochs=1, verbose=0)
    for values in (tf.constant(x), Table(x)):
        np.testing.assert_array_equal(next(recalibration_batches(values, 32)), x)


def test_a_dataset_without_an_end() -> None:
    model = compiled()
    model.fit(Endless(), epochs=2, steps_per_epoch=3, verbose=0)
    assert model.masks_frozen
    assert len(list(recalibration_batches(Endless(), 256))) == 4096 // 16


def test_mixed_precision_trains() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled()
        loss = model.fit(*data(), epochs=2, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(loss).all()


def test_training_may_go_on_after_the_schedule() -> None:
    model = compiled(schedule=CubicRamp(end=1.0, epochs=2))
    watch = Watch()
    model.fit(*data(), batch_size=8, epochs=4, callbacks=[watch], verbose=0)
    # Four steps an epoch: sparse from the first step after the schedule on.
    assert watch.densities[4] > 0.25
    assert watch.densities[8:] == [0.25] * 8
    assert model.masks_frozen


@pytest.mark.parametrize("stopped", [False, True])
def test_masks_stay_frozen_after_a_fit_that_did_not_reach_the_end(
    stopped: bool,
) -> None:
    model = compiled(schedule=CubicRamp(end=1.0))
    callbacks = [Stop()] if stopped else []
    model.fit(*data(), batch_size=8, epochs=2, callbacks=callbacks, verbose=0)
    assert model.masks_frozen
    watch = Watch()
    model.fit(*data(), batch_size=8, epochs=1, callbacks=[watch], verbose=0)
    assert watch.densities == [0.25] * 4


def test_steps_of_data_of_unknown_length_are_learnt() -> None:
    watch, model = Watch(), compiled(schedule=CubicRamp(0.0, 0.75, regrow=True))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="The length of the data")
        source = unknown_length(*data())
        model.fit(source, epochs=4, callbacks=[watch], verbose=0)
    assert len(watch.densities) == 16
    assert watch.densities[:4] == [1.0] * 4
    # Within the second epoch as well, not only at its start.
    assert len(set(watch.densities[4:8])) > 1
    assert watch.densities[-1] == 0.25


def test_one_epoch_of_unknown_length_is_warned_about() -> None:
    model = compiled()
    with pytest.warns(UserWarning, match="train dense.*only at the end"):
        model.fit(unknown_length(*data()), epochs=1, verbose=0)
    assert model.masks_frozen
    assert density(model) == 0.25
    # Nothing to warn about: these masks are ranked at the start.
    model = compiled(schedule=ConstantSparsity())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="The length of the data")
        model.fit(unknown_length(*data()), epochs=1, verbose=0)


def test_a_list_of_callbacks_made_by_keras() -> None:
    model, watch = compiled(), Watch()
    callbacks = keras.callbacks.CallbackList([watch], add_history=True, model=model)
    history = model.fit(*data(), epochs=2, callbacks=callbacks, verbose=0)
    assert len(watch.densities) == 2
    assert len(history.history["loss"]) == 2
    assert model.masks_frozen


def norm_of(model: NestedModel) -> Any:
    kinds = NestedBatchNormalization
    return next(layer for layer in model.graph.layers if isinstance(layer, kinds))


def test_statistics_leave_out_the_validation_split() -> None:
    x, y = data()
    x[24:] += 100
    model = compiled()
    model.fit(x, y, validation_split=0.25, epochs=1, verbose=0)
    dense = model.nested_layers[0](x[:24], level=1)
    np.testing.assert_allclose(
        norm_of(model).moving_mean[1], np.mean(dense, axis=0), atol=1e-5
    )
    # Keras takes validation data of its own before a split.
    model.fit(x, y, validation_split=0.25, validation_data=(x, y), verbose=0)
    dense = model.nested_layers[0](x, level=1)
    np.testing.assert_allclose(
        norm_of(model).moving_mean[1], np.mean(dense, axis=0), rtol=1e-4
    )


def test_frozen_statistics_are_kept() -> None:
    model = compiled()
    norm_of(model).trainable = False
    model.compile("adam", LOSS)
    before = np.array(norm_of(model).moving_mean)
    model.fit(*data(), epochs=1, verbose=0)
    model.recalibrate(data()[0])
    np.testing.assert_array_equal(norm_of(model).moving_mean, before)


def test_sample_weights_weigh_the_distillation() -> None:
    model = compiled()
    x, y = data()
    outputs = model(x)
    weights = np.zeros(len(x), "float32")
    assert float(model.compute_loss(x, y, outputs, weights)) == 0
    weights[:8] = 2.0
    total = float(model.compute_loss(x, y, outputs, weights))
    first = {name: value[:8] for name, value in outputs.items()}
    alone = float(model.compute_loss(x[:8], y[:8], first))
    # Twice the sum of 8 samples, divided by all 32.
    assert total == pytest.approx(alone * 2 * 8 / 32, rel=1e-5)
