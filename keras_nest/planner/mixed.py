"""`plan_mixed`: how wide and how sparse each level is, within budgets."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.masks import Pattern
from keras_nest.mixed_masks import level_of_mixed
from keras_nest.nesting.channels import channels_of
from keras_nest.nesting.exempt import FIRST_CONVOLUTION, Exempt, exempt_layers
from keras_nest.nesting.kernel_calls import KernelCalls, kernel_calls
from keras_nest.nesting.kinds import KERNELS, has_nested_kind
from keras_nest.nesting.mixed import with_sparsities
from keras_nest.nesting.widths import widths_that_repeat
from keras_nest.planner.budgets import check_budgets
from keras_nest.planner.candidates import check_importance
from keras_nest.planner.mixed_costs import LevelCost, instructions, macs
from keras_nest.prefixes import ChannelPrefix, Widths

Array = np.ndarray[Any, Any]
SHARES = tuple(step / 8 for step in range(1, 9))
_SPARSEST = 0.98
_TRIES = 12
_NEAR = 0.005  # of a budget, left unspent
_LEAST = 1e-9  # a share whose logarithm still can be added up


class MixedPlan(Widths):
    """Widths and sparsities within budgets; `nest` takes them as it takes sparsities.

    Attributes:
        pattern: The pattern that the plan is made for.
        shares: By level, the share of its channels that each layer keeps.
        within: By level, the sparsity between these channels.
        budgets: As asked for.
        costs: What each level costs, in the unit that was asked for.
        dense_cost: What the whole model costs.
        kept: By level, the product of the shares that the layers keep of their
            importance.
    """

    pattern: Pattern = Pattern()
    shares: tuple[float, ...] = ()
    within: tuple[float, ...] = ()
    budgets: tuple[float, ...] = ()
    costs: tuple[float, ...] = ()
    dense_cost: float = 0.0
    kept: tuple[float, ...] = ()


def plan_mixed(
    model: Any,
    budgets: Sequence[float],
    *,
    pattern: str | Pattern = "1x2",
    exempt: Exempt = FIRST_CONVOLUTION,
    cost: str = "macs",
    importance: str | Mapping[str, Any] = "squares",
    shares: Sequence[float] = SHARES,
) -> MixedPlan:
    """Chooses for each level how wide it is, and how sparse within its width.

    Of all widths, the same share of the channels of all layers, each with the least
    sparsity that is within the budget, a level takes the one with which the layers
    keep most of their importance: the product of the shares that they keep. The
    cheapest level is chosen first, and each holds the one below.

    Args:
        model: What `nest` takes; trained, with sorted channels (`permute_channels`).
        budgets: What each level may cost at most, as a share of what the whole model
            costs, rising. All layers with weights count.
        pattern: See `nest`.
        exempt: Layers that have widths alone; see `nest`.
        cost: "macs", or a core whose predicted instructions count, such as
            "cortex-m4": those of each level by itself, in its fastest encoding.
        importance: "squares" or "magnitude" of the weights, or by layer name an array
            of the kernel's shape; what a layer keeps is a share of its sum.
        shares: Shares of the channels to choose from, in (0, 1].

    Raises:
        NestError: If an argument is out of range, no choice meets a budget, or two
            budgets give the same level.

    Example:

    ```python
    model = keras_nest.nest(base, keras_nest.plan_mixed(base, (0.1, 0.3, 0.6, 1.0)))
    ```
    """
    limits = check_budgets(budgets)
    search = _Search(model, pattern, exempt, cost, importance, shares)
    chosen: list[tuple[int, float]] = []
    costs: list[float] = []
    kept: list[float] = []
    for limit in limits:
        found = search.best(chosen, limit * search.dense_cost)
        if found is None:
            raise NestError(
                f"Expected budgets that mixed levels meet. Received: {limit:g} for "
                f"level {len(chosen)}, which every width exceeds",
                hint="Raise the budget, or give smaller `shares` to choose from.",
            )
        chosen.append(found)
        costs.append(search.cost(chosen))
        kept.append(float(np.exp(search.value(chosen))))
    for level, (below, above) in enumerate(itertools.pairwise(costs)):
        if below >= above:
            raise NestError(
                "Expected budgets that give different levels. Received: "
                f"{limits[level]} and {limits[level + 1]}, for which levels {level} "
                f"and {level + 1} cost the same",
                hint="Take budgets further apart, or more `shares` to choose from.",
            )
    widths = search.widths(chosen)
    plan = MixedPlan(widths, depthwise=widths.depthwise)
    plan.pattern = search.pattern
    plan.shares = tuple(search.shares[number] for number, _ in chosen)
    plan.within = tuple(sparsity for _, sparsity in chosen)
    plan.budgets, plan.costs = limits, tuple(costs)
    plan.dense_cost, plan.kept = search.dense_cost, tuple(kept)
    return plan


class _Search:
    """What levels of a model cost and keep: each a number of a share, a sparsity."""

    def __init__(
        self,
        model: Any,
        pattern: str | Pattern,
        exempt: Exempt,
        cost: str,
        importance: str | Mapping[str, Any],
        shares: Sequence[float],
    ):
        self.pattern = Pattern.parse(pattern)
        self.shares = tuple(sorted({float(share) for share in shares}))
        # The last one is the whole model.
        self._table = widths_that_repeat(model, (*self.shares, 1.0))
        flat, _ = channels_of(model)
        self._calls = kernel_calls(flat)
        check_importance(importance, [found.layer.name for found in self._calls])
        layers = [found.layer for found in self._calls]
        dense = exempt_layers(layers, tuple(KERNELS), exempt)
        self._masked = {
            layer.name: layer
            for layer in layers
            if has_nested_kind(layer) and id(layer) not in dense
        }
        self._importance = {
            found.layer.name: _shares_of(found, importance) for found in self._calls
        }
        self._price: LevelCost = macs if cost == "macs" else instructions(cost)
        self.dense_cost = self.cost([(len(self.shares), 0.0)])

    def widths(self, levels: Sequence[tuple[int, float]]) -> Widths:
        """What `nest` takes for these levels."""
        numbers = [number for number, _ in levels]
        taken = Widths(
            {name: _take(prefix, numbers) for name, prefix in self._table.items()},
            depthwise={
                name: tuple(counts[number] for number in numbers)
                for name, counts in self._table.depthwise.items()
            },
        )
        within = tuple(sparsity for _, sparsity in levels)
        return with_sparsities(taken, self._masked, dict.fromkeys(self._masked, within))

    def cost(self, levels: Sequence[tuple[int, float]]) -> float:
        """What the last of the levels costs."""
        return sum(
            self._price(found, self._pattern_of(found), active)
            for found, active in self._active(levels)
        )

    def value(self, levels: Sequence[tuple[int, float]]) -> float:
        """Logarithm of the product of what the layers keep at the last level."""
        kept = [
            float(self._importance[found.layer.name][active].sum())
            for found, active in self._active(levels)
        ]
        return float(np.log(np.maximum(kept, _LEAST)).sum())

    def best(
        self, below: Sequence[tuple[int, float]], budget: float
    ) -> tuple[int, float] | None:
        """The level above others that keeps most within a budget, None for none."""
        first = below[-1][0] if below else 0
        found = []
        for number in range(first, len(self.shares)):
            sparsity = self._least_sparsity([*below], number, budget)
            if sparsity is not None:
                level = (number, sparsity)
                found.append((self.value([*below, level]), level))
        return max(found)[1] if found else None

    def _least_sparsity(
        self, below: list[tuple[int, float]], number: int, budget: float
    ) -> float | None:
        """The least sparsity of a width within a budget, None if none is."""

        def over(sparsity: float) -> float:
            return self.cost([*below, (number, sparsity)]) - budget

        low, high = 0.0, _SPARSEST
        if over(low) <= 0:
            return low
        left = -over(high)
        if left < 0:
            return None
        for _ in range(_TRIES):
            if left <= _NEAR * budget:
                break
            middle = (low + high) / 2
            more = over(middle)
            if more <= 0:
                high, left = middle, -more
            else:
                low = middle
        return high

    def _active(
        self, levels: Sequence[tuple[int, float]]
    ) -> list[tuple[KernelCalls, Array]]:
        """Which weights the last of the levels uses, of each kernel's shape."""
        widths, last = self.widths(levels), len(levels) - 1
        return [(found, self._mask(found, widths, last)) for found in self._calls]

    def _mask(self, found: KernelCalls, widths: Widths, level: int) -> Array:
        name, shape = found.layer.name, tuple(found.layer.kernel.shape)
        prefix = widths.get(name)
        active = np.ones(shape, bool)
        if name in widths.depthwise:
            active[..., widths.depthwise[name][level] :, :] = False
        elif prefix is not None and not prefix.within:
            active = prefix.level_of(shape) <= level
        elif prefix is not None:
            rows = level_of_mixed(
                np.abs(masks.rows_of_kernel(found.kernel)),
                masks.rows_of_kernel(prefix.level_of(shape)),
                prefix.within,
                self._pattern_of(found),
            )
            active = masks.kernel_of_rows(rows, shape) <= level
        return active

    def _pattern_of(self, found: KernelCalls) -> Pattern:
        shape = found.layer.kernel.shape
        if found.layer.name not in self._masked:
            return Pattern()
        columns = int(np.prod(shape[:-1]))
        return self.pattern.fitting(shape[-1], columns, shape[-2], (0.5, 0.0))


def _take(prefix: ChannelPrefix, numbers: Sequence[int]) -> ChannelPrefix:
    """The prefix with these of its levels."""
    return ChannelPrefix(
        tuple(prefix.inputs[number] for number in numbers),
        prefix.input_channels,
        tuple(prefix.outputs[number] for number in numbers),
        prefix.output_channels,
    )


def _shares_of(found: KernelCalls, importance: str | Mapping[str, Any]) -> Array:
    """The importance of each weight as a share of the layer's."""
    kernel = found.kernel.astype(np.float64)
    if isinstance(importance, Mapping):
        values = np.asarray(importance.get(found.layer.name, np.ones(kernel.shape)))
        if values.shape != kernel.shape or not np.all(np.isfinite(values)):
            raise NestError(
                f"Expected finite importances of shape {kernel.shape} for layer "
                f"{found.layer.name!r}. Received: shape={values.shape}"
            )
        values = values.astype(np.float64)
    else:
        values = np.abs(kernel) if importance == "magnitude" else np.square(kernel)
    return np.asarray(values / max(float(values.sum()), np.finfo(np.float64).tiny))
