"""The planner: budgets are met to the last MAC, and nothing better would fit them."""

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
from keras_nest.layers import NestedDense
from keras_nest.planner import PlannedLayer, plan
from keras_nest.planner.budgets import _solve
from keras_nest.planner.candidates import Choices
from keras_nest.planner.knapsack import solve
from keras_nest.summary import layer_facts

BUDGETS = (0.5, 0.65, 0.85)


def network() -> Any:
    keras.utils.set_random_seed(5)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(16, 1, name="pointwise")(x)
    x = layers.Conv2D(16, 3, strides=2, name="conv")(x)
    x = layers.Conv2D(6, 1, name="odd")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(5, name="classes")(x), name="net")


def macs_of(model: Any) -> list[int]:
    facts = layer_facts(model.graph, model.levels)
    return [sum(layer.macs[i] for layer in facts) for i in range(model.levels)]


@pytest.mark.parametrize("order", ["bottom-up", "top-down", "joint"])
@pytest.mark.parametrize("pattern", ["element", "1x2", "1x2-balanced", "4x4"])
def test_the_nested_model_costs_what_was_planned(pattern: str, order: str) -> None:
    base = network()
    found = plan(base, BUDGETS, pattern=pattern, order=order)
    model = keras_nest.nest(base, found)
    recounted = macs_of(model)
    assert found.dense_cost == macs_of(keras_nest.nest(base, (0.0,)))[0]
    for macs, planned, budget in zip(recounted, found.costs, BUDGETS, strict=True):
        assert macs <= planned <= budget * found.dense_cost
        # A last group of rows with smaller blocks is counted as if it were kept.
        assert macs == planned or pattern == "4x4"
    assert set(found) == {"pointwise", "conv", "odd", "classes"}
    for layer in model.nested_layers:
        assert layer.sparsities == pytest.approx(found[layer.name])
        assert all(np.diff(layer.sparsities) <= 0)
    # Levels are named by the share of the planned layers' weights that they leave out.
    kept = [
        np.concatenate(
            [np.ravel(ops.convert_to_numpy(v.level_of)) for v in model.nested_layers]
        )
        <= level
        for level in range(3)
    ]
    assert model.sparsities == pytest.approx(
        [1 - np.mean(level) for level in kept], abs=0.01
    )


GROUPS = st.lists(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


def best_by_trying(values: Any, costs: Any, budgets: Any) -> float | None:
    """The largest sum of values over all levels, by going through all choices."""
    numbers = [range(len(group)) for group in values]
    fitting = [
        [
            choice
            for choice in itertools.product(*numbers)
            if sum(c[i] for c, i in zip(costs, choice, strict=True)) <= budget
        ]
        for budget in budgets
    ]
    best = None
    for levels in itertools.product(*fitting):
        rising = all(
            a <= b
            for sparser, denser in itertools.pairwise(levels)
            for a, b in zip(sparser, denser, strict=True)
        )
        if rising:
            worth = sum(
                v[i] for level in levels for v, i in zip(values, level, strict=True)
            )
            best = worth if best is None else max(best, worth)
    return best


@settings(max_examples=60, deadline=None, derandomize=True)
@given(GROUPS, st.lists(st.integers(1, 36), min_size=1, max_size=3, unique=True))
def test_the_knapsack_finds_the_best(groups: Any, budgets: list[int]) -> None:
    values = [np.array([v for v, _ in group], float) for group in groups]
    costs = [np.array([c for _, c in group], float) for group in groups]
    limits = sorted(budgets)
    best = best_by_trying(values, costs, limits)
    if best is None:
        with pytest.raises(NestError, match="budgets that a plan meets"):
            solve(values, costs, limits)
        return
    found = solve(values, costs, limits)
    total = sum(
        v[i] for level in found.chosen for v, i in zip(values, level, strict=True)
    )
    assert total == pytest.approx(best)
    for level, limit in zip(found.chosen, limits, strict=True):
        assert sum(c[i] for c, i in zip(costs, level, strict=True)) <= limit
    for sparser, denser in itertools.pairwise(found.chosen):
        assert all(a <= b for a, b in zip(sparser, denser, strict=True))


@pytest.mark.parametrize("order", ["bottom-up", "top-down"])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(groups=GROUPS)
def test_one_level_after_the_other_is_the_best_of_each(order: str, groups: Any) -> None:
    choices: list[Any] = []
    for group in groups:
        # As in a layer: a larger choice is worth more and costs more.
        values, costs = np.cumsum(group, axis=0).T.astype(float)
        choices.append(Choices(None, values, values, values, costs))  # type: ignore[arg-type]
    values, costs = [c.values for c in choices], [c.costs for c in choices]
    least = float(sum(c[0] for c in costs))
    budgets = [least, least + 5, least + 11]
    found = _solve(choices, budgets, order, 60.0).chosen
    levels = [0, 1, 2] if order == "bottom-up" else [2, 1, 0]
    bound = None
    for level in levels:
        first = bound if bound and order == "bottom-up" else [0] * len(values)
        last = bound if bound and order == "top-down" else [len(v) - 1 for v in values]
        parts = [slice(a, b + 1) for a, b in zip(first, last, strict=True)]
        best = best_by_trying(
            [v[p] for v, p in zip(values, parts, strict=True)],
            [c[p] for c, p in zip(costs, parts, strict=True)],
            [budgets[level]],
        )
        worth = sum(v[i] for v, i in zip(values, found[level], strict=True))
        assert worth == pytest.approx(best)
        bound = found[level]


def test_a_cost_function_decides() -> None:
    """Where each call of a layer has a price, the planner pays it for none in vain."""
    seen: set[str] = set()

    def instructions(layer: PlannedLayer, density: float) -> float:
        seen.add(layer.name)
        assert 0 < density <= 1
        if layer.pattern is not None:
            # What a cost model needs to pack the layer as it would be.
            lowest = layer.level_of(density)
            assert lowest.shape == layer.geometry.weights_shape
            assert np.sum(lowest == 0) == layer.kept(density)
        slow = 50.0 if layer.name == "conv" else 1.0
        return 100 + slow * layer.kept(density)

    base = network()
    found = plan(base, BUDGETS, cost=instructions)
    assert seen == {"stem", "depthwise", "pointwise", "conv", "odd", "classes"}
    assert found.unit == "cost"
    assert all(
        cost <= budget * found.dense_cost
        for cost, budget in zip(found.costs, BUDGETS, strict=True)
    )
    # Nearly all of the cost is the slow layer's: the others stay dense.
    assert found["conv"][0] > 0.45
    assert found["pointwise"] == found["odd"] == (0.0, 0.0, 0.0)


def test_importance_by_the_caller_decides() -> None:
    base = network()
    scores = {"conv": np.abs(ops.convert_to_numpy(base.get_layer("conv").kernel))}
    found = plan(base, BUDGETS, importance=scores)
    # Nothing else is worth anything, so that all of the budget goes there.
    alone = plan(base, BUDGETS, importance="magnitude")
    assert found["conv"][0] < alone["conv"][0]
    assert found["conv"][2] == 0.0


def test_a_product_of_shares_starves_no_layer() -> None:
    base = network()
    least = {
        combine: max(
            plan(base, (0.5,), combine=combine)[name][0]
            for name in ("pointwise", "conv", "odd", "classes")
        )
        for combine in ("sum", "product")
    }
    assert least["product"] < least["sum"]


def test_the_table_shows_choices_and_totals() -> None:
    found = plan(network(), BUDGETS)
    text = str(found)
    for name in (*found, "stem", "depthwise"):
        assert name in text
    for level, cost in enumerate(found.costs):
        assert f"level {level}" in text and f"{cost:,.0f}" in text
        assert f"{found['conv'][level]:.1%}" in text
    assert f"{found.dense_cost:,.0f}" in text and "50.0% asked" in text


def test_drop_in_layers_keep_their_own_sparsities() -> None:
    inputs = keras.Input((16,))
    x = NestedDense(16, sparsities=(0.75, 0.5), pattern="element", name="own")(inputs)
    base = keras.Model(inputs, layers.Dense(16, name="planned")(x))
    base.get_layer("own").update_mask()
    found = plan(base, (0.4, 0.7))
    assert set(found) == {"planned"}
    # 64 and 128 of the weights of "own" are not to be chosen.
    assert macs_of(keras_nest.nest(base, found)) == list(found.costs)
    assert found.costs[0] <= 0.4 * 512 and found.costs[1] <= 0.7 * 512


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budgets": (0.5, 0.4)}, r"rise from level to level.*\(0.5, 0.4\)"),
        ({"budgets": (0.5, 0.5)}, r"rise from level to level.*\(0.5, 0.5\)"),
        ({"budgets": ()}, "1 to 32 budgets"),
        ({"budgets": (0.5, 1.2)}, "above 0 and at most 1"),
        ({"budgets": "half"}, "sequence of numbers.*'half'"),
        (
            {"budgets": (0.6, 0.60001)},
            "give different levels.*0.6 and 0.60001.*0 and 1",
        ),
        ({"importance": "taylor"}, "`importance` to be one of.*'taylor'"),
        ({"importance": {"last": 1}}, r"name layers of the model.*\['last'\]"),
        ({"importance": {"conv": np.ones(3)}}, r"of shape \(3, 3, 16, 16\).*\(3,\)"),
        ({"order": "random"}, "`order` to be one of.*'random'"),
        ({"combine": "mean"}, "`combine` to be one of.*'mean'"),
        ({"densities": (0.0, 1.0)}, "densities above 0 and at most 1"),
        ({"cost": lambda layer, density: -1.0}, "finite costs of at least 0"),
        ({"exempt": lambda layer: True}, "layers that can get masks"),
        ({"pattern": "2x2"}, "Expected a pattern out of"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    arguments = {"budgets": BUDGETS, **arguments}
    with pytest.raises(NestError, match=message):
        plan(network(), **arguments)


def test_a_budget_that_is_too_small_is_told_the_smallest() -> None:
    base = network()
    with pytest.raises(NestError, match=r"0.05 for level 0; the smallest.*is 0\.") as e:
        plan(base, (0.05, 0.9))
    smallest = float(e.value.message.split()[-1])
    assert plan(base, (smallest, 0.9)).costs[0] > 0
    with pytest.raises(NestError, match="the smallest that can be met"):
        plan(base, (smallest - 2e-4, 0.9))


def test_a_nested_model_is_refused() -> None:
    with pytest.raises(NestError, match="nested already"):
        plan(keras_nest.nest(network()), BUDGETS)


BY_LAYER = {"conv": (0.9, 0.5), "classes": (0.5, 0.5)}


def test_sparsities_by_layer(tmp_path: Any) -> None:
    base = network()
    model = keras_nest.nest(base, BY_LAYER, pattern="element")
    assert [layer.name for layer in model.nested_layers] == ["conv", "classes"]
    assert model.nested_layers[0].sparsities == (0.9, 0.5)
    weights = [16 * 16 * 9, 3 * 3 * 6 * 5]
    shares = np.average([[0.9, 0.5], [0.5, 0.5]], axis=0, weights=weights)
    assert model.sparsities == pytest.approx(tuple(shares))
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, np.arange(4), epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.sparsities == model.sparsities
    for name, output in model(x).items():
        np.testing.assert_array_equal(loaded(x)[name], output)


@pytest.mark.parametrize(
    ("sparsities", "arguments", "message"),
    [
        ({}, {}, "at least one layer"),
        ({"last": (0.5, 0)}, {}, r"name convolutions.*\['last'\]"),
        ({"depthwise": (0.5, 0)}, {}, r"name convolutions.*\['depthwise'\]"),
        ({"conv": (0.5, 0.9)}, {}, "Layer 'conv': .*fall from level to level"),
        ({"conv": (0.5, 0), "odd": (0.5,)}, {}, r"as many sparsities.*\[1, 2\]"),
        ({"conv": (0.5, 0.5)}, {}, "levels 0 and 1 to differ"),
        (BY_LAYER, {"exempt": "classes"}, "no `exempt` beside.*'classes'"),
    ],
)
def test_bad_sparsities_by_layer_are_refused(
    sparsities: Any, arguments: Any, message: str
) -> None:
    with pytest.raises(NestError, match=message):
        keras_nest.nest(network(), sparsities, **arguments)


def test_layers_of_submodels_are_planned_by_their_new_names() -> None:
    inner = keras.Sequential(
        [keras.Input((16,)), layers.Dense(16, name="dense")], name="inner"
    )
    inputs = keras.Input((16,))
    base = keras.Model(inputs, inner(layers.Dense(16, name="dense")(inputs)))
    found = plan(base, (0.25, 0.5))
    assert set(found) == {"dense", "dense_1"}
    model = keras_nest.nest(base, found)
    assert macs_of(model) == list(found.costs)


def test_uniform_budgets_are_the_shares_of_uniform_sparsities() -> None:
    model = network()
    *costs, dense = macs_of(keras_nest.nest(model, (0.75, 0.5, 0.0)))
    shares = [cost / dense for cost in (*costs, dense)]
    assert keras_nest.uniform_budgets(model, (0.75, 0.5, 0.0)) == pytest.approx(shares)


def test_planned_layers_cost_what_uniform_ones_cost() -> None:
    model = network()
    uniform = keras_nest.nest(model, (0.75, 0.5))
    planned = keras_nest.nest(model, (0.75, 0.5), layers="planned")
    by_layer = {layer.name: layer.sparsities for layer in planned.nested_layers}
    assert len(set(by_layer.values())) > 1
    for most, got in zip(macs_of(uniform), macs_of(planned), strict=True):
        assert 0.9 * most < got <= most


def test_layers_must_be_known() -> None:
    with pytest.raises(NestError, match=r"`layers` to be one of .*'planned'"):
        keras_nest.nest(network(), (0.5, 0.0), layers="random")
