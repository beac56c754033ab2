"""`nest`: makes a model of several levels out of a plain one."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_nest import masks, targets
from keras_nest.bit_widths import BitWidths
from keras_nest.errors import ConversionWarning, NestError
from keras_nest.layers.base import check_routing
from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import Exempt
from keras_nest.nesting.graph import Options, nested_graph
from keras_nest.nesting.mixed import mixed_levels
from keras_nest.nesting.widths import widths_of_sparsities
from keras_nest.planner import plan, uniform_budgets
from keras_nest.prefixes import Widths
from keras_nest.recipes import Recipe, recipe_of
from keras_nest.training.nested_model import NestedModel
from keras_nest.training.sampling import LevelSampler
from keras_nest.training.schedules import MaskSchedule

__all__ = ["NestedModel", "nest"]

LAYERS = ("uniform", "planned")
BATCH_NORMS = ("private", "shared", "fixed", "group")
BY_RECIPE = "by-recipe"
CHANNEL, BITS = "channel", "bits"


def nest(
    model: keras.Model,
    sparsities: Sequence[float] | Mapping[str, Sequence[float]] | BitWidths = (
        0.9,
        0.7,
        0.0,
    ),
    *,
    widths: Sequence[float] | Widths | None = None,
    recipe: str | Recipe | None = None,
    pattern: str | Pattern | None = None,
    balanced: bool | None = None,
    layers: str | None = None,
    target: str | None = None,
    exempt: Exempt = BY_RECIPE,
    batch_norm: str | None = None,
    routing: str | None = None,
    level_weights: str | Sequence[float] | None = None,
    distillation: float | str | None = None,
    schedule: MaskSchedule | Any | None = None,
    levels_per_step: int | LevelSampler | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> NestedModel:
    """Nests sub-networks of several sparsities into the weights of a model.

    Its convolutions and Dense layers become nested layers, its submodels are laid open,
    and its weights are kept and ranked by magnitude: the result can be converted as it
    is, or trained first. The given model is not changed.

    Args:
        model: A built functional or Sequential model with one output, trained or not.
        sparsities: Share of the weights that each level leaves out, falling: level 0 is
            the sparsest and cheapest. Or a dict that gives each layer by name its own,
            which may repeat, as `keras_nest.plan` makes it; layers that are not in it
            stay dense. Or the widths that `keras_nest.channel_widths` makes; then
            levels keep the first channels, and `pattern` and `target` have no say. Or
            `keras_nest.BitWidths`, which train and evaluate in Keras only.
            Levels are then named by their sparsity over all these layers.
        widths: For levels that mix: share of the channels of all layers that each level
            keeps, not falling, or what `keras_nest.channel_widths` makes. `sparsities`,
            by level or by layer, are then of the weights between these channels, and
            need not fall; each level keeps what the one below does.
        recipe: How the papers train such models: "nested-sparse", "dress", "lcs",
            "reds" or "us-net"; or ours, "best"; or an object of `keras_nest.recipes`
            with options. What is given beside it goes before it; the defaults below are
            those without a recipe.
        pattern: What is kept or left out together: "element", or a block of output rows
            x input channels, "1x2", "1x4", "1x16", "4x4" or "4x16". Default: "1x2", or
            the choice of a plan or of `target`. A layer that cannot take it takes the
            next narrower. Or "channel": a level keeps the first channels of all layers,
            the same share of each, so that its sparsity over all kernels is the nearest
            to the asked one; `exempt`, `balanced` and `target` have no say then.
        balanced: Whether every output row keeps the same number of blocks. Default: as
            the pattern's name says ("1x2-balanced").
        layers: "uniform" (default): every layer has the asked sparsities. "planned":
            each gets its own by `keras_nest.plan` at the same multiply-accumulates,
            from its magnitudes, so train the model first. Says nothing where `layers`
            could not differ: of sparsities by layer, widths and bit widths.
        target: Core to choose the pattern for, such as "cortex-m4"; see
            `keras_nest.targets`. Nothing of it is kept in the model.
        exempt: Which convolutions and Dense layers stay dense: "first-convolution" (the
            default), "first-and-last", names of layers, a function of the layer, or
            None. Depthwise, transposed, separable and grouped convolutions always do.
        batch_norm: "private" (default): statistics, gamma and beta of each level;
            "shared": one set for all. BatchNormalization before the first nested layer
            stays stock. "fixed": one set, that of the given model, frozen; its gamma
            and beta are trained afterwards (`keras_nest.batch_norm_stage`). "group":
            GroupNormalization in place of all, which has no statistics, but cannot be
            converted; for models that are not trained yet.
        routing: "sum" (default) or "owner"; see `keras_nest.layers.base.NestedKernel`.
        level_weights: Weight of each level's loss: "sparsest-twice" (default),
            "uniform", "sqrt-density" or a list; see `training.losses.level_weights`.
        distillation: Weight of the divergence from the densest level's outputs in the
            loss of each other level; 0 for none. Default: 1. "only": it is their whole
            loss, and the densest level alone sees the labels.
        schedule: When masks are ranked anew in training: `CubicRamp()` (default),
            `LinearRamp`, `ConstantSparsity` or `StepSchedule`, or tfmot's
            PolynomialDecay or ConstantSparsity.
        levels_per_step: How many levels a training step runs, for models of many: the
            sparsest, the densest and random ones between; or 1, a random one; or a
            sampler of `keras_nest.training.sampling`. Their losses are weighed by
            `level_weights`. Default: all levels.
        seed: Seed of the random levels. Default: `keras.utils.set_random_seed` decides.
        name: Name of the new model; default: that of the given one.

    Returns:
        A `NestedModel` with one output for each level.

    Raises:
        NestError: If the model is not built, not functional or Sequential, nested
            already, or has several outputs, or if an argument is out of range.

    Example:

    ```python
    model = nest(base, sparsities=(0.9, 0.7, 0.0))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=6)
    ```
    """
    if isinstance(model, NestedModel):
        raise NestError(
            "Expected a model that is not nested. "
            f"Received: NestedModel {model.name!r}, which is nested already",
            hint="Nest the plain model, or one level of this one: model.level(0).",
        )
    given: dict[str, Any] = {
        "balanced": balanced,
        "layers": layers,
        "batch_norm": batch_norm,
        "routing": routing,
        "level_weights": level_weights,
        "distillation": distillation,
        "schedule": schedule,
        "levels_per_step": levels_per_step,
    }
    choice = recipe_of(recipe)
    choice = dataclasses.replace(
        choice, **{key: value for key, value in given.items() if value is not None}
    )
    if pattern is None and choice.pattern == CHANNEL:
        pattern = CHANNEL  # no target has a say in widths
    if widths is None:
        prefixes = _widths(model, sparsities, pattern)
    else:
        exempt = choice.exempt if exempt == BY_RECIPE else exempt
        prefixes, exempt = _mixed(model, sparsities, widths, pattern, exempt), None
    bits = _bits(sparsities, choice.pattern if pattern is None else pattern)
    if prefixes is not None:
        if not prefixes.is_mixed:
            pattern = "element"
        elif pattern is None:  # a plan's
            pattern = getattr(prefixes, "pattern", None)
        sparsities = prefixes.sparsities
    elif isinstance(sparsities, BitWidths):
        pattern, sparsities = "element", sparsities.sparsities
    values: tuple[float, ...] | dict[str, tuple[float, ...]]
    if isinstance(sparsities, Mapping):
        values = masks.check_layer_sparsities(sparsities)
        _check_no_exempt(exempt)
        exempt = None
    else:
        values = tuple(masks.check_sparsities(sparsities))
        exempt = choice.exempt if exempt == BY_RECIPE else exempt
    if choice.batch_norm not in BATCH_NORMS:
        raise NestError(
            f"Expected `batch_norm` to be one of {BATCH_NORMS}. "
            f"Received: batch_norm={choice.batch_norm!r}"
        )
    line = choice.line_penalty is not None
    if line and (prefixes is not None or bits is not None):
        received = "widths" if bits is None else "bit widths"
        raise NestError(
            f"Expected sparsities where levels lie on a line. Received: {received}"
        )
    if line and choice.routing != "sum":
        raise NestError(
            "Expected routing='sum' where levels lie on a line, as they hold no "
            f"weights of each other. Received: routing={choice.routing!r}"
        )
    if pattern is None and target is not None:
        pattern = targets.find(target).pattern
    if pattern is None:
        # A plan counts in blocks of its own pattern.
        pattern = getattr(sparsities, "pattern", None) or choice.pattern
    block = Pattern.parse(pattern, choice.balanced)
    if choice.layers not in LAYERS:
        raise NestError(
            f"Expected `layers` to be one of {LAYERS}. "
            f"Received: layers={choice.layers!r}"
        )
    free = prefixes is None and bits is None and choice.layers == "planned"
    if free and isinstance(values, tuple):
        budgets = uniform_budgets(model, values, pattern=block, exempt=exempt)
        values = dict(plan(model, budgets, pattern=block, exempt=exempt))
        exempt = None
    options = Options(
        values,
        block,
        check_routing(choice.routing),
        choice.batch_norm,
        line=line,
        prefixes=prefixes,
        bits=bits,
    )
    graph = nested_graph(model, options, exempt)
    nested = NestedModel(
        graph,
        sparsities=_of_all_layers(graph, values)
        if isinstance(values, dict)
        else values,
        level_weights=choice.level_weights,
        distillation=choice.distillation,
        schedule=choice.schedule,
        levels_per_step=choice.sampler(options.levels)
        if levels_per_step is None
        else levels_per_step,
        seed=seed,
        line_penalty=choice.line_penalty or 0.0,
        name=name or model.name,
    )
    stays = line or choice.batch_norm == "group" or (bits and not bits.on_device)
    if not stays:  # known not to convert
        _warn_of_refusal(nested)
    return nested


def _warn_of_refusal(model: NestedModel) -> None:
    """Says before the training, not after it, what `convert` would refuse."""
    # The only look ahead of this stage, and nothing that nesting depends on.
    from keras_nest.converter.freeze import freeze

    try:
        freeze(model)
    except NestError as error:
        warnings.warn(
            f"The nested model trains, but convert() will refuse it: {error}",
            ConversionWarning,
            stacklevel=3,
        )


def _widths(model: Any, sparsities: Any, pattern: Any) -> Widths | None:
    """The widths of the levels, where they are widths."""
    if isinstance(sparsities, Widths):
        return sparsities
    if pattern != CHANNEL or isinstance(sparsities, BitWidths):
        return None
    if isinstance(sparsities, Mapping):
        raise NestError(
            "Expected one sparsity for each level, or widths, with pattern 'channel'. "
            f"Received: sparsities by layer, {type(sparsities).__name__}",
            hint="Widths by layer: keras_nest.channel_widths, keras_nest.plan_widths.",
        )
    return widths_of_sparsities(model, sparsities)


def _mixed(
    model: Any, sparsities: Any, widths: Any, pattern: Any, exempt: Exempt
) -> Widths:
    """The widths of the levels, with the sparsities within them."""
    received = ""
    if pattern == CHANNEL:
        received = "pattern='channel'"
    elif isinstance(sparsities, Widths | BitWidths):
        received = type(sparsities).__name__
    if received:
        raise NestError(
            f"Expected sparsities in blocks beside `widths`. Received: {received}",
            hint="Write for example nest(model, (0.5, 0.5, 0.0), "
            "widths=(0.25, 0.5, 1.0), pattern='1x2').",
        )
    return mixed_levels(model, widths, sparsities, exempt)


def _bits(sparsities: Any, pattern: Any) -> BitWidths | None:
    """The bit widths of the levels, where they are bit widths."""
    if isinstance(sparsities, BitWidths):
        return sparsities
    if pattern == BITS:
        received = f"sparsities={sparsities!r}"
        if isinstance(sparsities, Mapping):
            received = f"{type(sparsities).__name__} by layer"
        raise NestError(
            f"Expected keras_nest.BitWidths for levels of bits. Received: {received}",
            hint="Write for example nest(model, keras_nest.BitWidths((3, 4, 6, 8))).",
        )
    return None


def _check_no_exempt(exempt: Exempt) -> None:
    """Layers with sparsities of their own are masked, and no others."""
    if exempt is not None and exempt != BY_RECIPE:
        raise NestError(
            "Expected no `exempt` beside sparsities by layer. "
            f"Received: exempt={exempt!r}",
            hint="Leave a layer out of the dict to keep it dense.",
        )


def _of_all_layers(
    graph: keras.Model, by_layer: Mapping[str, tuple[float, ...]]
) -> tuple[float, ...]:
    """The sparsity of each level over the weights of all layers that have masks."""
    sizes = [math.prod(graph.get_layer(name).kernel.shape) for name in by_layer]
    shares = np.average(list(by_layer.values()), axis=0, weights=sizes)
    return tuple(float(share) for share in shares)
