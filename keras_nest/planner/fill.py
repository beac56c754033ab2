"""Spending what a solver left of a budget.

The solver ends when it is near enough to the best value, in its own tolerance; where
the last weights are worth little, as in layers with many near 0, that leaves a large
part of a budget unused. Weights that cost nothing more are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_LEAST = 1e-300
Array = np.ndarray[Any, Any]


def filled(
    chosen: Sequence[Sequence[int]],
    values: Sequence[Array],
    costs: Sequence[Array],
    budgets: Sequence[float],
    last: Sequence[int],
) -> list[list[int]]:
    """Raises choices while a budget allows it, what is worth most for its cost first.

    Args:
        chosen: [levels][groups], not falling from level to level.
        values: For each group, the values of its candidates.
        costs: For each group, the costs of its candidates.
        budgets: The budget of each level; each level is within.
        last: Last candidate that each group may take.

    Returns:
        Choices of at least the value at every level, within the budgets, still not
        falling.
    """
    found = [list(level) for level in chosen]
    for level in reversed(range(len(found))):
        highest = found[level + 1] if level + 1 < len(found) else last
        while step := _best_step(found[level], values, costs, budgets[level], highest):
            group, candidate = step
            found[level][group] = candidate
    return found


def _best_step(
    level: Sequence[int],
    values: Sequence[Array],
    costs: Sequence[Array],
    budget: float,
    highest: Sequence[int],
) -> tuple[int, int] | None:
    """The group to raise and its new candidate, None if nothing more fits."""
    left = budget - sum(float(c[i]) for c, i in zip(costs, level, strict=True))
    best, found = 0.0, None
    for group, (now, end) in enumerate(zip(level, highest, strict=True)):
        gain = values[group][now + 1 : end + 1] - values[group][now]
        more = costs[group][now + 1 : end + 1] - costs[group][now]
        if values[group][0] == values[group][-1]:
            continue  # nothing in it is worth anything
        # Weights of 0 are taken last: what they cost is there, and training may
        # make something of them.
        ratio = gain / np.maximum(more, 1e-9) + _LEAST
        ratio = np.where((more <= left) & (gain >= 0), ratio, 0.0)
        if ratio.size and ratio.max() > best:
            best = float(ratio.max())
            found = group, now + 1 + int(np.argmax(ratio))
    return found
