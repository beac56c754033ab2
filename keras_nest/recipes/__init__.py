"""The papers' ways to train nested sub-networks, by name: `nest(model, recipe=...)`.

A recipe only composes what the package has; everything in it can be given by hand.
"""

from __future__ import annotations

import difflib

from keras_nest.errors import NestError
from keras_nest.recipes.base import Recipe
from keras_nest.recipes.best import Best
from keras_nest.recipes.dress import Dress
from keras_nest.recipes.lcs import LCS
from keras_nest.recipes.nested_sparse import NestedSparse
from keras_nest.recipes.reds import REDS, batch_norm_stage
from keras_nest.recipes.us_net import UsNet

__all__ = [
    "LCS",
    "RECIPES",
    "REDS",
    "Best",
    "Dress",
    "NestedSparse",
    "Recipe",
    "UsNet",
    "batch_norm_stage",
    "recipe_of",
]

RECIPES: dict[str, type[Recipe]] = {
    "best": Best,
    "nested-sparse": NestedSparse,
    "dress": Dress,
    "lcs": LCS,
    "reds": REDS,
    "us-net": UsNet,
}


def recipe_of(value: str | Recipe | None) -> Recipe:
    """Reads what `nest` takes as `recipe`.

    Args:
        value: A name out of `RECIPES`, in any case and with - or _; a recipe with
            options; or None for the package's own defaults.

    Raises:
        NestError: If it is none of these; names the nearest recipe.
    """
    if value is None:
        return Recipe()
    if isinstance(value, Recipe):
        return value
    if isinstance(value, type) and issubclass(value, Recipe):
        return value()
    if isinstance(value, str):
        name = value.lower().replace("_", "-").replace(" ", "-")
        if name in RECIPES:
            return RECIPES[name]()
        near = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]!r}?" if near else None
    else:
        hint = "Write your own as keras_nest.recipes.Recipe(...)."
    raise NestError(
        f"Expected `recipe` to be one of {sorted(RECIPES)} or a Recipe. "
        f"Received: recipe={value!r}",
        hint=hint,
    )
