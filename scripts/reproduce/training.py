"""Training in stages that can be stopped at any time and goes on where it was."""

from __future__ import annotations

import dataclasses
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

import keras_nest
from keras_nest.files import write_atomic
from reproduce.data import Data

BATCH = 128
LEARNING_RATE = 4e-3
LOSS = "sparse_categorical_crossentropy"


@dataclasses.dataclass
class Clock:
    """What a training took so far, kept in a file across interruptions."""

    path: Path
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    epochs: dict[str, int] = dataclasses.field(default_factory=dict)
    peak_megabytes: float = 0.0

    @classmethod
    def load(cls, path: Path) -> Clock:
        known = json.loads(path.read_text()) if path.exists() else {}
        return cls(path, **known)

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def note(self, stage: str, epoch: int) -> None:
        """Adds the time since the last call, and that a stage has so many epochs."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.seconds += wall - self._wall
        self.cpu_seconds += cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        self.epochs[stage] = epoch
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.peak_megabytes = max(self.peak_megabytes, kilobytes / 1024)
        facts = dataclasses.asdict(self)
        del facts["path"]
        write_atomic(self.path, json.dumps(facts).encode())


class _Checkpoints(keras.callbacks.Callback):
    """After every epoch but the last, after which `fit` has more to do."""

    def __init__(self, path: Path, stage: str, clock: Clock):
        super().__init__()
        self._path, self._stage, self._clock = path, stage, clock

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch + 1 == self.params["epochs"]:
            return
        part = self._path.with_suffix(".part.keras")
        self.model.save(part)
        part.replace(self._path)
        self._clock.note(self._stage, epoch + 1)


class Trainer:
    """Trains the stages of one run; a stage is a model, trained for some epochs.

    Args:
        data: The training data.
        seed: Seed of the order of the samples.
        stem: Path without ending of the checkpoints.
    """

    def __init__(self, data: Data, seed: int, stem: Path):
        stem.parent.mkdir(parents=True, exist_ok=True)
        self._data, self._seed, self._stem = data, seed, stem
        self.clock = Clock.load(stem.with_name(f"{stem.name}.clock"))

    def train(self, stage: str, make: Callable[[], Any], epochs: int) -> Any:
        """Trains what `make` makes, or what a training that was stopped has left.

        Args:
            stage: Name of the stage, for its checkpoint.
            make: Makes the model, not compiled.
            epochs: Number of epochs; 0 gives the model as it is made.
        """
        path = self._stem.with_name(f"{self._stem.name}.{stage}.keras")
        done = self.clock.epochs.get(stage, 0) if path.exists() else 0
        x, y = self._data.train
        if done:
            model = keras.saving.load_model(path)
        else:
            model = make()
            steps = max(1, epochs * -(-len(x) // BATCH))
            rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
            # On a CPU, oneDNN's convolutions take half of the time of XLA's.
            model.compile(
                keras.optimizers.Adam(rate),
                LOSS,
                metrics=["accuracy"],
                jit_compile=False,
            )
        if done >= epochs:
            return model
        batches = keras_nest.SeededBatches(
            x, y, batch_size=BATCH, seed=self._seed, epoch=done
        )
        self.clock.start()
        model.fit(
            batches,
            epochs=epochs,
            initial_epoch=done,
            verbose=2,
            callbacks=[_Checkpoints(path, stage, self.clock)],
            shuffle=False,
        )
        model.save(path)
        self.clock.note(stage, epochs)
        return model
