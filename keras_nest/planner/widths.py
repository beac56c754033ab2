"""`plan_widths`: how many channels each level keeps, with exact costs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import layers

from keras_nest.errors import NestError
from keras_nest.nesting.channels import channels_of
from keras_nest.nesting.kernel_calls import KernelCalls, kernel_calls
from keras_nest.nesting.widths import channel_widths
from keras_nest.planner.budgets import COMBINE, check_budgets
from keras_nest.planner.candidates import check_importance, combined
from keras_nest.planner.live_tensors import Moment, moments
from keras_nest.planner.width_problem import WidthProblem
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
        peaks: By level, bytes of its int8 activations that are alive at once at most;
            see `keras_nest.planner.live_tensors.moments`.
    """

    budgets: tuple[float, ...] = ()
    costs: tuple[int, ...] = ()
    dense_cost: int = 0
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
    tables = _Tables(model, importance, shares, combine)
    problem, fixed = tables.problem, tables.fixed
    dense_cost = tables.dense_cost
    _check_feasible(tables, limits[0], most_bytes[0])
    up = order == "bottom-up"
    chosen: list[list[int]] = []
    for limit, most in _in_order(list(zip(limits, most_bytes, strict=True)), up):
        before = chosen[-1] if chosen else None
        found = problem.solve(
            limit * dense_cost - fixed,
            lowest=before if up else None,
            highest=None if up else before,
            most_bytes=most,
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


def _check_feasible(tables: _Tables, budget: float, most_bytes: float | None) -> None:
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
    peak = tables.problem.peak(narrowest)
    if most_bytes is not None and peak > most_bytes:
        raise NestError(
            "Expected a `peak_memory` that widths fit. Received: "
            f"{most_bytes:,.0f} bytes for level 0; the smallest that can be met is "
            f"{peak:,.0f} bytes",
            hint="Give smaller `shares` to choose from. What has no widths, such as "
            "the model's input, is alive at every level.",
        )


class _Tables:
    """What each width of a model's channel groups keeps and costs.

    Attributes:
        groups: The groups that may be narrowed.
        counts: By group, the numbers of channels to choose from, rising.
        problem: Values and costs of the choices.
        fixed: Multiply-accumulates that no width changes.
        dense_cost: Those of the whole model.
    """

    def __init__(
        self,
        model: Any,
        importance: str | Mapping[str, Any],
        shares: Sequence[float],
        combine: str,
    ):
        self._combine = combine
        flat, channels = channels_of(model)
        self.groups = channels.groups()
        self._number = {id(group): n for n, group in enumerate(self.groups)}
        self.counts = [_counts(group.size, shares) for group in self.groups]
        zeros = [np.zeros(len(values)) for values in self.counts]
        self.problem = WidthProblem(zeros, [one.copy() for one in zeros], {})
        self.fixed, self.dense_cost = 0.0, 0.0
        calls = kernel_calls(flat)
        check_importance(importance, [found.layer.name for found in calls])
        if not self.groups:
            raise NestError(
                "Expected a model with channels that can be left out. Received: none"
            )
        ends = {id(layer): (a, b) for layer, a, b in channels.kernels()}
        for found in calls:
            scores = _scores(found, importance)
            macs = float(scores.size * found.positions)
            self.dense_cost += macs
            group = channels.read_by(found.layer)
            if id(found.layer) in ends:
                before, after = ends[id(found.layer)]
                table = scores.reshape(-1, before.size, after.size).sum(axis=0)
                self._add(before, after, table, macs / table.size)
            elif isinstance(found.layer, layers.DepthwiseConv2D) and group is not None:
                table = scores.reshape(-1, group.size).sum(axis=0)
                self._add(None, group, table[None], macs / table.size)
            else:
                self.fixed += macs
        for moment in moments(flat, channels):
            self.problem.moments.append(self._bytes(moment))

    def _bytes(self, moment: Moment) -> tuple[float, dict[int, Array]]:
        """Bytes alive at a moment whatever is chosen, and by group for each choice."""
        numbers = {self._number[key]: each for key, each in moment.by_group.items()}
        return float(moment.fixed), {
            number: each * self.counts[number].astype(float)
            for number, each in numbers.items()
        }

    def _add(self, before: Any, after: Any, table: Array, unit: float) -> None:
        """Adds a layer, by the importance of each (input, output) channel.

        `unit`: cost of one input channel of one output channel.
        """
        kept = np.zeros((table.shape[0] + 1, table.shape[1] + 1))
        kept[1:, 1:] = table.cumsum(axis=0).cumsum(axis=1)
        g, rows = self._choices(before, table.shape[0])
        h, columns = self._choices(after, table.shape[1])
        values = combined(kept[np.ix_(rows, columns)], kept[-1, -1], self._combine)
        costs = unit * np.outer(rows, columns)
        problem = self.problem
        if g is None and h is None:
            self.fixed += float(costs[0, 0])
        elif g is None or h is None or g == h:
            one = h if g is None else g
            assert one is not None
            is_pair = g is not None and h is not None
            problem.values[one] += np.diagonal(values) if is_pair else values.ravel()
            problem.costs[one] += np.diagonal(costs) if is_pair else costs.ravel()
        else:
            worth, price = problem.pairs.get((g, h), (0.0, 0.0))
            problem.pairs[g, h] = (worth + values, price + costs)

    def _choices(self, group: Any, size: int) -> tuple[int | None, Array]:
        number = None if group is None else self._number.get(id(group))
        return number, np.array([size]) if number is None else self.counts[number]


def _counts(size: int, shares: Sequence[float]) -> Array:
    values = [float(share) for share in shares]
    if not values or not all(0 < value <= 1 for value in values):
        raise NestError(
            f"Expected shares above 0 and at most 1. Received: shares={tuple(shares)}"
        )
    return np.unique([max(1, round(value * size)) for value in values])


def _scores(found: KernelCalls, importance: str | Mapping[str, Any]) -> Array:
    """Importance of each weight, of the kernel's shape."""
    kernel = found.kernel.astype(np.float64)
    if isinstance(importance, Mapping):
        given = np.asarray(importance.get(found.layer.name, np.zeros(kernel.shape)))
        if given.shape != kernel.shape or not np.all(np.isfinite(given)):
            raise NestError(
                f"Expected finite importances of shape {kernel.shape} for layer "
                f"{found.layer.name!r}. Received: shape={given.shape}"
            )
        return given.astype(np.float64)
    values = np.abs(kernel) if importance == "magnitude" else np.square(kernel)
    return np.asarray(values / max(float(values.sum()), np.finfo(np.float64).tiny))
