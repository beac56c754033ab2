"""LCS: Learning Compressible Subspaces, unstructured sparsity.

Nunez, Horton, Prabhu, Ranjan, Farhadi, Rastegari (WACV 2023), arXiv 2110.04252, after
the code of apple/learning-compressible-subspaces.

From the code: the largest weights of each layer, one level drawn for every step (an end
of the range half of the time), density annealed over 80 % of the training, no
distillation, first layer and classifier dense, GroupNormalization.
"""

from __future__ import annotations

import dataclasses

from keras_nest.errors import NestError
from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import FIRST_AND_LAST, Exempt
from keras_nest.recipes.base import Recipe
from keras_nest.training.sampling import LevelSampler, OneLevel
from keras_nest.training.schedules import LinearRamp, MaskSchedule

VARIANTS = ("point", "line")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LCS(Recipe):
    """One random level in each step, ever sparser, on a point or a line of weights.

    Differs from the code: levels are a list, not a continuum; weights are ranked anew a
    hundred times in training, not in every step; and BatchNormalization of each level
    replaces GroupNormalization, which cannot be converted (`batch_norm="group"` for
    it). In the code the point draws levels evenly and is dense until it has trained
    for 80 %: `LCS(levels_per_step=OneLevel(ends=0.0), schedule=LinearRamp(warmup=0.8,
    full=0.8))`.

    Attributes:
        variant: "point": one set of weights, nested. "line": two sets, between which
            each level has its place; it trains and evaluates in Keras only, and gamma
            and beta are each level's own or shared, not on the line.
        penalty: Weight of the squared cosine between the two ends of the line.
    """

    pattern: str | Pattern = "element"
    exempt: Exempt = FIRST_AND_LAST
    distillation: float = 0.0
    schedule: MaskSchedule | None = dataclasses.field(default_factory=LinearRamp)
    levels_per_step: int | LevelSampler | None = dataclasses.field(
        default_factory=OneLevel
    )
    variant: str = "point"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise NestError(
                f"Expected `variant` to be one of {VARIANTS}. "
                f"Received: variant={self.variant!r}"
            )
        if not 0 <= self.penalty < float("inf"):
            raise NestError(
                "Expected `penalty` to be a finite weight of at least 0. "
                f"Received: penalty={self.penalty!r}"
            )

    @property
    def line_penalty(self) -> float | None:
        return self.penalty if self.variant == "line" else None
