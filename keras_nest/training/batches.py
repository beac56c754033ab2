"""Batches of training data: in an order that can be repeated, and for statistics."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

RECALIBRATION_SAMPLES = 4096


class SeededBatches(keras.utils.PyDataset):
    """Arrays in batches whose order depends on the seed and the epoch alone.

    Training that is continued in another process sees the same batches as training
    that was never stopped (where `BackupAndRestore` continues it, `fit` moves on to the
    right epoch by itself):

    ```python
    model.fit(SeededBatches(x, y, seed=1), epochs=3)
    model.save("half.keras")
    model = keras.saving.load_model("half.keras")
    model.fit(SeededBatches(x, y, seed=1, epoch=3), initial_epoch=3, epochs=6)
    ```

    Args:
        x, y: Inputs and labels, samples along the first axis.
        batch_size: Samples in a batch; the last batch may be smaller.
        seed: Seed of the order.
        epoch: Number of the first epoch that is read.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        seed: int = 0,
        epoch: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._x, self._y = x, y
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = epoch
        self._shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self._x) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        start = index * self._batch_size
        chosen = self._order[start : start + self._batch_size]
        return self._x[chosen], self._y[chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._shuffle()

    def skip(self, epochs: int) -> None:
        """Moves on by so many epochs."""
        self._epoch += epochs
        self._shuffle()

    def _shuffle(self) -> None:
        generator = np.random.default_rng([self._seed, self._epoch])
        self._order = generator.permutation(len(self._x))


def recalibration_batches(
    x: Any, batch_size: int, validation_split: float = 0.0
) -> Iterator[Any]:
    """The inputs of some batches out of what `fit` takes as `x`.

    Args:
        x: An array, tensor or table or a structure of these, a PyDataset, with an end
            or without, a tf.data.Dataset, a torch DataLoader, or another iterable. An
            iterator gives no batches: reading it would take its data away.
        batch_size: Samples in one batch, where `x` is an array.
        validation_split: Share of the samples, at the end of an array, left out.
    """
    if isinstance(x, keras.utils.PyDataset):
        count = x.num_batches
        numbers = itertools.count() if count is None else range(count)
        yield from _inputs(x[index] for index in numbers)
        return
    if all(hasattr(array, "shape") for array in keras.tree.flatten(x)):
        x = keras.tree.map_structure(_as_array, x)
        # Keras rounds the training part down as well.
        samples = math.floor(len(keras.tree.flatten(x)[0]) * (1.0 - validation_split))
        # Spread over all samples: data is often sorted by class.
        chosen = np.linspace(0, samples - 1, min(samples, RECALIBRATION_SAMPLES))
        for start in range(0, len(chosen), batch_size):
            part = chosen[start : start + batch_size].astype(int)
            yield keras.tree.map_structure(lambda array, part=part: array[part], x)
    elif not hasattr(x, "__next__"):
        yield from _inputs(iter(x))


def _as_array(values: Any) -> Any:
    """Tensors and tables as numpy arrays, which all take an array of indices."""
    if ops.is_tensor(values):
        return ops.convert_to_numpy(values)
    return np.asarray(values)


def _inputs(batches: Iterator[Any]) -> Iterator[Any]:
    samples = 0
    for batch in batches:
        inputs, _, _ = keras.utils.unpack_x_y_sample_weight(batch)
        yield inputs
        samples += keras.tree.flatten(inputs)[0].shape[0]
        if samples >= RECALIBRATION_SAMPLES:
            return
