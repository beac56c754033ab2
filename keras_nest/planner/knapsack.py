"""The multiple-choice knapsack over levels, as a mixed-integer linear program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize, sparse

from keras_nest.errors import NestError
from keras_nest.planner.fill import filled

Array = np.ndarray[Any, Any]

_GAP = 1e-6  # relative distance to the best plan at which the search may end
_ATTEMPTS = 8
_OUT_OF_TIME = 1  # scipy's status of a result


@dataclasses.dataclass(frozen=True)
class Solution:
    """Chosen candidates, [levels][groups], and how far from the best they may be."""

    chosen: list[list[int]]
    gap: float


def solve(
    values: Sequence[Array],
    costs: Sequence[Array],
    budgets: Sequence[float],
    *,
    lowest: Sequence[int] | None = None,
    highest: Sequence[int] | None = None,
    seconds: float = 60.0,
) -> Solution:
    """Picks one candidate of every group at every level.

    The sum of the values over all levels is the largest for which no level costs more
    than its budget and no group's candidate has a lower number than at the level
    before.

    Args:
        values: For each group, the values of its candidates.
        costs: For each group, the costs of its candidates.
        budgets: The budget of each level.
        lowest: First candidate that each group may take. Default: 0.
        highest: Last candidate that each group may take. Default: its last.
        seconds: Time after which the best solution found so far is taken.

    Raises:
        NestError: If there is none, or none was found in time.
    """
    first = list(lowest) if lowest is not None else [0] * len(values)
    last = list(highest) if highest is not None else [len(v) - 1 for v in values]
    parts = [slice(a, b + 1) for a, b in zip(first, last, strict=True)]
    problem = _Problem(
        [v[part] for v, part in zip(values, parts, strict=True)],
        [c[part] for c, part in zip(costs, parts, strict=True)],
        len(budgets),
    )
    limits = np.array(budgets, np.float64)
    for _ in range(_ATTEMPTS):
        found, gap = problem.solve(limits, seconds)
        chosen = [
            [start + int(i) for start, i in zip(first, level, strict=True)]
            for level in found
        ]
        spent = np.array(
            [sum(c[i] for c, i in zip(costs, level, strict=True)) for level in chosen]
        )
        over = spent > np.array(budgets)
        if not np.any(over):
            return Solution(filled(chosen, values, costs, budgets, last), gap)
        # The solver may go over a limit by its tolerance; whole costs may not.
        limits[over] -= 2 * (spent - np.array(budgets))[over]
    raise NestError(
        "Expected a plan within the budgets. Received: none from the solver"
    )


def unsolved(result: Any, seconds: float) -> NestError:
    """The error for a solver that has found no plan, out of time or for good."""
    if result.status == _OUT_OF_TIME:
        return NestError(
            "Expected a plan within the solver's time. "
            f"Received: none after seconds={seconds:g}",
            hint="Give it more time, or fewer densities or shares to choose from.",
        )
    return NestError(
        "Expected budgets that a plan meets. "
        f"Received: none found; the solver says: {result.message}"
    )


class _Problem:
    """The program in matrices: one variable for each level, group and candidate."""

    def __init__(self, values: list[Array], costs: list[Array], levels: int):
        self._sizes = [len(v) for v in values]
        self._levels = levels
        self._scale = max(sum(float(np.max(c)) for c in costs), 1.0)
        self._worth = max(sum(float(np.max(np.abs(v))) for v in values), 1e-300)
        self._values = np.tile(np.concatenate(values) / self._worth, levels)
        self._costs = np.concatenate(costs) / self._scale

    def solve(self, budgets: Array, seconds: float) -> tuple[list[list[int]], float]:
        eye = sparse.identity(self._levels, format="csr")
        limits = optimize.LinearConstraint(
            sparse.kron(eye, self._costs[None]), -np.inf, budgets / self._scale
        )
        one_each = optimize.LinearConstraint(sparse.kron(eye, self._groups()), 1, 1)
        constraints = [limits, one_each]
        if self._levels > 1:
            constraints.append(optimize.LinearConstraint(self._nesting(), 0, np.inf))
        result = optimize.milp(
            -self._values,
            integrality=np.ones(len(self._values)),
            bounds=optimize.Bounds(0, 1),
            constraints=constraints,
            options={"time_limit": seconds, "mip_rel_gap": _GAP},
        )
        if result.x is None:
            raise unsolved(result, seconds)
        per_level = np.split(result.x, self._levels)
        starts = np.cumsum(self._sizes)[:-1]
        chosen = [
            [int(np.argmax(group)) for group in np.split(level, starts)]
            for level in per_level
        ]
        return chosen, float(result.mip_gap or 0.0)

    def _groups(self) -> Any:
        """[groups, candidates]: 1 where a candidate is the group's."""
        blocks = [np.ones((1, size)) for size in self._sizes]
        return sparse.block_diag(blocks, format="csr")

    def _nesting(self) -> Any:
        """A level may take one of a group's first j only if the level before does."""
        first = [np.tri(size)[:-1] for size in self._sizes]
        prefixes = sparse.block_diag(first, format="csr")
        steps = sparse.eye(self._levels - 1, self._levels) - sparse.eye(
            self._levels - 1, self._levels, k=1
        )
        return sparse.kron(steps, prefixes)
