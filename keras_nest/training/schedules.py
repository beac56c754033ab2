"""When masks are ranked anew during training, and how sparse they then are."""

from __future__ import annotations

import abc
from typing import Any

import keras

from keras_nest.errors import NestError


class MaskSchedule(abc.ABC):
    """Base class of the schedules.

    A schedule says for the progress of training, from 0 to 1, which share of the asked
    sparsities applies. It has no state: training that is stopped, saved and continued
    updates its masks at the same steps as training that is not.

    Args:
        end: Progress from which on the masks stay as they are.
        updates: How many times in the whole training masks are ranked at most.
        epochs: Length of the whole training. None: the `epochs` of the call of fit.
            Set it where several calls of fit make up one training. Training that goes
            on for longer leaves the masks as they are.
        regrow: Whether a level may take weights back that it has lost. Weights that a
            sparse level has lost go on being trained by the denser ones; let back in,
            they push out weights that the sparse level has been trained with.
    """

    def __init__(
        self,
        end: float,
        updates: int = 100,
        epochs: int | None = None,
        regrow: bool = False,
    ):
        if not 0 <= end <= 1:
            raise NestError(
                f"Expected `end` to be a progress from 0 to 1. Received: end={end}"
            )
        if updates < 1:
            raise NestError(f"Expected at least one update. Received: {updates}")
        self.end = end
        self.updates = updates
        self.epochs = epochs
        self.regrow = regrow

    @abc.abstractmethod
    def factor(self, progress: float) -> float:
        """Share of the asked sparsities, 0 (dense) to 1, at a progress from 0 to 1."""

    def end_step(self, total_steps: int) -> float:
        """The step from which on the masks stay as they are."""
        return self.end * total_steps

    def factor_at(self, step: float, total_steps: int) -> float:
        """Share of the asked sparsities before a training step, from 0."""
        progress = min(step / total_steps, 1.0)
        if step >= self.end_step(total_steps):
            # Of the two forms of the comparison, rounding may pass only one.
            progress = max(progress, self.end)
        return self.factor(progress)

    def is_due(self, step: int, total_steps: int, stride: int = 1) -> bool:
        """Whether masks are to be ranked before this training step.

        Args:
            step: Training step, from 0; after the last of `total_steps`, as after
                `end`, masks stay as they are.
            total_steps: Number of steps of the whole training.
            stride: Distance to the step that was asked about before this one.
        """
        before = step - stride
        if before < 0:
            return True
        if before >= self.end_step(total_steps):
            return False
        # The first step at or after the end must see the final sparsities.
        if step >= self.end_step(total_steps):
            return True
        interval = step * self.updates // total_steps
        return interval != before * self.updates // total_steps

    def get_config(self) -> dict[str, Any]:
        return {
            "end": self.end,
            "updates": self.updates,
            "epochs": self.epochs,
            "regrow": self.regrow,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MaskSchedule:
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_nest")
class CubicRamp(MaskSchedule):
    """Dense at first, then sparser, fast and ever slower, then frozen.

    The cubic curve is that of Zhu and Gupta, "To prune, or not to prune" (2017).

    Args:
        warmup: Progress until which all levels are dense.
        end: Progress at which the asked sparsities are reached; masks stay from there.
        updates, epochs, regrow: See `MaskSchedule`.
    """

    def __init__(
        self,
        warmup: float = 0.05,
        end: float = 0.5,
        updates: int = 100,
        epochs: int | None = None,
        regrow: bool = False,
    ):
        super().__init__(end, updates, epochs, regrow)
        if not 0 <= warmup <= end:
            raise NestError(
                "Expected `warmup` to lie between 0 and `end`. "
                f"Received: warmup={warmup}, end={end}"
            )
        self.warmup = warmup

    def factor(self, progress: float) -> float:
        if progress >= self.end:
            return 1.0
        if progress <= self.warmup:
            return 0.0
        return 1.0 - (1.0 - (progress - self.warmup) / (self.end - self.warmup)) ** 3

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "warmup": self.warmup}


@keras.saving.register_keras_serializable(package="keras_nest")
class LinearRamp(MaskSchedule):
    """Dense at first, then sparser in equal steps, then ranked anew until the end.

    The annealed density of Nunez et al., "LCS: Learning Compressible Subspaces" (WACV
    2023).

    Args:
        warmup: Progress until which all levels are dense.
        full: Progress at which the asked sparsities are reached; the same as `warmup`
            for all at once.
        end, updates, epochs, regrow: See `MaskSchedule`.
    """

    def __init__(
        self,
        warmup: float = 0.0,
        full: float = 0.8,
        end: float = 1.0,
        updates: int = 100,
        epochs: int | None = None,
        regrow: bool = True,
    ):
        super().__init__(end, updates, epochs, regrow)
        if not 0 <= warmup <= full <= end:
            raise NestError(
                "Expected 0 <= `warmup` <= `full` <= `end`. "
                f"Received: warmup={warmup}, full={full}, end={end}"
            )
        self.warmup, self.full = warmup, full

    def factor(self, progress: float) -> float:
        if progress >= self.full:
            return 1.0
        if progress <= self.warmup:
            return 0.0
        return (progress - self.warmup) / (self.full - self.warmup)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "warmup": self.warmup, "full": self.full}


@keras.saving.register_keras_serializable(package="keras_nest")
class ConstantSparsity(MaskSchedule):
    """The asked sparsities from the first step on, ranked anew until `end`.

    With `end=0` the masks are ranked once: for fine-tuning a trained model.

    Args:
        end, updates, epochs, regrow: See `MaskSchedule`. Without regrowth all rankings
            after the first leave the masks as they are.
    """

    def __init__(
        self,
        end: float = 0.0,
        updates: int = 100,
        epochs: int | None = None,
        regrow: bool = True,
    ):
        super().__init__(end, updates, epochs, regrow)

    def factor(self, progress: float) -> float:
        return 1.0
