"""The columns of the tables: how each of them makes and trains its levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

import keras_nest
from keras_nest.recipes import recipe_of
from reproduce import ablations, networks
from reproduce.data import Data
from reproduce.runs import Run
from reproduce.training import LOSS, Trainer

BEST = "best"
PATTERN = "1x2"  # of the columns whose paper names none

Column = Callable[[Run, Data, Trainer], Any]


def train(run: Run, data: Data, checkpoints: Path) -> tuple[Any, Trainer]:
    """Trains a run to its end.

    Args:
        run: The run.
        data: Its data.
        checkpoints: Folder of what an interrupted run goes on from.

    Returns:
        The trained model, nested but for "dense", and what trained it.
    """
    trainer = Trainer(data, run.seed, checkpoints / run.name)
    return COLUMNS[run.column](run, data, trainer), trainer


def options_of(run: Run) -> dict[str, Any] | None:
    """What a run gives `keras_nest.nest`, in words; None where nothing is nested."""
    if run.column not in RECIPES:
        return None
    options = ablations.VARIANTS[run.variant].options()
    recipe = dataclasses.replace(recipe_of(RECIPES[run.column]), **options)
    return {
        field.name: _in_words(getattr(recipe, field.name))
        for field in dataclasses.fields(recipe)
    }


def _in_words(value: Any) -> Any:
    if not hasattr(value, "get_config"):
        return value
    config = ", ".join(f"{key}={item}" for key, item in value.get_config().items())
    return f"{type(value).__name__}({config})"


def _network(run: Run, data: Data) -> keras.Model:
    keras.utils.set_random_seed(run.seed)
    return networks.NETWORKS[run.network](data.train[0].shape[1:])


def _dense(run: Run, data: Data, trainer: Trainer) -> Any:
    return trainer.train("all", lambda: _network(run, data), run.epochs)


def _by_sparsity(recipe: str | None) -> Column:
    """A column that trains nested sparsities from scratch."""

    def column(run: Run, data: Data, trainer: Trainer) -> Any:
        def make() -> Any:
            model = _network(run, data)
            return keras_nest.nest(model, run.levels, recipe=recipe, seed=run.seed)

        return trainer.train("all", make, run.epochs)

    return column


def _best(run: Run, data: Data, trainer: Trainer) -> Any:
    """Dense for a third of the epochs, then with planned sparsities by layer."""
    variant = ablations.VARIANTS[run.variant]
    options = {"recipe": BEST, **variant.options()}
    before, after = _two_stages(run, variant.dense)
    dense = _network(run, data)
    if before:
        dense = trainer.train("dense", lambda: dense, before)

    def make() -> Any:
        levels: Any = run.levels
        if run.unit == "macs":
            levels = keras_nest.plan(dense, levels, pattern=PATTERN, exempt=None)
        keras.utils.set_random_seed(run.seed)
        return keras_nest.nest(dense, levels, seed=run.seed, **options)

    return trainer.train("nested", make, after)


def _reds(run: Run, data: Data, trainer: Trainer) -> Any:
    """REDS: dense for a third of the epochs, sorted, planned widths, fine-tuned; in the
    last epoch only gamma and beta of the normalizations."""
    before, after = _two_stages(run, 1 / 3)
    dense = trainer.train("dense", lambda: _network(run, data), before)

    def make() -> Any:
        budgets = _budgets(run, dense)
        x, y = data.train
        scores = keras_nest.taylor_importance(dense, x, y, loss=LOSS)
        sorted_model, _ = keras_nest.permute_channels(dense, scores)
        scores = keras_nest.taylor_importance(sorted_model, x, y, loss=LOSS)
        widths = keras_nest.plan_widths(sorted_model, budgets, importance=scores)
        keras.utils.set_random_seed(run.seed)
        return keras_nest.nest(sorted_model, widths, recipe="reds", seed=run.seed)

    nested = trainer.train("nested", make, after - 1)

    def last_stage() -> Any:
        keras_nest.batch_norm_stage(nested)
        return nested

    return trainer.train("batch_norm", last_stage, 1)


def _two_stages(run: Run, share: float) -> tuple[int, int]:
    """Epochs of the dense model and of all levels; together those of the run."""
    dense = round(run.epochs * share)
    return dense, run.epochs - dense


def _budgets(run: Run, model: Any) -> tuple[float, ...]:
    """What the levels may cost: shares of the dense multiply-accumulates."""
    if run.unit == "macs":
        return run.levels
    return keras_nest.uniform_budgets(model, run.levels, pattern=PATTERN)


RECIPES: dict[str, str | None] = {
    "separate": None,
    "ablation": BEST,
    "best": BEST,
    "separate-best": BEST,
    "nested-sparse": "nested-sparse",
    "dress": "dress",
    "lcs": "lcs",
    "us-net": "us-net",
    "reds": "reds",
}
"""The recipes of the columns that nest; None for the package's defaults."""

COLUMNS: dict[str, Column] = {
    **{column: _by_sparsity(recipe) for column, recipe in RECIPES.items()},
    "ablation": _best,
    "best": _best,
    "separate-best": _best,
    "dense": _dense,
    "reds": _reds,
}
