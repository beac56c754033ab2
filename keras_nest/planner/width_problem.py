"""Widths of channel groups under one budget, as a mixed-integer linear program.

The cost of a layer is a product of two widths. It is exact here: beside a binary for
each width of a group there is a variable for each pair of widths that a layer joins,
whose sums over either side are the binaries.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize, sparse

from keras_nest.errors import NestError
from keras_nest.planner.knapsack import unsolved

Array = np.ndarray[Any, Any]

_GAP = 1e-6
_ATTEMPTS = 8


@dataclasses.dataclass
class Resource:
    """What each choice of widths takes of something else than its cost.

    Attributes:
        own: By group, what each of its widths takes by itself.
        pairs: By two groups, tables of what both take together.
        fixed: What is taken whatever is chosen.
    """

    own: list[Array]
    pairs: dict[tuple[int, int], Array] = dataclasses.field(default_factory=dict)
    fixed: float = 0.0

    def add(self, g: int | None, h: int | None, table: Array) -> None:
        """Adds a layer's, [widths of one group, widths of the other]; None: it has one
        width on that side."""
        if g is None and h is None:
            self.fixed += float(table[0, 0])
        elif g is not None and h is not None and g != h:
            self.pairs[g, h] = self.pairs.get((g, h), 0.0) + table
        else:
            one = h if g is None else g
            assert one is not None
            self.own[one] += table.ravel() if None in (g, h) else np.diagonal(table)

    def total(self, chosen: Sequence[int]) -> float:
        """What a choice takes."""
        own = sum(float(c[i]) for c, i in zip(self.own, chosen, strict=True))
        pairs = self.pairs.items()
        return (
            self.fixed
            + own
            + sum(float(table[chosen[g], chosen[h]]) for (g, h), table in pairs)
        )


@dataclasses.dataclass
class WidthProblem:
    """What each choice of widths is worth and costs.

    Attributes:
        values: By group, what each of its widths is worth by itself.
        costs: By group, what each costs by itself.
        pairs: By two groups, tables [widths of one, widths of the other] of what both
            are worth and cost together.
        moments: For each moment, the bytes that are alive whatever is chosen, and by
            group those of each of its widths.
    """

    values: list[Array]
    costs: list[Array]
    pairs: dict[tuple[int, int], tuple[Array, Array]]
    moments: list[tuple[float, dict[int, Array]]] = dataclasses.field(
        default_factory=list
    )

    def total(self, chosen: Sequence[int]) -> tuple[float, float]:
        """Value and cost of a choice, the number of a width for each group."""
        value = sum(float(v[i]) for v, i in zip(self.values, chosen, strict=True))
        cost = sum(float(c[i]) for c, i in zip(self.costs, chosen, strict=True))
        for (g, h), (worth, price) in self.pairs.items():
            value += float(worth[chosen[g], chosen[h]])
            cost += float(price[chosen[g], chosen[h]])
        return value, cost

    def peak(self, chosen: Sequence[int]) -> float:
        """The most bytes that are alive at any moment, with such a choice."""
        alive = (
            fixed + sum(float(table[chosen[g]]) for g, table in by_group.items())
            for fixed, by_group in self.moments
        )
        return max(alive, default=0.0)

    def solve(
        self,
        budget: float,
        *,
        lowest: Sequence[int] | None = None,
        highest: Sequence[int] | None = None,
        most_bytes: float | None = None,
        resource: Resource | None = None,
        most: float = math.inf,
        seconds: float = 60.0,
    ) -> list[int]:
        """The choice of the largest value within the budget.

        Args:
            budget: What it may cost.
            lowest: The first width that each group may take. Default: any.
            highest: The last width that each group may take. Default: any.
            most_bytes: How many may be alive at any moment. Default: any number.
            resource: What is limited beside the cost. Default: nothing.
            most: How much of it may be taken.
            seconds: Time after which the best choice found so far is taken.

        Raises:
            NestError: If there is none.
        """
        sizes = [len(v) for v in self.values]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        lengths = [worth.size for worth, _ in self.pairs.values()]
        count = int(starts[-1]) + sum(lengths)
        value = np.concatenate(
            [*self.values, *(worth.ravel() for worth, _ in self.pairs.values())]
        )
        cost = np.concatenate(
            [*self.costs, *(price.ravel() for _, price in self.pairs.values())]
        )
        upper = np.ones(count)
        for group, first in enumerate(lowest or []):
            upper[starts[group] : starts[group] + first] = 0
        for group, last in enumerate(highest or []):
            upper[starts[group] + last + 1 : starts[group + 1]] = 0
        binary = np.arange(count) < starts[-1]
        scale = max(self.total([size - 1 for size in sizes])[1], 1.0)
        worth_scale = max(float(np.abs(value).max(initial=0.0)), 1e-300)
        equal = optimize.LinearConstraint(*self._equalities(starts, count))
        taken = None if resource is None else self._row(resource)
        limit, most_alive, left = budget, most_bytes, most
        for _ in range(_ATTEMPTS):
            row = sparse.csr_matrix(cost[None] / scale)
            result = optimize.milp(
                -value / worth_scale,
                integrality=binary.astype(int),
                bounds=optimize.Bounds(0, upper),
                constraints=[
                    equal,
                    *self._alive(starts, count, most_alive),
                    *_at_most(taken, resource, left),
                    optimize.LinearConstraint(row, -np.inf, limit / scale),
                ],
                options={"time_limit": seconds, "mip_rel_gap": _GAP},
            )
            if result.x is None:
                raise unsolved(result, seconds)
            chosen = [
                int(np.argmax(result.x[a : a + n]))
                for a, n in zip(starts, sizes, strict=False)
            ]
            # The solver may go over a limit by its tolerance.
            over = self.total(chosen)[1] - budget
            extra = 0.0 if most_bytes is None else self.peak(chosen) - most_bytes
            more = 0.0 if resource is None else resource.total(chosen) - most
            if over <= 0 and extra <= 0 and more <= 0:
                return chosen
            limit -= 2 * max(over, 0.0)
            left -= 2 * max(more, 0.0)
            if most_alive is not None:
                most_alive -= max(extra, 0.0)
        raise NestError(
            "Expected widths within the budgets. Received: none from the solver"
        )

    def _row(self, resource: Resource) -> Array:
        """What each variable takes of a resource."""
        zeros = {key: np.zeros_like(worth) for key, (worth, _) in self.pairs.items()}
        tables = zeros | resource.pairs
        parts = [*resource.own, *(tables[key].ravel() for key in self.pairs)]
        return np.concatenate(parts)

    def _alive(self, starts: Array, count: int, most: float | None) -> list[Any]:
        """At no moment more bytes than this."""
        if most is None:
            return []
        rows = sparse.lil_matrix((len(self.moments), count))
        for number, (_, by_group) in enumerate(self.moments):
            for group, table in by_group.items():
                rows[number, starts[group] : starts[group + 1]] = table / most
        # Bytes are whole: half a byte is in reach of the solver's tolerance alone.
        left = [math.floor(most) + 0.5 - fixed for fixed, _ in self.moments]
        return [optimize.LinearConstraint(rows.tocsr(), -np.inf, np.array(left) / most)]

    def _equalities(self, starts: Array, count: int) -> tuple[Any, Any, Any]:
        """One width a group, and pairs that agree with the widths of both sides."""
        rows: list[tuple[list[int], list[float], float]] = []
        for group, values in enumerate(self.values):
            own = range(starts[group], starts[group] + len(values))
            rows.append((list(own), [1.0] * len(values), 1.0))
        start = int(starts[-1])
        for (g, h), (worth, _) in self.pairs.items():
            places = start + np.arange(worth.size).reshape(worth.shape)
            start += worth.size
            for side, table in ((g, places), (h, places.T)):
                for number in range(len(table)):
                    line = [*table[number].tolist(), int(starts[side]) + number]
                    rows.append((line, [1.0] * (len(line) - 1) + [-1.0], 0.0))
        indices = np.repeat(np.arange(len(rows)), [len(row[0]) for row in rows])
        columns = np.concatenate([row[0] for row in rows])
        data = np.concatenate([row[1] for row in rows])
        matrix = sparse.csr_matrix((data, (indices, columns)), (len(rows), count))
        right = np.array([row[2] for row in rows])
        return matrix, right, right


def _at_most(taken: Array | None, resource: Resource | None, most: float) -> list[Any]:
    if taken is None or resource is None:
        return []
    scale = max(float(np.abs(taken).max(initial=0.0)), 1.0)
    row = sparse.csr_matrix(taken[None] / scale)
    return [optimize.LinearConstraint(row, -np.inf, (most - resource.fixed) / scale)]
