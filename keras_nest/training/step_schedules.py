"""Schedules in training steps, as those of the TensorFlow Model Optimization Toolkit.

Its objects are read by their attributes; tfmot is never imported here. A process may
hold both: to import tfmot turns `tf.keras` into tf-keras (Keras 2), while `keras` stays
Keras 3, which is what `nest` takes. Models of Keras 3 cannot be pruned by tfmot itself.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_nest.errors import NestError
from keras_nest.training.schedules import CubicRamp, MaskSchedule

_FOREVER = -1  # tfmot's `end_step` of a schedule that does not end


@keras.saving.register_keras_serializable(package="keras_nest")
class StepSchedule(MaskSchedule):
    """Sparsities that rise between two training steps, then stay.

    `tfmot.sparsity.keras.PolynomialDecay` and `ConstantSparsity` for nested levels:
    where theirs has some share of its final sparsity, each level has that share of its
    own. A schedule that is longer than the training ends with it, at the asked
    sparsities. Masks are ranked at `end_step` too, where `frequency` passes it over:
    tfmot stays short of the asked sparsity then.

    Args:
        begin_step: First step, from 0, at which masks are ranked; dense until then.
        end_step: Step from which on masks stay as they are; -1 for the last one.
        frequency: Steps from one ranking to the next.
        start: Share of the asked sparsities at `begin_step`.
        power: Exponent of the curve from there to `end_step`; 0 for the asked
            sparsities from `begin_step` on.
        epochs: See `MaskSchedule`.
        regrow: See `MaskSchedule`; tfmot lets weights come back.
    """

    def __init__(
        self,
        begin_step: int,
        end_step: int = _FOREVER,
        frequency: int = 100,
        start: float = 0.0,
        power: float = 3.0,
        epochs: int | None = None,
        regrow: bool = True,
    ):
        super().__init__(1.0, epochs=epochs, regrow=regrow)
        ends = end_step == _FOREVER or end_step >= begin_step
        if begin_step < 0 or not ends or frequency < 1:
            raise NestError(
                "Expected 0 <= begin_step <= end_step (or end_step=-1) and a frequency "
                f"of at least 1. Received: begin_step={begin_step}, "
                f"end_step={end_step}, frequency={frequency}"
            )
        if not 0 <= start <= 1 or power < 0:
            raise NestError(
                "Expected `start` to be a share from 0 to 1 and a power of at least 0. "
                f"Received: start={start}, power={power}"
            )
        self.begin_step, self.last_step = int(begin_step), int(end_step)
        self.frequency, self.start, self.power = int(frequency), start, power

    def end_step(self, total_steps: int) -> float:
        if self.last_step == _FOREVER:
            return total_steps
        return min(self.last_step, total_steps)

    def factor(self, progress: float) -> float:
        """The curve alone, from `begin_step` (0) to `end_step` (1)."""
        if self.power == 0:
            return 1.0
        return 1.0 - (1.0 - self.start) * (1.0 - progress) ** self.power

    def factor_at(self, step: float, total_steps: int) -> float:
        end = self.end_step(total_steps)
        if step >= end:
            return 1.0
        if step < self.begin_step:
            return 0.0
        return self.factor((step - self.begin_step) / (end - self.begin_step))

    def is_due(self, step: int, total_steps: int, stride: int = 1) -> bool:
        before, end = step - stride, self.end_step(total_steps)
        if before < 0:
            return True
        if before >= end or step >= end:
            return before < end
        rankings = (step - self.begin_step) // self.frequency
        before_it = (before - self.begin_step) // self.frequency
        return step >= self.begin_step and rankings != before_it

    def get_config(self) -> dict[str, Any]:
        return {
            "begin_step": self.begin_step,
            "end_step": self.last_step,
            "frequency": self.frequency,
            "start": self.start,
            "power": self.power,
            "epochs": self.epochs,
            "regrow": self.regrow,
        }


def mask_schedule(value: Any) -> MaskSchedule:
    """Reads what `nest` takes as `schedule`.

    Args:
        value: A schedule of this package, one of tfmot's, or None for `CubicRamp()`.

    Raises:
        NestError: If it is none of these.
    """
    if value is None:
        return CubicRamp()
    if isinstance(value, MaskSchedule):
        return value
    steps: list[Any] = [
        getattr(value, name, None) for name in ("begin_step", "end_step", "frequency")
    ]
    if None not in steps:
        begin, end, frequency = steps
        if getattr(value, "target_sparsity", None) is not None:
            return StepSchedule(begin, end, frequency, power=0.0)
        names = ("initial_sparsity", "final_sparsity", "power")
        initial, final, power = (getattr(value, name, None) for name in names)
        if initial is not None and final and power is not None:
            start = initial / final
            return StepSchedule(begin, end, frequency, start=start, power=power)
    raise NestError(
        "Expected `schedule` to be a MaskSchedule of keras_nest, or PolynomialDecay or "
        f"ConstantSparsity of tfmot. Received: schedule={value!r}"
    )
