"""The governor from Python: the firmware's C, and the script that simulates it.

What it does is tested in C: tflm_ops/tests/nest_governor_test.c.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_nest import annotate, convert, nest
from keras_nest.errors import NestError
from keras_nest.runtime.governor import Governor
from tests.converter.nets import inputs_for, random_net

SCRIPTS = Path(__file__).parents[2] / "scripts"
COSTS = (400_000, 800_000, 2_000_000)


def calibrated() -> Governor:
    """On a machine of 100 instructions a microsecond; 500,000 of other ops."""
    governor = Governor(COSTS)
    for level in (0, 2):
        assert governor.at(level) == level
        governor.after((COSTS[level] + 500_000) // 100)
    return governor


def test_expectations_and_picks() -> None:
    governor = calibrated()
    expected = [governor.expects(level) for level in range(3)]
    np.testing.assert_allclose(expected, [9000, 13000, 25000], rtol=1e-3)
    assert governor.before(30_000) == 2
    assert governor.before(14_000) == 1
    assert governor.before(-5) == 0
    assert governor.before(1 << 40) == 0  # not up at once
    assert [governor.before(1 << 40) for _ in range(3)][-1] == 2


def test_floor_and_ceiling() -> None:
    governor = Governor(COSTS, floor=1, ceiling=1)
    assert governor.before(0) == 1
    governor.after(1 << 40)
    assert governor.expects(0) > 1 << 30
    assert governor.before(1 << 40) == 1


def test_what_cannot_be_is_refused() -> None:
    for costs in ([], [0], [1] * 33, [1, 1 << 32]):
        with pytest.raises(NestError, match="instructions of 1 to 32 levels"):
            Governor(costs)
    with pytest.raises(NestError, match="level from 0"):
        Governor(COSTS, floor=3)
    with pytest.raises(NestError, match="level from 0"):
        calibrated().expects(3)


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(SCRIPTS)
    import simulate_governor

    return simulate_governor


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = random_net(4)
    tflite = convert(nest(net, (0.9, 0.5, 0.0)), inputs_for(net, 4), target="m4")
    path: Path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(tflite)
    return path


def test_simulation_writes_its_page(
    simulation: object, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored = tmp_path / "scored.tflite"
    scored.write_bytes(annotate(model.read_bytes(), [0.5, 0.625, 0.75], samples=8))
    out = tmp_path / "out"
    command = ["simulate_governor", str(scored), "--seconds", "20", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", command)
    simulation.main()  # type: ignore[attr-defined]
    facts = json.loads((out / "simulation.json").read_text())
    assert facts["accuracy"] == [0.5, 0.625, 0.75]
    levels = [facts["policies"][f"level {n}"] for n in range(3)]
    # What serves every frame in time at one level has that level's accuracy.
    for level, one in enumerate(levels):
        assert one["accuracy_in_time"] == pytest.approx(facts["accuracy"][level])
        assert one["level_shares"][level] == 1
    assert levels[0]["misses"] <= levels[2]["misses"]
    assert facts["policies"]["governor"]["misses"] <= levels[2]["misses"]
    assert (out / "simulation.png").stat().st_size > 0
    assert "| governor |" in (out / "README.md").read_text()


def test_simulation_wants_scores(simulation: object, model: Path) -> None:
    with pytest.raises(NestError, match="accuracy of every level") as error:
        simulation.load_metadata(model, "cortex-m4")  # type: ignore[attr-defined]
    assert "evaluate" in str(error.value.hint)
