"""What a recipe decides, and the package's own defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import FIRST_CONVOLUTION, Exempt
from keras_nest.training.sampling import LevelSampler, Sandwich
from keras_nest.training.schedules import MaskSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the levels of a model are chosen and trained; every field is one of `nest`.

    The defaults are those of `nest`. A subclass is a recipe of its own name; an object
    with other fields, such as `Dress(routing="owner")`, is that recipe changed.

    Attributes:
        pattern, balanced, layers, exempt, batch_norm, routing, level_weights,
            distillation, schedule, levels_per_step: See `keras_nest.nest`.
    """

    pattern: str | Pattern = "1x2"
    balanced: bool | None = None
    layers: str = "uniform"
    exempt: Exempt = FIRST_CONVOLUTION
    batch_norm: str = "private"
    routing: str = "sum"
    level_weights: str | Sequence[float] = "sparsest-twice"
    distillation: float | str = 1.0
    schedule: MaskSchedule | Any | None = None
    levels_per_step: int | LevelSampler | None = None

    def sampler(self, levels: int) -> int | LevelSampler | None:
        """Its `levels_per_step` for a model of so many levels.

        A sandwich of at least as many as the model has is all of them.
        """
        chosen = self.levels_per_step
        all_of_them = isinstance(chosen, Sandwich) and chosen.slots >= levels
        return None if all_of_them else chosen

    @property
    def line_penalty(self) -> float | None:
        """Weight of the line's regularizer; None where levels are nested."""
        return None
