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
from keras_nest.converter import flatbuffer
from keras_nest.converter.costs import load, predict
from keras_nest.converter.nested_file import nested_operators
from keras_nest.errors import NestError
from keras_nest.nesting.channels import channels_of
from keras_nest.planner import plan_widths
from keras_nest.planner.live_tensors import moments
from keras_nest.planner.width_problem import WidthProblem
from keras_nest.summary import layer_facts

BUDGETS = (0.2, 0.5, 0.8)
M4 = {"target": "cortex-m4"}


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
    chosen = problem.solve(budget, lowest=lowest)
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
        ({"order": "joint"}, "`order` to be one of.*'joint'"),
        ({"combine": "mean"}, "`combine` to be one of.*'mean'"),
        ({"seconds": 0.0}, "plan within the solver's time.*after seconds=0"),
        ({"peak_memory": 200}, "200 bytes for level 0; the smallest.*is 256 bytes"),
        ({"peak_memory": (900, 800, 900)}, "`peak_memory` in bytes, one number or 3"),
        ({"peak_memory": (900, 1000)}, "`peak_memory` in bytes, one number or 3"),
        ({"target": "m4"}, "`target` and `instructions` together"),
        ({"instructions": (0.5, 0.6, 0.7)}, "`target` and `instructions` together"),
        ({**M4, "instructions": (0.5, 0.4, 0.7)}, "have 3 shares in .* not fall"),
        ({**M4, "instructions": (0.5, 0.7)}, "have 3 shares in"),
        ({**M4, "instructions": (0.0, 0.5, 1.0)}, "have 3 shares in"),
        ({**M4, "instructions": (0.01, 0.5, 1)}, r"0.01 for level 0; the smallest"),
        ({"target": "m5", "instructions": (0.5, 0.6, 0.7)}, "`target` to be one of"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NestError, match=message):
        plan_widths(network(), **{"budgets": BUDGETS, **arguments})


def test_shares_of_instructions_are_kept() -> None:
    """Beside those of multiply-accumulates, and what is kept is what convert packs."""
    base, shares = network(), (0.3, 0.55, 0.8)
    by_macs = plan_widths(base, BUDGETS)
    found = plan_widths(base, BUDGETS, target="m4", instructions=shares)
    assert by_macs.instructions == () and by_macs.dense_instructions == 0
    for level, (budget, share) in enumerate(zip(BUDGETS, shares, strict=True)):
        assert found.costs[level] <= budget * found.dense_cost
        assert found.instructions[level] <= share * found.dense_instructions
        assert found.costs[level] <= by_macs.costs[level]
    assert found.costs[0] < by_macs.costs[0]
    model = keras_nest.nest(base, found)
    for layer in model.nested_layers:
        layer.update_mask(1.0)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype(np.float32)
    with pytest.warns(keras_nest.ConversionWarning):  # it is not trained
        tflite = bytes(keras_nest.convert(model, x, target="cortex-m4"))
    table = load("cortex-m4")
    blobs = [one.blob for one in nested_operators(flatbuffer.load(tflite))]
    levels = np.sum([predict(blob, table) for blob in blobs], axis=0)
    # Zero points and activations are not known before calibration. The last layer has
    # all its outputs at every level, so that it is a nested op as well.
    np.testing.assert_allclose(levels, found.instructions, rtol=0.03)


def test_all_instructions_are_those_of_the_whole_model() -> None:
    """Also where no level may be as wide."""
    base = network()
    arguments = {"target": "cortex-m4", "instructions": (0.5, 1.0)}
    found = plan_widths(base, (0.3, 1.0), **arguments)
    assert found.instructions[1] == found.dense_instructions
    halves = plan_widths(base, (0.1, 0.3), shares=(0.25, 0.5), **arguments)
    assert halves.dense_instructions == found.dense_instructions


def test_a_model_without_channels_to_leave_out_is_refused() -> None:
    inputs = keras.Input((4,))
    base = keras.Model(inputs, layers.Dense(3)(inputs))
    with pytest.raises(NestError, match="channels that can be left out"):
        plan_widths(base, BUDGETS)


def by_macs(model: Any, found: Any) -> list[int]:
    """True multiply-accumulates of each level, out of the nested model's masks."""
    nested = keras_nest.nest(model, found)
    facts = layer_facts(nested.graph, nested.levels)
    return [sum(f.macs[level] for f in facts) for level in range(nested.levels)]


@pytest.mark.parametrize("order", ["bottom-up", "top-down"])
@pytest.mark.parametrize("combine", ["sum", "product"])
def test_both_orders_nest_and_hold_their_budgets(order: str, combine: str) -> None:
    base = network()
    found = plan_widths(base, BUDGETS, order=order, combine=combine)
    macs = by_macs(base, found)
    assert list(found.costs) == macs
    for budget, count in zip(BUDGETS, macs, strict=True):
        assert count <= budget * found.dense_cost
    for prefix in found.values():
        assert list(prefix.outputs) == sorted(prefix.outputs)
    # The level that is chosen first is the best there is for its budget.
    first = 0 if order == "bottom-up" else 2
    alone = plan_widths(base, BUDGETS[first : first + 1], combine=combine)
    assert found.costs[first] == alone.costs[0]
    for name, prefix in alone.items():
        assert found[name].outputs[first] == prefix.outputs[0]


def test_a_product_of_shares_starves_no_layer() -> None:
    base = network()
    least = {
        combine: min(
            prefix.outputs[0] / prefix.output_channels
            for prefix in plan_widths(base, (0.2,), combine=combine).values()
        )
        for combine in ("sum", "product")
    }
    assert least["sum"] < 0.1 < 0.2 < least["product"]


# The network's tensors in its order, as (positions, channels of): input, first with its
# normalization and depthwise, which goes on, a, b, their sum, and so on.
def peak_by_hand(first: int, a: int, hidden: int) -> int:
    alive = [
        64 * 3 + 64 * first,  # first reads the input
        64 * first + 64 * first,  # depthwise
        64 * first + 64 * a,  # a
        64 * a + 64 * a,  # b reads a, which the sum reads as well
        64 * a + 64 * a + 64 * a,  # the sum
        64 * a + 4 * a,  # pooling; Flatten is the same tensor
        4 * a + hidden,
        hidden + 3,
    ]
    return max(alive)


def chosen_in(found: Any) -> tuple[int, int, int]:
    """The widths of first, a (and b) and hidden; one that keeps all has none."""
    full = {"first": 8, "a": 12, "hidden": 8}
    return tuple(found[n].outputs[0] if n in found else full[n] for n in full)


@pytest.mark.parametrize("most", [700, 900, 1300])
def test_memory_is_exact_and_nothing_better_fits(most: int) -> None:
    base = network()
    found = plan_widths(base, (0.6,), peak_memory=most)
    free = plan_widths(base, (0.6,))
    assert free.peaks == (peak_by_hand(*chosen_in(free)),) and free.peaks[0] > most
    at = chosen_in(found)
    assert found.peaks == (peak_by_hand(*at),) and found.peaks[0] <= most

    kernels = {
        name: np.square(ops.convert_to_numpy(base.get_layer(name).kernel))
        for name in ("first", "depthwise", "a", "b", "hidden", "last")
    }

    def worth(first: int, a: int, hidden: int) -> float:
        kept = {
            "first": kernels["first"][..., :first],
            "depthwise": kernels["depthwise"][:, :, :first],
            "a": kernels["a"][:, :, :first, :a],
            "b": kernels["b"][:, :, :a, :a],
            "hidden": kernels["hidden"].reshape(4, 12, 8)[:, :a, :hidden],
            "last": kernels["last"][:hidden],
        }
        return sum(float(k.sum() / kernels[name].sum()) for name, k in kept.items())

    def macs(first: int, a: int, hidden: int) -> int:
        convolutions = 27 * first + 9 * first + first * a + 9 * a * a
        return 64 * convolutions + 4 * a * hidden + 3 * hidden

    choices = itertools.product(range(1, 9), range(1, 13), range(1, 9))
    limit = 0.6 * macs(8, 12, 8)
    fitting = [c for c in choices if macs(*c) <= limit and peak_by_hand(*c) <= most]
    # Layers this small have all their widths among the sixteenths.
    assert worth(*at) == pytest.approx(max(worth(*c) for c in fitting), rel=1e-9)


def test_memory_by_level_and_in_both_orders() -> None:
    base = network()
    for order in ("bottom-up", "top-down"):
        most = (900, 1300, 1700)
        found = plan_widths(base, BUDGETS, order=order, peak_memory=most)
        assert all(a <= b for a, b in zip(found.peaks, most, strict=True))
        for prefix in found.values():
            assert list(prefix.outputs) == sorted(prefix.outputs)


def test_a_tensor_that_others_read_is_not_merged() -> None:
    x = inputs = keras.Input((4, 4, 2))
    x = conv = layers.Conv2D(8, 1, name="conv")(x)
    x = layers.ReLU()(x)
    x = layers.Add()([x, conv])
    x = layers.Conv2D(8, 1, name="second")(x)
    base = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    # "second" and what follows has the model's outputs: all of its channels stay.
    found = plan_widths(base, (0.6,))
    width = found["conv"].outputs[0]
    # conv, its ReLU apart from it, and their sum.
    assert found.peaks == (16 * 3 * width,)


@pytest.mark.parametrize(
    ("between", "extra"),
    [
        ([layers.BatchNormalization(), layers.ReLU()], 0),  # one with the convolution
        ([layers.ReLU(), layers.BatchNormalization()], 1),
        ([layers.Activation("relu6"), layers.Dropout(0.5)], 0),
        ([layers.Activation("tanh")], 1),
        ([layers.LeakyReLU()], 1),
    ],
)
def test_what_the_converter_makes_one_takes_no_tensor(
    between: list[Any], extra: int
) -> None:
    inputs = keras.Input((4, 4, 1))
    x = skip = layers.Conv2D(8, 1, name="conv")(inputs)
    x = layers.Conv2D(8, 1, name="second")(x)
    for layer in between:
        x = layer(x)
    x = layers.Conv2D(8, 1, name="third")(layers.Add()([x, skip]))
    base = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    flat, channels = channels_of(base)
    found = moments(flat, channels)
    # Those of conv, second, the sum, third and the pooling, and maybe one between.
    assert len(found) == 5 + extra
    joined = channels.read_by(flat.get_layer("third"))
    # At the sum, or at what is between: what it reads, the other one, and itself.
    assert max(one.by_group.get(id(joined), 0) for one in found) == 3 * 16
