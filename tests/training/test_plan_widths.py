"""Widths from budgets: exact costs, nothing better, nested."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers, ops

import keras_nest
from keras_nest.errors import NestError
from keras_nest.planner import plan_widths
from keras_nest.planner.width_problem import WidthProblem
from keras_nest.summary import layer_facts

BUDGETS = (0.2, 0.5, 0.8)


def network() -> Any:
    keras.utils.set_random_seed(4)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(x)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.Conv2D(12, 1, name="a")(x)
    z = layers.Conv2D(12, 3, padding="same", name="b")(y)
    x = layers.MaxPooling2D(4)(layers.Add()([y, z]))
    x = layers.Dense(8, name="hidden")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(3, name="last")(x))


def test_costs_are_those_of_the_nested_model() -> None:
    base = network()
    found = plan_widths(base, BUDGETS)
    model = keras_nest.nest(base, found)
    facts = layer_facts(model.graph, 3)
    dense = sum(fact.weights * fact.macs[2] // fact.nonzeros[2] for fact in facts)
    assert found.dense_cost == dense
    for level, budget in enumerate(BUDGETS):
        macs = sum(f.macs[level] for f in facts)
        assert found.costs[level] == macs <= budget * dense
    # A layer that keeps all channels at all levels has no widths.
    depthwise = model.graph.get_layer("depthwise").widths or (8, 8, 8)
    assert depthwise == found["a"].inputs
    assert found["a"].outputs == found["b"].outputs
    for prefix in found.values():
        assert list(prefix.outputs) == sorted(prefix.outputs)


def best_by_trying(problem: Any, budget: float, lowest: Any) -> float:
    ranges = [
        range(first, len(values))
        for first, values in zip(lowest, problem.values, strict=True)
    ]
    totals = [problem.total(choice) for choice in itertools.product(*ranges)]
    return max(value for value, cost in totals if cost <= budget)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.integers(0, 30),
)
def test_the_solver_finds_the_best(sizes: list[int], seed: int, above: int) -> None:
    generator = np.random.default_rng(seed)
    problem = WidthProblem(
        [np.sort(generator.integers(0, 9, n)).astype(float) for n in sizes],
        [np.sort(generator.integers(0, 9, n)).astype(float) for n in sizes],
        {},
    )
    for g, h in itertools.combinations(range(len(sizes)), 2):
        shape = (sizes[g], sizes[h])
        tables = [
            generator.integers(0, 9, shape).cumsum(axis=0).cumsum(axis=1).astype(float)
            for _ in range(2)
        ]
        problem.pairs[g, h] = (tables[0], tables[1])
    lowest = [int(generator.integers(0, n)) for n in sizes]
    budget = problem.total(lowest)[1] + above
    chosen = problem.solve(budget, lowest, 60.0)
    value, cost = problem.total(chosen)
    assert cost <= budget
    assert all(a >= b for a, b in zip(chosen, lowest, strict=True))
    assert value == pytest.approx(best_by_trying(problem, budget, lowest))


def test_importance_by_the_caller_decides() -> None:
    base = network()
    kernel = ops.convert_to_numpy(base.get_layer("hidden").kernel)
    found = plan_widths(base, (0.5,), importance={"hidden": np.abs(kernel)})
    # "hidden" is worth all there is: its inputs and outputs go before the others'.
    assert found["hidden"].outputs == (8,)
    assert found["hidden"].inputs[0] > found["first"].outputs[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budgets": (0.5, 0.4)}, "rise from level to level"),
        ({"budgets": (0.001, 0.4)}, r"0.001 for level 0; the smallest.*is 0\.0"),
        ({"budgets": (0.5, 0.500001)}, "give different levels.*levels 0 and 1"),
        ({"shares": (0, 1)}, "shares above 0"),
        ({"importance": "taylor"}, "`importance` to be one of"),
        ({"importance": {"a": np.ones(3)}}, r"shape \(1, 1, 8, 12\).*\(3,\)"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NestError, match=message):
        plan_widths(network(), **{"budgets": BUDGETS, **arguments})


def test_a_model_without_channels_to_leave_out_is_refused() -> None:
    inputs = keras.Input((4,))
    base = keras.Model(inputs, layers.Dense(3)(inputs))
    with pytest.raises(NestError, match="channels that can be left out"):
        plan_widths(base, BUDGETS)
