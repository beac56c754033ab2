"""Nested Sparse ConvNets.

Grimaldi, Mocerino, Cipolletta, Calimera, "Dynamic ConvNets on Tiny Devices via Nested
Sparsity" (IEEE Internet of Things Journal 10(6), 2023), arXiv 2203.03324.

From the paper: blocks of 1x2 weights by magnitude, at 90, 80 and 70 % sparsity, trained
from scratch; gradient masking that routes the learning signals across the nested
subsets; in-place distillation. No code is public, so that the rest is reconstructed
(marked below).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from keras_nest.recipes.base import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class NestedSparse(Recipe):
    """1x2 blocks, each ring trained by its owner, distillation from the densest level.

    Reconstructed: "gradient masking" as routing "owner", by which a ring is updated by
    the sparsest level that holds it alone (`routing="sum"` is the other reading);
    equal weights of the levels; the divergence and its weight; private
    BatchNormalization; the schedule. That the first convolution and depthwise layers
    stay dense follows from the sizes that the paper tells.
    """

    routing: str = "owner"
    level_weights: str | Sequence[float] = "uniform"
