"""What `NestedModel.fit` adds to the callbacks of the user."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras

from keras_nest.errors import NestError
from keras_nest.training.batches import SeededBatches
from keras_nest.training.schedules import MaskSchedule


class MaskUpdates(keras.callbacks.Callback):
    """Ranks the masks anew when the schedule says so.

    Where Keras does not know the number of steps of an epoch, it is learnt from the
    first epoch of the call of fit, during which masks stay as ranked at its start.

    Args:
        schedule: The schedule of the model.
        stride: Steps from one call to the next (`steps_per_execution`).
    """

    def __init__(self, schedule: MaskSchedule, stride: int = 1):
        super().__init__()
        self.schedule = schedule
        self._stride = stride
        self._epoch = 0
        self._frozen = False
        self._steps: int | None = None
        self.first_epoch: int | None = None
        """The first epoch of this call of fit; None if it has had none."""
        self.progress = -1.0
        """Where in the whole training masks were last ranked in this call of fit."""
        self.finished = False
        """Whether the last epoch of the whole training has been reached."""
        self.ran_to_the_end = False
        """Whether no callback has stopped the training before that."""

    def on_train_begin(self, logs: Any = None) -> None:
        self._steps = self.params.get("steps")
        self._epochs = self.schedule.epochs or self.params["epochs"]
        self._frozen = self.model.masks_frozen
        dense_at_first = self.schedule.factor(0.0) < 1.0
        one_epoch = self._steps is None and self._epochs == 1
        if one_epoch and dense_at_first and not self._frozen:
            warnings.warn(
                "The length of the data is unknown and training has one epoch: all "
                "levels train dense, and masks are ranked only at the end. Pass "
                "`steps_per_epoch`, or train for more epochs.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.first_epoch is None:
            self.first_epoch = epoch
        self._epoch = epoch
        self._batch = -1

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._batch = batch
        if self._frozen:
            return
        if self._steps is not None:
            step, total = self._epoch * self._steps + batch, self._epochs * self._steps
        elif batch == 0:
            # The first epoch of data of unknown length: epochs are the steps.
            step, total = self._epoch, self._epochs
        else:
            return
        # `self.model` synchronizes the variables on JAX: only touched when needed.
        stride = self._stride if self._steps is not None else 1
        past_end = step >= self.schedule.end_step(total)
        if past_end or self.schedule.is_due(step, total, stride):
            self.model.update_masks(step, total, stride)
            self._frozen = self.model.masks_frozen
            self.progress = step / total

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.finished = epoch + 1 >= self._epochs
        if self._steps is None and self._batch >= 0:
            # From the number of the first step of the last execution.
            self._steps = self._batch + self._stride

    def on_train_end(self, logs: Any = None) -> None:
        epochs = self.params["epochs"]
        if self.first_epoch is None and epochs > 0:
            # Continued where only the end was left to do.
            self.finished = epochs >= self._epochs
        self.ran_to_the_end = self.finished and not self.model.stop_training

    def factor_at(self, progress: float) -> float:
        """Share of the asked sparsities of masks that were ranked at a progress."""
        total = self._epochs * (self._steps or 1)
        return self.schedule.factor_at(progress * total, total) if progress >= 0 else 0

    @property
    def epochs_until_full(self) -> int:
        """After how many epochs masks are as sparse as asked."""
        epochs = range(self._epochs)
        full = (e for e in epochs if self.factor_at(e / self._epochs) >= 1.0)
        return next(full, self._epochs)


class ContinuedOrder(keras.callbacks.Callback):
    """Moves batches on where a callback, `BackupAndRestore`, continues a training.

    Args:
        batches: What is trained on.
        initial_epoch: The epoch that their order now belongs to.
    """

    def __init__(self, batches: SeededBatches, initial_epoch: int):
        super().__init__()
        self._batches = batches
        self._initial_epoch: int | None = initial_epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._initial_epoch is not None and epoch != self._initial_epoch:
            self._batches.skip(epoch - self._initial_epoch)
        self._initial_epoch = None


class StopOnNaN(keras.callbacks.Callback):
    """Ends training at the first loss that is not finite, and says at which levels.

    Raises:
        NestError: After the step, from within `fit`.
    """

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(float(loss)):
            return
        # Means over the epoch so far: only the levels that have just failed are not
        # finite. A model of one level has no losses by level.
        names = self.model.level_names
        found = [
            name
            for name in names
            if not math.isfinite(float(logs.get(f"{name}_loss", 0.0)))
        ]
        if len(names) == 1:
            found = names
        where = ", ".join(found) or "no level, but in the distillation or a regularizer"
        raise NestError(
            f"Expected finite losses. Received: {float(loss)} in {where}, in epoch "
            f"{self._epoch + 1} up to batch {batch + 1}",
            hint="Lower the learning rate, clip gradients (the optimizer's clipnorm), "
            "and look for NaN in the data.",
        )
