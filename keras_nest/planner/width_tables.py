"""What each width of a model's channel groups is worth and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import layers

from keras_nest.errors import NestError
from keras_nest.nesting.channels import channels_of
from keras_nest.nesting.kernel_calls import KernelCalls, kernel_calls
from keras_nest.planner.candidates import check_importance, combined
from keras_nest.planner.live_tensors import Moment, moments
from keras_nest.planner.width_instructions import WidthInstructions
from keras_nest.planner.width_problem import Resource, WidthProblem

Array = np.ndarray[Any, Any]


class WidthTables:
    """What each width of a model's channel groups keeps and costs.

    With a target, what it takes there as well.

    Attributes:
        groups: The groups that may be narrowed.
        counts: By group, the numbers of channels to choose from, rising.
        problem: Values and costs of the choices.
        fixed: Multiply-accumulates that no width changes.
        dense_cost: Those of the whole model.
        taken: Instructions of the choices on the target; None without one.
        dense_taken: Those of the whole model.
    """

    def __init__(
        self,
        model: Any,
        importance: str | Mapping[str, Any],
        shares: Sequence[float],
        combine: str,
        target: str | None = None,
    ):
        self._combine = combine
        flat, channels = channels_of(model)
        self.groups = channels.groups()
        self._number = {id(group): n for n, group in enumerate(self.groups)}
        self.counts = [_counts(group.size, shares) for group in self.groups]
        zeros = [np.zeros(len(values)) for values in self.counts]
        self.problem = WidthProblem(zeros, [one.copy() for one in zeros], {})
        self.taken = None if target is None else Resource([o.copy() for o in zeros])
        self.fixed, self.dense_cost, self.dense_taken = 0.0, 0.0, 0.0
        calls = kernel_calls(flat)
        predicted = None if target is None else WidthInstructions(target)
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
                before, after = None, group
                table = scores.reshape(-1, group.size).sum(axis=0)
                self._add(None, group, table[None], macs / table.size)
            else:
                before = after = None
                self.fixed += macs
            if predicted is not None:
                self._take(found, before, after, predicted)
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

    def _take(
        self, found: KernelCalls, before: Any, after: Any, predicted: WidthInstructions
    ) -> None:
        """Adds a layer's instructions."""
        assert self.taken is not None
        g = found.geometry
        inputs = g.in_c if before is None else before.size
        outputs = g.out_c if after is None else after.size
        multiple = g.out_c // outputs  # of a depthwise layer
        of = predicted.of(found, inputs)
        one, rows = self._choices(before, inputs)
        other, columns = self._choices(after, outputs)
        table = [[of(int(i), int(o) * multiple) for o in columns] for i in rows]
        self.dense_taken += of(inputs, g.out_c)
        self.taken.add(one, other, np.array(table))

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
