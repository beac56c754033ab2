"""LCS: Learning Compressible Subspaces.

Nunez, Horton, Prabhu, Ranjan, Farhadi, Rastegari (WACV 2023), arXiv 2110.04252, after
the code of apple/learning-compressible-subspaces.

From the code, for all kinds of levels: no distillation, and a normalization without
statistics. Unstructured: the largest weights of each layer, one level drawn for every
step (an end of the range half of the time), density annealed over 80 % of the training,
first layer and classifier dense, GroupNormalization. Structured: the first channels of
every layer, without importance, the same share of each; four widths in every step, the
two ends among them; InstanceNormalization. Bit widths: affine quantization of each
layer's weights by their range, with a straight-through gradient from the first step on;
one level for every step; first layer and classifier not quantized; GroupNormalization.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from keras_nest.errors import NestError
from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import FIRST_AND_LAST, Exempt
from keras_nest.recipes.base import Recipe
from keras_nest.training.sampling import OneLevel, Sandwich
from keras_nest.training.schedules import ConstantSparsity, LinearRamp, MaskSchedule

VARIANTS = ("point", "line")
BY_KIND = "by-kind"

_OF_KIND = ("pattern", "schedule", "levels_per_step")
_BY_KIND: dict[str, tuple[Callable[[], Any], ...]] = {
    "unstructured": (lambda: "element", LinearRamp, OneLevel),
    "structured": (lambda: "channel", ConstantSparsity, Sandwich),
    "bits": (lambda: "bits", ConstantSparsity, lambda: OneLevel(ends=0.0)),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LCS(Recipe):
    """Random levels in each step, on a point or a line of weights.

    ```python
    nest(model, (0.95, 0.8, 0.5), recipe="lcs")
    nest(model, (0.9, 0.7, 0.4, 0.0), recipe=LCS(kind="structured"))
    nest(model, BitWidths((3, 4, 5, 6, 7, 8)), recipe=LCS(kind="bits"))
    ```

    Differs from the code: levels are a list, not a continuum; weights are ranked anew a
    hundred times in training, not in every step; and BatchNormalization of each level
    replaces the normalizations without statistics, which cannot be converted
    (`batch_norm="group"` for GroupNormalization). In the code the unstructured point
    draws levels evenly and is dense until it has trained for 80 %: `LCS(
    levels_per_step=OneLevel(ends=0.0), schedule=LinearRamp(warmup=0.8, full=0.8))`. The
    losses of the widths of a step are averaged, not summed. Bit widths are drawn as the
    code's line draws them, one for all layers, and activations stay as they are, where
    the code quantizes them too in the last 20 % of the training.

    Attributes:
        kind: "unstructured": levels keep single weights; "structured": levels are
            widths; "bits": levels are bit widths (`keras_nest.BitWidths`), which train
            and evaluate in Keras only. Pattern, schedule and levels of a step follow
            from it where they are not given.
        variant: "point": one set of weights, nested. "line": two sets, between which
            each level has its place; it trains and evaluates in Keras only, and gamma
            and beta are each level's own or shared, not on the line.
        penalty: Weight of the squared cosine between the two ends of the line.
    """

    pattern: str | Pattern = BY_KIND
    exempt: Exempt = FIRST_AND_LAST
    level_weights: str | Sequence[float] = "uniform"
    distillation: float | str = 0.0
    schedule: MaskSchedule | Any | None = BY_KIND
    levels_per_step: Any = BY_KIND  # else as of Recipe
    kind: str = "unstructured"
    variant: str = "point"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        for key, known in (("kind", tuple(_BY_KIND)), ("variant", VARIANTS)):
            if (value := getattr(self, key)) not in known:
                raise NestError(
                    f"Expected `{key}` to be one of {known}. Received: {key}={value!r}"
                )
        if self.variant == "line" and self.kind != "unstructured":
            raise NestError(
                "Expected variant='point' for levels that are no sparsities. "
                f"Received: variant='line', kind={self.kind!r}",
                hint="Of widths, only gamma and beta are on the line in the code, and "
                "those of each level are its own here, which a line cannot surpass.",
            )
        if not 0 <= self.penalty < float("inf"):
            raise NestError(
                "Expected `penalty` to be a finite weight of at least 0. "
                f"Received: penalty={self.penalty!r}"
            )
        defaults = zip(_OF_KIND, _BY_KIND[self.kind], strict=True)
        for key, make in defaults:
            if getattr(self, key) == BY_KIND:
                object.__setattr__(self, key, make())

    @property
    def line_penalty(self) -> float | None:
        return self.penalty if self.variant == "line" else None
