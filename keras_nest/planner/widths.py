"""`plan_widths`: how many channels each level keeps, with exact costs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.nesting.widths import channel_widths
from keras_nest.planner.budgets import COMBINE, check_budgets
from keras_nest.planner.width_tables import WidthTables
from keras_nest.prefixes import Widths

Array = np.ndarray[Any, Any]
SHARES = tuple(step / 16 for step in range(1, 17))
ORDERS = ("bottom-up", "top-down")


class PlannedWidths(Widths):
    """Widths within budgets; `nest` takes them as it takes sparsities.

    Attributes:
        budgets: As asked for.
        costs: Multiply-accumulates of each level: of its own channels alone, those of
            depthwise layers among them.
        dense_cost: Those of the whole model.
        instructions: With a target, those that are predicted for each level.
        dense_instructions: With a target, those of the whole model.
        peaks: By level, bytes of its int8 activations that are alive at once at most;
            see `keras_nest.planner.live_tensors.moments`.
    """

    budgets: tuple[float, ...] = ()
    costs: tuple[int, ...] = ()
    dense_cost: int = 0
    instructions: tuple[int, ...] = ()
    dense_instructions: int = 0
    peaks: tuple[int, ...] = ()


def plan_widths(
    model: Any,
    budgets: Sequence[float],
    *,
    importance: str | Mapping[str, Any] = "squares",
    shares: Sequence[float] = SHARES,
    combine: str = "product",
    order: str = "bottom-up",
    peak_memory: float | Sequence[float] | None = None,
    target: str | None = None,
    instructions: Sequence[float] | None = None,
    seconds: float = 60.0,
) -> PlannedWidths:
    """Chooses how many channels each layer keeps at each level.

    As Corti et al., "REDS: Resource-Efficient Deep Subnetworks for Dynamic Resource
    Constraints" (arXiv 2311.13349). Costs are multiply-accumulates, inputs times
    outputs; what the channels of a level are worth is what it keeps of the importance.

    Args:
        model: What `nest` takes, with sorted channels (`permute_channels`).
        budgets: What each level may cost at most, as a share of what the whole model
            costs, rising.
        importance: Layer name -> importance of each weight, as `taylor_importance`
            gives it for the sorted model; or "squares" or "magnitude" of the weights,
            as a share of the layer's. What a level keeps of it is what is maximized.
        shares: Shares of the channels to choose from, in (0, 1].
        combine: "product": the shares multiply that the layers keep of their
            importance, so that no layer is thinned out for another's sake, see
            `keras_nest.plan`; "sum": what they keep adds up, as in the paper.
        order: "bottom-up": the smallest budget first, and each level holds the one
            before; "top-down": the largest first, and each level is part of it.
        peak_memory: Bytes of int8 activations that may be alive at once, for all levels
            or one for each, not falling. Default: any number.
        target: Core that `instructions` are of, see `keras_nest.targets`.
        instructions: What each level may take at most as a share of the instructions of
            the whole model on `target`, rising, beside its budget of
            multiply-accumulates: depthwise layers, and outputs to write, cost more than
            they multiply. Predicted for the dense kernels. Default: any number.
        seconds: Time after which the solver gives the best it has, for each level.

    Raises:
        NestError: If an argument is out of range, no choice meets a budget or fits the
            memory, or two budgets give the same level.
    """
    limits = check_budgets(budgets)
    for key, value, known in (("order", order, ORDERS), ("combine", combine, COMBINE)):
        if value not in known:
            raise NestError(
                f"Expected `{key}` to be one of {known}. Received: {key}={value!r}"
            )
    most_bytes = _check_memory(peak_memory, len(limits))
    most = _check_instructions(target, instructions, len(limits))
    tables = WidthTables(model, importance, shares, combine, target)
    problem, fixed = tables.problem, tables.fixed
    dense_cost = tables.dense_cost
    _check_feasible(tables, limits[0], most_bytes[0], most[0])
    up = order == "bottom-up"
    chosen: list[list[int]] = []
    every = list(zip(limits, most_bytes, most, strict=True))
    for limit, alive, share in _in_order(every, up):
        before = chosen[-1] if chosen else None
        found = problem.solve(
            limit * dense_cost - fixed,
            lowest=before if up else None,
            highest=None if up else before,
            most_bytes=alive,
            resource=tables.taken,
            most=share * tables.dense_taken if tables.taken else math.inf,
            seconds=seconds,
        )
        chosen.append(found)
    chosen = _in_order(chosen, up)
    for level, (narrow, wide) in enumerate(itertools.pairwise(chosen)):
        if narrow == wide:
            raise NestError(
                "Expected budgets that give different levels. Received: "
                f"{limits[level]} and {limits[level + 1]}, for which levels "
                f"{level} and {level + 1} have the same widths",
                hint="Take budgets further apart, or more `shares` to choose from"
                + ("." if peak_memory is None else ", or allow more memory."),
            )
    names = {
        part.layer.name: [int(tables.counts[number][level[number]]) for level in chosen]
        for number, group in enumerate(tables.groups)
        for part in group.parts
        if part.is_producer
    }
    widths = channel_widths(model, names)
    planned = PlannedWidths(widths, depthwise=widths.depthwise)
    planned.budgets = limits
    planned.costs = tuple(round(problem.total(level)[1] + fixed) for level in chosen)
    planned.dense_cost = round(dense_cost)
    if tables.taken:
        planned.instructions = tuple(round(tables.taken.total(one)) for one in chosen)
        planned.dense_instructions = round(tables.dense_taken)
    planned.peaks = tuple(round(problem.peak(level)) for level in chosen)
    return planned


def _in_order(levels: list[Any], up: bool) -> list[Any]:
    return levels if up else levels[::-1]


def _check_memory(
    peak_memory: float | Sequence[float] | None, levels: int
) -> list[float | None]:
    """The bytes that each level may have alive at once."""
    if peak_memory is None:
        return [None] * levels
    given = [float(value) for value in np.ravel(np.asarray(peak_memory))]
    values = given * levels if np.ndim(peak_memory) == 0 else given
    rising = all(a <= b for a, b in itertools.pairwise(values))
    if len(values) != levels or not rising or not values[0] > 0:
        raise NestError(
            f"Expected `peak_memory` in bytes, one number or {levels}, above 0 and not "
            f"falling. Received: peak_memory={peak_memory!r}"
        )
    return [*values]


def _check_instructions(
    target: str | None, instructions: Sequence[float] | None, levels: int
) -> list[float]:
    """The share of the instructions that each level may take."""
    if (target is None) != (instructions is None):
        raise NestError(
            "Expected `target` and `instructions` together. Received: "
            f"target={target!r}, instructions={instructions!r}"
        )
    if instructions is None:
        return [math.inf] * levels
    shares = [float(value) for value in instructions]
    rising = all(a <= b for a, b in itertools.pairwise(shares))
    if len(shares) != levels or not rising or not all(0 < one <= 1 for one in shares):
        raise NestError(
            f"Expected `instructions` to have {levels} shares in (0, 1] that do not "
            f"fall. Received: instructions={instructions!r}"
        )
    return shares


def _check_feasible(
    tables: WidthTables, budget: float, most_bytes: float | None, most: float
) -> None:
    """Raises if the narrowest widths are too many for the narrowest level."""
    narrowest = [0] * len(tables.groups)
    least = tables.problem.total(narrowest)[1] + tables.fixed
    if least > budget * tables.dense_cost:
        smallest = np.ceil(least / tables.dense_cost * 1e4) / 1e4
        raise NestError(
            f"Expected budgets that widths meet. Received: {budget:g} for level 0; "
            f"the smallest that can be met is {smallest:g}",
            hint="Give smaller `shares` to choose from.",
        )
    if tables.taken is not None:
        share = tables.taken.total(narrowest) / tables.dense_taken
        if share > most:
            raise NestError(
                "Expected `instructions` that widths meet. Received: "
                f"{most:g} for level 0; the smallest that can be met is "
                f"{np.ceil(share * 1e4) / 1e4:g}",
                hint="Give smaller `shares` to choose from.",
            )
    peak = tables.problem.peak(narrowest)
    if most_bytes is not None and peak > most_bytes:
        raise NestError(
            "Expected a `peak_memory` that widths fit. Received: "
            f"{most_bytes:,.0f} bytes for level 0; the smallest that can be met is "
            f"{peak:,.0f} bytes",
            hint="Give smaller `shares` to choose from. What has no widths, such as "
            "the model's input, is alive at every level.",
        )
