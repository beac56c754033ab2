"""The state of a model's masks in training: how far the schedule is."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_nest.errors import NestError
from keras_nest.training.schedules import MaskSchedule
from keras_nest.training.step_schedules import mask_schedule

_NOT_STARTED = -1.0


class RankedMasks(keras.Model):
    """Base of `NestedModel`: ranks the masks of its `nested_layers` on a schedule.

    Args:
        schedule: See `nest`.
    """

    def __init__(self, *, schedule: MaskSchedule | None, **kwargs: Any):
        super().__init__(**kwargs)
        self._schedule = mask_schedule(schedule)
        self._progress = self.add_weight(
            name="progress",
            shape=(),
            initializer=keras.initializers.Constant(_NOT_STARTED),
            trainable=False,
        )

    @property
    def schedule(self) -> MaskSchedule:
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: MaskSchedule) -> None:
        self._schedule = mask_schedule(schedule)
        self._progress.assign(_NOT_STARTED)

    @property
    def mask_progress(self) -> float:
        """Progress of training, to 1, when masks were last ranked; below 0 before."""
        return float(ops.convert_to_numpy(self._progress))

    @property
    def masks_frozen(self) -> bool:
        """Whether training has passed the end of the schedule, or has ended."""
        return self.mask_progress >= self._schedule.end

    def update_masks(
        self,
        step: int | None = None,
        total_steps: int | None = None,
        stride: int = 1,
    ) -> None:
        """Ranks the weights anew; for training loops of one's own (`fit` does it).

        Call it before every step: it does nothing when the schedule has nothing to do.
        From the first step at or after the schedule's end, masks are frozen.

        Args:
            step: Training step, from 0; may go beyond `total_steps`. None: now, at the
                full sparsities.
            total_steps: Number of steps of the whole training.
            stride: Distance to the step of the call before.
        """
        if step is None:
            self._rank(1.0, regrow=True)
            return
        if total_steps is None or total_steps < 1 or step < 0:
            raise NestError(
                "Expected a step of at least 0 and a number of total_steps. "
                f"Received: step={step}, total_steps={total_steps}"
            )
        past_end = step >= self._schedule.end_step(total_steps)
        unfinished = past_end and not self.masks_frozen
        if unfinished or self._schedule.is_due(step, total_steps, stride):
            factor = self._schedule.factor_at(step, total_steps)
            self._rank(factor, self._schedule.regrow)
            progress = min(step / total_steps, 1.0)
            self._progress.assign(
                max(progress, self._schedule.end) if past_end else progress
            )

    def _freeze_masks(self) -> None:
        """Ranks the weights at the full sparsities for the last time."""
        self._rank(1.0, self._schedule.regrow)
        self._progress.assign(1.0)

    def _rank(self, factor: float, regrow: bool) -> None:
        for layer in self.nested_layers:
            layer.update_mask(factor, regrow)
