"""Plans of levels that mix: a width and a sparsity for each budget."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import keras_nest
from keras_nest.errors import NestError
from keras_nest.planner import plan_mixed
from keras_nest.summary import layer_facts
from tests.training.test_widths import network

BUDGETS = (0.1, 0.3, 0.6, 1.0)


def test_levels_are_within_their_budgets_and_what_nest_makes() -> None:
    base = network()
    plan = plan_mixed(base, BUDGETS)
    shares = np.array(plan.costs) / plan.dense_cost
    assert np.all(shares <= BUDGETS) and np.all(shares > 0.85 * np.array(BUDGETS))
    assert all(a <= b for a, b in itertools.pairwise(plan.shares))
    assert plan.shares[0] < 1 and any(plan.within)
    model = keras_nest.nest(base, plan)
    facts = layer_facts(model.graph, 4)
    # Costs are the multiply-accumulates of the nested model, depthwise ones among them.
    macs = [sum(one.macs[level] for one in facts) for level in range(4)]
    assert macs == list(plan.costs)
    assert model.graph.get_layer("b").asked_pattern == plan.pattern
    assert model.graph.get_layer("first").prefix.within == ()  # exempt


def test_the_width_that_keeps_most_is_chosen() -> None:
    """Of half of the budget: the others of the same cost keep less."""
    base = network()
    plan = plan_mixed(base, (0.3,))
    kept = {}
    for share in (*plan.shares, 0.25, 1.0):
        try:
            one = plan_mixed(base, (0.3,), shares=(share,) if share < 1 else (1.0,))
        except NestError:
            continue
        kept[one.shares[0]] = one.kept[0]
    assert len(kept) > 1
    assert plan.kept[0] == max(kept.values())


def test_importances_decide() -> None:
    base = network()
    of_wide = {
        layer.name: np.ones(layer.kernel.shape)
        for layer in base.layers[1:]
        if hasattr(layer, "kernel")
    }
    for values in of_wide.values():
        values[..., -1] = 1e6  # all that matters is in the last channel
    plan = plan_mixed(base, (0.5,), importance=of_wide)
    assert plan.shares == (1.0,)


def test_instructions_of_a_core() -> None:
    plan = plan_mixed(network(), (0.5, 1.0), cost="cortex-m4", shares=(0.5, 1.0))
    assert plan.costs[0] <= 0.5 * plan.dense_cost < plan.costs[1]
    assert plan.costs[1] <= plan.dense_cost


@pytest.mark.parametrize(
    ("budgets", "options", "message"),
    [
        ((0.001,), {}, "budgets that mixed levels meet. Received: 0.001 for level 0"),
        ((0.5, 0.4), {}, "rise from level to level"),
        ((0.5,), {"importance": "size"}, "Expected `importance` to be one of"),
        ((0.5,), {"shares": (0.0, 1.0)}, "Expected widths above 0"),
        ((0.5, 0.50001), {"shares": (1.0,)}, "budgets that give different levels"),
    ],
)
def test_bad_arguments_are_refused(budgets: Any, options: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        plan_mixed(network(), budgets, **options)
