"""Slimmable and universally slimmable networks, the usual nested widths.

Yu, Yang, Xu, Yang, Huang, "Slimmable Neural Networks" (ICLR 2019), arXiv 1812.08928;
Yu and Huang, "Universally Slimmable Networks and Improved Training Techniques" (ICCV
2019), arXiv 1903.05134; after the code of JiahuiYu/slimmable_networks.

From the papers: a level keeps the first channels of all layers, the same share of each;
every step trains the narrowest, the widest and two random widths (the sandwich rule);
the widest learns from the labels, and the others from the widest alone (in-place
distillation). Trained from scratch, without any importance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_nest.masks import Pattern
from keras_nest.recipes.base import Recipe
from keras_nest.training.sampling import LevelSampler, Sandwich
from keras_nest.training.schedules import ConstantSparsity, MaskSchedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class UsNet(Recipe):
    """Dense widths: the sandwich rule and in-place distillation.

    ```python
    nest(model, (0.9, 0.8, 0.7), recipe="us-net")  # widths of these sparsities
    nest(model, channel_widths(model, (0.25, 0.5, 1.0)), recipe="us-net")
    ```

    Differs from the code: levels are a list, not a continuum (a model of four levels or
    fewer runs all of them in every step); each level has its own BatchNormalization,
    statistics, gamma and beta, as in the first paper, where the second measures the
    statistics of each width after training; levels' losses are averaged, not summed.
    The first paper's own way: `UsNet(distillation=0.0, levels_per_step=None)`.
    """

    pattern: str | Pattern = "channel"
    level_weights: str | Sequence[float] = "uniform"
    distillation: float | str = "only"
    schedule: MaskSchedule | Any | None = dataclasses.field(
        default_factory=ConstantSparsity
    )
    levels_per_step: int | LevelSampler | None = dataclasses.field(
        default_factory=Sandwich
    )
