"""Best: the combination that our ablations favour.

They are in docs/results/ablations.md, made by scripts/ablate: the same net, trained
with one thing changed at a time, scored on training images that were held out.
"""

from __future__ import annotations

import dataclasses

from keras_nest.recipes.base import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best(Recipe):
    """Sparsities by layer, planned from the magnitudes of a model that was trained.

    For a third of the epochs train the plain model, then nest it and train all levels:
    the plan needs its magnitudes, and while there is one level training costs a third.
    """

    layers: str = "planned"
