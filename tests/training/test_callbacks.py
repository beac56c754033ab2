"""Keras' ordinary callbacks: checkpoints, logs, an early stop."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_nest.model import NestedModel, nest
from keras_nest.training.batches import SeededBatches
from keras_nest.training.schedules import CubicRamp, MaskSchedule
from tests.training.small import LOSS, Stop, density, level_of

ROOT = Path(__file__).parents[2]
EPOCHS = 4


def compiled(schedule: MaskSchedule | None = None, levels_per_step: Any = None) -> Any:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8,))
    x = layers.BatchNormalization()(layers.Dense(16, "relu")(inputs))
    base = keras.Model(inputs, layers.Dense(3, "softmax")(x))
    model = nest(
        base,
        (0.75, 0.5, 0.0),
        pattern="element",
        schedule=schedule,
        levels_per_step=levels_per_step,
        seed=1,
    )
    model.compile("adam", LOSS, metrics=["accuracy"])
    return model


def data() -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(32, 8)).astype("float32")
    return x, generator.integers(0, 3, 32)


class Kill(keras.callbacks.Callback):
    """Ends the process at once in the second step of the third epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self._epoch, batch) == (2, 1):
            os.kill(os.getpid(), signal.SIGKILL)


def train(backup: str, *callbacks: Any) -> NestedModel:
    """Trains from the start, or from where the backup is."""
    model = compiled(CubicRamp(0.2, 0.8), levels_per_step=2)
    restore = keras.callbacks.BackupAndRestore(backup)
    batches = SeededBatches(*data(), batch_size=8, seed=1)
    callbacks = (restore, *callbacks)
    history = model.fit(batches, epochs=EPOCHS, verbose=0, callbacks=[*callbacks])
    model.losses_of_last_epoch = {k: v[-1] for k, v in history.history.items()}
    return model


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    backup = str(tmp_path / "backup")
    code = (
        "from tests.training import test_callbacks as tests\n"
        f"tests.train({backup!r}, tests.Kill())"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    metadata = Path(backup, "training_metadata.json").read_text()
    assert json.loads(metadata)["epoch"] == 2

    whole, continued = train(str(tmp_path / "other")), train(backup)
    for ours, theirs in zip(level_of(whole), level_of(continued), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The same operations in the same order, but for the threads of one sum.
    expected = whole.losses_of_last_epoch
    assert continued.losses_of_last_epoch == pytest.approx(expected, abs=1e-6)
    for ours, theirs in zip(whole.weights, continued.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_backup_of_the_last_epoch_is_finished(tmp_path: Path) -> None:
    """Killed after the last epoch, before the statistics are measured."""

    def backup() -> Any:
        path = str(tmp_path / "backup")
        return keras.callbacks.BackupAndRestore(path, delete_checkpoint=False)

    x, y = data()
    whole, continued = compiled(), compiled()
    whole.fit(x, y, epochs=2, verbose=0, callbacks=[backup()])
    history = continued.fit(x, y, epochs=2, verbose=0, callbacks=[backup()])
    assert not history.epoch
    assert continued.masks_frozen
    for ours, theirs in zip(whole.weights, continued.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_checkpoint_of_every_epoch_loads_and_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "{epoch}.keras")
    x, y = data()
    arguments = {"verbose": 0, "shuffle": False, "epochs": EPOCHS}
    whole = compiled()
    saved = keras.callbacks.ModelCheckpoint(path)
    losses = whole.fit(x, y, callbacks=[saved], **arguments).history
    loaded = keras.saving.load_model(path.format(epoch=2))
    assert not np.array_equal(level_of(loaded)[0], level_of(whole)[0])
    again = loaded.fit(x, y, initial_epoch=2, **arguments).history
    for name, values in losses.items():
        assert again[name] == pytest.approx(values[2:], abs=1e-6), name
    for ours, theirs in zip(level_of(whole), level_of(loaded), strict=True):
        np.testing.assert_array_equal(ours, theirs)


PARTS = [f"level_{i}_{m}" for i in range(3) for m in ("loss", "accuracy")]


@pytest.mark.parametrize("levels_per_step", [None, 2])
def test_a_csv_log_has_every_level(tmp_path: Path, levels_per_step: int | None) -> None:
    x, y = data()
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    arguments = {"validation_data": (x, y), "callbacks": [log], "verbose": 0}
    model = compiled(levels_per_step=levels_per_step)
    history = model.fit(x, y, epochs=2, **arguments).history
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    names = {"loss", *PARTS} | {f"val_{name}" for name in ("loss", *PARTS)}
    assert set(rows[0]) == {"epoch", *names}
    for name in names:
        assert [float(row[name]) for row in rows] == pytest.approx(history[name])


def test_tensorboard_has_every_level(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    x, y = data()
    board = keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1)
    compiled().fit(x, y, verbose=0, validation_data=(x, y), callbacks=[board])
    for kind in ("train", "validation"):
        events = list((tmp_path / kind).glob("events.*"))
        written = b"".join(path.read_bytes() for path in events)
        assert all(f"epoch_{name}".encode() in written for name in PARTS)


def test_a_stop_within_the_ramp_warns_that_masks_were_not_trained() -> None:
    x, y = data()
    model = compiled(CubicRamp(0.0, 0.5))
    with pytest.warns(UserWarning, match=r"masks had \d+%.*start_from_epoch=5\)"):
        model.fit(x, y, epochs=10, verbose=0, callbacks=[Stop()])
    assert model.masks_frozen
    assert density(model) == 0.25

    # No epoch is better by so much than the first that counts.
    early = keras.callbacks.EarlyStopping(
        "loss", min_delta=10.0, patience=1, start_from_epoch=5
    )
    model = compiled(CubicRamp(0.0, 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        history = model.fit(x, y, epochs=10, verbose=0, callbacks=[early])
    assert len(history.epoch) == 7


def test_weights_of_an_epoch_within_the_ramp_warn() -> None:
    class Worse(keras.callbacks.Callback):
        """Logs a figure that is best in the first epoch, when masks are dense."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["figure"] = float(epoch)

    x, y = data()
    model = compiled()
    best = keras.callbacks.EarlyStopping(
        "figure", mode="min", patience=9, restore_best_weights=True
    )
    with pytest.warns(UserWarning, match="masks had"):
        model.fit(x, y, epochs=4, verbose=0, callbacks=[Worse(), best])
    assert density(model) == 0.25


@pytest.mark.parametrize(
    ("ramp", "calls"),
    [
        (
            CubicRamp(0.0, 1.0, epochs=9),
            "model.update_masks() and model.recalibrate(x)",
        ),
        (CubicRamp(0.0, 0.0, epochs=9), "call model.recalibrate(x)"),
    ],
)
def test_a_stop_before_the_schedules_epochs_says_how_to_end(
    ramp: CubicRamp, calls: str
) -> None:
    x, y = data()
    model = compiled(ramp)
    with pytest.warns(UserWarning, match=r"\(epochs=9\).*initial_epoch") as caught:
        model.fit(x, y, epochs=9, verbose=0, callbacks=[Stop()])
    assert any(calls in str(one.message) for one in caught)
    if "update_masks" in calls:
        model.update_masks()
    assert density(model) == 0.25
    # Nobody is told of an epoch that ends where the user has asked for it.
    model = compiled(CubicRamp(epochs=9))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.fit(x, y, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("val_level_0_loss", "min"),
        ("level_2_loss", "min"),
        ("val_level_1_accuracy", "max"),
        ("val_loss", "auto"),  # Keras knows it
    ],
)
def test_callbacks_that_watch_a_level_need_no_mode(monitor: str, mode: str) -> None:
    stop = keras.callbacks.EarlyStopping(monitor, patience=9)
    given = keras.callbacks.EarlyStopping("val_level_0_loss", mode="max", patience=9)
    compiled().fit(
        *data(), epochs=2, validation_data=data(), callbacks=[stop, given], verbose=0
    )
    assert (stop.mode, given.mode) == (mode, "max")
    assert stop.best is not None
