"""`plan`: the densities of all layers that keep the most within the budgets."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest import masks
from keras_nest.converter.choose import TOLERANCE
from keras_nest.errors import NestError
from keras_nest.levels import one_for_each
from keras_nest.masks import Pattern
from keras_nest.nesting.exempt import FIRST_CONVOLUTION, Exempt
from keras_nest.nesting.graph import Options, nested_graph
from keras_nest.nesting.kernel_calls import kernel_calls
from keras_nest.planner.candidates import (
    Choices,
    Cost,
    PlannedLayer,
    choices,
    layers_of,
    macs,
)
from keras_nest.planner.footprint import Packer
from keras_nest.planner.instructions import instructions
from keras_nest.planner.knapsack import Solution, solve
from keras_nest.planner.result import Plan
from keras_nest.training.nested_model import NestedModel

COMBINE = ("sum", "product")
ORDERS = ("bottom-up", "top-down", "joint")
_PACKINGS = 8
_STEP = 5e-4
GRID = tuple(step / 40 for step in range(1, 41))


def plan(
    model: Any,
    budgets: Sequence[float],
    *,
    pattern: str | Pattern = "1x2",
    balanced: bool | None = None,
    exempt: Exempt = FIRST_CONVOLUTION,
    cost: Cost | str = macs,
    importance: str | Mapping[str, Any] = "squares",
    combine: str = "product",
    densities: Sequence[float] = GRID,
    order: str = "bottom-up",
    seconds: float = 60.0,
) -> Plan:
    """Chooses for every layer how sparse it is at each level.

    Of all choices that meet the budgets, it is the one that keeps the most importance:
    for each level in turn, or in the sum over all levels. A layer's density never falls
    from a level to the next denser one.

    Args:
        model: What `nest` takes; train it first, as its magnitudes decide.
        budgets: What each level may cost at most, as a share of what the dense model
            costs, rising: level 0 is the cheapest. Layers that stay dense count.
        pattern: See `keras_nest.nest`; it is passed on with the plan.
        balanced: See `keras_nest.nest`.
        exempt: See `keras_nest.nest`.
        cost: What a layer costs for one sample at a density: multiply-accumulates
            (the default), a core's predicted instructions by its name ("cortex-m4"; see
            `keras_nest.planner.instructions`), or any function of a `PlannedLayer` and
            a share of its blocks. Asked for layers that stay dense as well, with their
            density.
        importance: "squares" or "magnitude": the share that a layer keeps of the sum
            of its squared weights or of their magnitudes, so that all layers count
            alike; it is what a normalization leaves of a layer's scale. Or by layer
            name an array of the kernel's shape, counted as it is, such as |weight x
            gradient|; a layer that is not named has no importance. Weights are ranked
            by magnitude in any case, as the masks do.
        combine: "product": the layers' kept shares multiply, as errors of layers after
            one another do, so that no layer is thinned out for another's sake; "sum":
            their importances add up, by which a layer whose weights are used often,
            as of the first convolutions, is left with next to nothing.
        densities: Shares of a layer's blocks to choose from, in (0, 1]; each layer
            rounds them to whole blocks. Default: forty, evenly spaced.
        order: "bottom-up": the sparsest level first, and each level holds the one
            before; "top-down": the densest first; "joint": all at once.
        seconds: Time after which the solver gives the best it has (for each level,
            unless "joint").

    Returns:
        A `Plan`: a mapping from layer names to sparsities, which `nest` takes.

    Raises:
        NestError: If an argument is out of range, no plan meets a budget, two budgets
            are so near that they give the same level, or the model cannot be nested.

    Example:

    ```python
    choice = plan(model, budgets=(0.25, 0.5, 0.75))
    print(choice)
    nested = nest(model, choice)
    ```
    """
    shares = check_budgets(budgets)
    grid = _check_densities(densities)
    for key, value, known in (("order", order, ORDERS), ("combine", combine, COMBINE)):
        if value not in known:
            raise NestError(
                f"Expected `{key}` to be one of {known}. Received: {key}={value!r}"
            )
    block = Pattern.parse(pattern, balanced)
    unit = "MACs" if cost is macs else "cost"
    packer = None
    if isinstance(cost, str):
        packer = Packer(cost)
        cost, unit = instructions(cost), "instructions"
    layers = _layers(model, len(shares), block, exempt, importance)
    all_choices = [choices(layer, grid, cost, combine) for layer in layers]
    dense_cost = sum(float(cost(one.layer, 1.0)) for one in all_choices)
    planned = [one for one in all_choices if one.layer.pattern is not None]
    fixed = [one for one in all_choices if one.layer.pattern is None]
    left = np.array(shares) * dense_cost - sum(one.costs for one in fixed)
    for _ in range(_PACKINGS):
        _check_feasible(planned, shares, dense_cost, left)
        solution = _solve(planned, list(left), order, seconds)
        made = Plan(
            choices=all_choices,
            chosen=solution.chosen,
            budgets=shares,
            dense_cost=dense_cost,
            pattern=block,
            gap=solution.gap,
            unit=unit,
        )
        over = 0.0 if packer is None else _over(made, packer)
        if not np.any(over):
            break
        # A little more: the next plan is over by other layers.
        left -= np.where(over > 0, over + _STEP * np.array(shares) * dense_cost, 0.0)
    _check_differ(solution, shares)
    return made


def _over(made: Plan, packer: Packer) -> Any:
    """Instructions above each level's budget when all levels are packed in one op.

    Then only the densest level can have a layer's weights dense, where the planner
    counts every level by itself. A budget of all is met by what the tables resolve.
    """
    limits = np.array(made.budgets) * made.dense_cost
    limits[np.array(made.budgets) == 1] *= TOLERANCE
    return np.maximum(packer.instructions(made) - limits, 0.0)


def uniform_budgets(
    model: Any,
    sparsities: Sequence[float],
    *,
    pattern: str | Pattern = "1x2",
    balanced: bool | None = None,
    exempt: Exempt = FIRST_CONVOLUTION,
    cost: Cost | str = macs,
) -> tuple[float, ...]:
    """What levels cost that have the same sparsity in every layer.

    For a plan whose levels cost what these would:
    `plan(model, uniform_budgets(model, (0.9, 0.8, 0.7)))`.

    Args:
        model: What `nest` takes.
        sparsities: Of each level, falling, as `nest` takes them.
        pattern: See `plan`; give both the same, of this and what follows.
        balanced: See `plan`.
        exempt: See `plan`.
        cost: See `plan`.

    Returns:
        For each level its share of what the dense model costs, as `plan` takes them.

    Raises:
        NestError: If an argument is out of range, or the model cannot be nested.
    """
    asked = masks.check_sparsities(sparsities)
    block = Pattern.parse(pattern, balanced)
    if isinstance(cost, str):
        cost = instructions(cost)
    layers = _layers(model, 1, block, exempt, "squares")

    def total(density: float) -> float:
        return sum(
            float(cost(one, 1.0 if one.pattern is None else density)) for one in layers
        )

    return tuple(total(1.0 - sparsity) / total(1.0) for sparsity in asked)


def _layers(
    model: Any,
    levels: int,
    block: Pattern,
    exempt: Exempt,
    importance: str | Mapping[str, Any],
) -> list[PlannedLayer]:
    if isinstance(model, NestedModel):
        raise NestError(
            "Expected a model that is not nested. "
            f"Received: NestedModel {model.name!r}, which is nested already",
            hint="Plan for the plain model, or for one level: model.level(0).",
        )
    dense = Options((0.0,) * levels, block)
    graph = nested_graph(model, dense, exempt)
    return layers_of(kernel_calls(graph), levels, importance)


def check_budgets(budgets: Sequence[float]) -> tuple[float, ...]:
    """Checks the budgets of the levels: shares of the dense cost, rising.

    Raises:
        NestError: If they cannot be ordered into levels, or one is out of range.
    """
    hint = "Level 0 is the cheapest: write for example budgets=(0.25, 0.5, 1.0)."
    values = one_for_each("budgets", budgets, hint)
    if not all(0 < value <= 1 for value in values):
        raise NestError(
            "Expected every budget to be above 0 and at most 1, the dense model's "
            f"cost. Received: budgets={values}",
            hint=hint,
        )
    if any(denser <= sparser for sparser, denser in itertools.pairwise(values)):
        raise NestError(
            "Expected the budgets to rise from level to level. "
            f"Received: budgets={values}",
            hint=hint,
        )
    return values


def _check_densities(densities: Sequence[float]) -> tuple[float, ...]:
    values = tuple(sorted({float(value) for value in densities}))
    if not values or not all(0 < value <= 1 for value in values):
        raise NestError(
            "Expected densities above 0 and at most 1. "
            f"Received: densities={tuple(densities)}"
        )
    return values


def _check_feasible(
    planned: list[Choices], shares: Sequence[float], dense_cost: float, left: Any
) -> None:
    if not planned:
        raise NestError(
            "Expected a model with layers that can get masks. Received: none",
            hint="Exempt fewer layers.",
        )
    least = sum(float(one.costs.min()) for one in planned)
    for level, (share, rest) in enumerate(zip(shares, left, strict=True)):
        if least > rest:
            smallest = share + (least - rest) / dense_cost
            raise NestError(
                f"Expected budgets that a plan meets. Received: {share:g} for level "
                f"{level}; the smallest that can be met is {_rounded_up(smallest):g}",
                hint="Raise the budget. Layers that stay dense cost the same at every "
                "level: exempt fewer, or give smaller `densities`.",
            )


def _rounded_up(share: float) -> float:
    return float(np.ceil(share * 1e4) / 1e4)


def _solve(
    planned: list[Choices], budgets: list[float], order: str, seconds: float
) -> Solution:
    values = [one.values for one in planned]
    costs = [one.costs for one in planned]
    if order == "joint":
        return solve(values, costs, budgets, seconds=seconds)
    chosen: list[list[int]] = []
    gaps = []
    up = order == "bottom-up"
    for budget in budgets if up else reversed(budgets):
        before = chosen[-1] if chosen else None
        bound = {"lowest" if up else "highest": before}
        found = solve(values, costs, [budget], seconds=seconds, **bound)
        chosen += found.chosen
        gaps.append(found.gap)
    return Solution(chosen if up else chosen[::-1], max(gaps))


def _check_differ(solution: Solution, shares: Sequence[float]) -> None:
    for level, (sparser, denser) in enumerate(itertools.pairwise(solution.chosen)):
        if sparser == denser:
            raise NestError(
                "Expected budgets that give different levels. Received: "
                f"{shares[level]} and {shares[level + 1]}, for which levels "
                f"{level} and {level + 1} are the same in every layer",
                hint="Take budgets further apart, or more `densities` to choose from.",
            )
