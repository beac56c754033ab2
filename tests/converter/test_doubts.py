"""What `nest` and `convert` warn of: said in time, and of nothing else."""

import warnings
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import keras_nest
from keras_nest.converter.convert import PatternWarning
from keras_nest.errors import ConversionWarning

X = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def _plain(activation: str = "relu") -> keras.Model:
    inputs = keras.Input((8,))
    x = layers.Dense(16, activation=activation, name="hidden")(inputs)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="net")


def _nested(epochs: int, **compiled: Any) -> Any:
    model = keras_nest.nest(_plain(), (0.5, 0.0), exempt=None)
    model.compile("adam", "sparse_categorical_crossentropy", **compiled)
    if epochs:
        model.fit(X, Y, epochs=epochs, verbose=0)
    return model


def test_a_trained_model_converts_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)
        warnings.simplefilter("ignore", PatternWarning)  # so small a net gains nothing
        keras_nest.convert(_nested(epochs=2), X)


def test_a_plain_model_converts_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)
        keras_nest.convert(_plain(), X)


def test_a_model_that_was_never_trained() -> None:
    with pytest.warns(ConversionWarning, match=r"'net' has not been trained.*fit\(\)"):
        tflite = keras_nest.convert(_nested(epochs=0), X)
    assert "has not been trained" in tflite.report.warnings[0]


def test_a_training_that_was_not_ended(tmp_path: Any) -> None:
    class Save(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                self.model.save(tmp_path / "part.keras")

    model = _nested(epochs=0)
    model.fit(X, Y, epochs=8, callbacks=[Save()], verbose=0)
    part = keras.saving.load_model(tmp_path / "part.keras")
    with pytest.warns(ConversionWarning, match="has not come to its end"):
        keras_nest.convert(part, X)


def test_data_of_one_value() -> None:
    with pytest.warns(ConversionWarning, match="All values of the representative data"):
        keras_nest.convert(_plain(), np.full_like(X, 0.5))


@pytest.mark.parametrize("activation", ["sigmoid", "leaky_relu"])
def test_nest_says_what_convert_will_refuse(activation: str) -> None:
    with pytest.warns(
        ConversionWarning, match=rf"will refuse it: .*'hidden'.*'{activation}'"
    ) as seen:
        keras_nest.nest(_plain(activation), (0.5, 0.0), exempt=None)
    (said,) = [one for one in seen if one.category is ConversionWarning]
    assert said.filename == __file__  # where the user's own line is


def test_nest_is_silent_of_what_is_known_not_to_convert() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConversionWarning)
        keras_nest.nest(_plain(), keras_nest.BitWidths((4, 8)))
        keras_nest.nest(_plain(), (0.5, 0.0), recipe="lcs", exempt=None)
