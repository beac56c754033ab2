"""What `NestedModel.fit` adds to the callbacks of the user."""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.schedules import MaskSchedule


class MaskUpdates(keras.callbacks.Callback):
    """Ranks the masks anew when the schedule says so.

    Args:
        schedule: The schedule of the model.
        stride: Steps from one call to the next (`steps_per_execution`).
    """

    def __init__(self, schedule: MaskSchedule, stride: int = 1):
        super().__init__()
        self._schedule = schedule
        self._stride = stride
        self._epoch = 0
        self._frozen = False
        self._steps: int | None = None
        self.finished = False
        """Whether the last epoch of the whole training has been reached."""

    def on_train_begin(self, logs: Any = None) -> None:
        self._steps = self.params.get("steps")
        self._epochs = self._schedule.epochs or self.params["epochs"]
        self._frozen = self.model.masks_frozen

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        self._batch = -1

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._batch = batch
        if self._frozen:
            return
        if self._steps is not None:
            step, total = self._epoch * self._steps + batch, self._epochs * self._steps
        elif batch == 0:
            # Data of unknown length: the epochs are the steps.
            step, total = self._epoch, self._epochs
        else:
            return
        # `self.model` synchronizes the variables on JAX: only touched when needed.
        stride = self._stride if self._steps is not None else 1
        if self._schedule.is_due(step, total, stride):
            self.model.update_masks(step, total, stride)
            self._frozen = self.model.masks_frozen

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.finished = epoch + 1 >= self._epochs
