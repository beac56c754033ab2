"""DRESS: Dynamic REal-time Sparse Subnets.

Qu, Sarwar, Dong, Li, Sumbul, De Salvo (CVPR Workshops 2022), arXiv 2207.00670.

From the paper: sub-networks are sampled from one backbone by row-based unstructured
sparsity, they share parameters, and are trained jointly, in parallel, with a weighted
loss. No code is public, so that the rest is reconstructed (marked below).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import FIRST_AND_LAST, Exempt
from keras_nest.recipes.base import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dress(Recipe):
    """Row-balanced single weights, all levels in every step, a weighted joint loss.

    Reconstructed: magnitude as importance; the same sparsities for all layers; weights
    of the levels in proportion to the root of their density, as a code of the same
    research group has them; private BatchNormalization; the schedule; which layers
    stay dense, the first and the last. No distillation is told of, so there is none.
    """

    pattern: str | Pattern = "element-balanced"
    exempt: Exempt = FIRST_AND_LAST
    level_weights: str | Sequence[float] = "sqrt-density"
    distillation: float | str = 0.0
