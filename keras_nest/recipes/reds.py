"""REDS: Resource-Efficient Deep Subnetworks for Dynamic Resource Constraints.

Corti, Maag, Schauer, Pferschy, Saukh (IEEE Transactions on Mobile Computing 25(1),
2026), arXiv 2311.13349, after the code of
FraCorti/Deep_Subnetworks_for_Dynamic_Resource_Constraints.

From the code: a trained model's units are sorted by Taylor importance
(`taylor_importance`, `permute_channels`), a knapsack chooses how many each level keeps
(`plan_widths`), and all levels are fine-tuned in every step, weighed by the root of
their share of the weights, without distillation, with one BatchNormalization.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_nest.recipes.base import Recipe
from keras_nest.training.sampling import LevelSampler
from keras_nest.training.schedules import ConstantSparsity, MaskSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class REDS(Recipe):
    """All levels of a trained model's nested widths, fine-tuned together.

    ```python
    scores = keras_nest.taylor_importance(model, x, y, loss=loss)
    model, _ = keras_nest.permute_channels(model, scores)
    scores = keras_nest.taylor_importance(model, x, y, loss=loss)
    widths = keras_nest.plan_widths(model, (0.25, 0.5, 0.75, 1.0), importance=scores)
    nested = keras_nest.nest(model, widths, recipe="reds")
    ```

    Differs from the code: BatchNormalization trains with the rest and its statistics
    are measured over all levels at the end, where the code keeps those of the trained
    model and trains gamma and beta afterwards; channels of depthwise layers and of
    those around them have one order and one width; costs are the true ones.
    """

    batch_norm: str = "shared"
    level_weights: str | Sequence[float] = "sqrt-density"
    distillation: float | str = 0.0
    schedule: MaskSchedule | Any | None = dataclasses.field(
        default_factory=ConstantSparsity
    )
    levels_per_step: int | LevelSampler | None = None
