"""Best: the combination that our ablations favour.

They are in docs/results/ablations.md, made by scripts/ablate: the same net, trained
with one thing changed at a time, scored on training images that were held out.
"""

from __future__ import annotations

import dataclasses

from keras_nest.recipes.base import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best(Recipe):
    """All levels in every step, each taught by the densest, as the package's defaults.

    Distillation is what the sparsest level gains most from. Routing "owner" gives it a
    little more and takes as much from each of the others, so that gradients are summed.
    """
