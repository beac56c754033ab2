"""Plans as files, what they take on a device, and spending what a solver left."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest.errors import NestError
from keras_nest.planner.fill import filled
from keras_nest.planner.footprint import footprint
from keras_nest.planner.limits import within
from keras_nest.planner.plan_file import plan_facts, save_plan
from tests.training.test_planned_instructions import network

BUDGETS = (0.4, 0.7, 1.0)


@pytest.fixture(scope="module")
def base() -> keras.Model:
    return network()


@pytest.fixture(scope="module")
def plan(base: keras.Model) -> keras_nest.Plan:
    return keras_nest.plan(base, BUDGETS, cost="m4", pattern="1x4")


def test_nest_takes_what_was_saved(
    base: keras.Model, plan: keras_nest.Plan, tmp_path: Path
) -> None:
    path = save_plan(tmp_path / "plan.json", plan_facts(plan))
    loaded = keras_nest.load_plan(path)
    assert dict(loaded) == dict(plan)
    assert loaded.pattern == plan.pattern
    by_file, direct = (keras_nest.nest(base, one) for one in (loaded, plan))
    for one, other in zip(by_file.graph.layers, direct.graph.layers, strict=True):
        if hasattr(one, "level_of"):
            np.testing.assert_array_equal(one.level_of, other.level_of)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json", "no JSON"),
        ("[1]", "something else"),
        ('{"format": "keras-nest plan", "version": 2}', "version 2"),
        ('{"format": "keras-nest plan", "version": 1}', "without sparsities"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(NestError, match=words):
        keras_nest.load_plan(path)


def test_damaged_sparsities_are_refused(plan: keras_nest.Plan, tmp_path: Path) -> None:
    facts = plan_facts(plan)
    facts["sparsities"]["conv"] = [0.1, 0.5, 2.0]
    path = save_plan(tmp_path / "plan.json", json.loads(json.dumps(facts)))
    with pytest.raises(NestError):
        keras_nest.load_plan(path)


def test_converted_levels_are_just_within_the_budgets(
    base: keras.Model, plan: keras_nest.Plan
) -> None:
    """With all levels in one op, as the converter predicts it."""
    found = footprint(base, plan, "cortex-m4", "speed")
    samples = np.random.default_rng(0).random((32, 12, 12, 1), np.float32)
    tflite = keras_nest.convert(keras_nest.nest(base, plan), samples, target="m4")
    nested = {entry.layer for entry in tflite.report.replaced}
    others = sum(
        float(one.costs[-1]) for one in plan.choices if one.layer.name not in nested
    )
    for level, budget in enumerate(BUDGETS):
        share = (tflite.report.instructions[level] + others) / plan.dense_cost
        # The layers of this small net have few steps to choose from.
        assert 0.97 * budget <= share <= 1.002 * budget
        # A few instructions an output go by its shifts and bounds, made up here.
        expected = pytest.approx(share * plan.dense_cost, rel=0.01)
        assert found.instructions[level] == expected
    packed = keras_nest.describe(tflite).packed_bytes
    # At most: a table for each level, where this net without normalizations has one for
    # all, and headers of the ops that are builtin.
    tables = sum(9 * 2 * one.layer.geometry.out_c + 256 for one in plan.choices)
    assert packed <= found.packed_bytes <= packed + tables


def test_limits_are_met_or_refused_with_the_least(
    base: keras.Model, plan: keras_nest.Plan
) -> None:
    optimize, fast = within(base, plan, "cortex-m4", None, None)
    assert optimize == "speed"
    assert within(base, plan, "m4", fast.packed_bytes, fast.arena_bytes)[1] == fast
    small = footprint(base, plan, "cortex-m4", "size")
    assert small.packed_bytes < fast.packed_bytes
    least = f"{small.packed_bytes:,} are the least"
    with pytest.raises(NestError, match=f"1,000 bytes of flash, where {least}"):
        within(base, plan, "cortex-m4", 1000, None)
    ram = min(small.arena_bytes, fast.arena_bytes)
    with pytest.raises(NestError, match=f"100 bytes of RAM, where {ram:,} are the"):
        within(base, plan, "cortex-m4", None, 100)


def test_filling_spends_a_budget_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(1, 6, 4)
        values = [np.sort(rng.random(size)) for size in sizes]
        costs = [np.sort(rng.integers(0, 50, size)).astype(float) for size in sizes]
        chosen = [[0] * 4, [int(rng.integers(0, size)) for size in sizes]]

        def total(level: list[int], of: list[np.ndarray]) -> float:
            return float(sum(v[i] for v, i in zip(of, level, strict=True)))

        budgets = [total(level, costs) + float(rng.integers(0, 80)) for level in chosen]
        found = filled(chosen, values, costs, budgets, [int(s) - 1 for s in sizes])
        for level, before, budget in zip(found, chosen, budgets, strict=True):
            assert total(level, costs) <= budget
            assert total(level, values) >= total(before, values)
        assert all(a <= b for a, b in zip(*found, strict=True))
        for group, size in enumerate(sizes):  # nothing more fits at the top
            if found[1][group] + 1 < size and values[group][0] < values[group][-1]:
                more = costs[group][found[1][group] + 1] - costs[group][found[1][group]]
                assert total(found[1], costs) + more > budgets[1]


def test_what_is_worth_nothing_is_not_bought() -> None:
    nothing, some = np.zeros(3), np.array([0.0, 1.0, 1.0])
    costs = np.array([1.0, 2.0, 3.0])
    found = filled([[0, 0]], [nothing, some], [costs, costs], [100.0], [2, 2])
    assert found == [[0, 2]]  # a weight of 0 beside others is
