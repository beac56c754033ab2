"""Schedules: how sparse when, and at which steps masks are ranked."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from keras_nest.errors import NestError
from keras_nest.schedules import ConstantSparsity, CubicRamp, MaskSchedule


def test_cubic_ramp() -> None:
    ramp = CubicRamp(warmup=0.2, end=0.6)
    assert [ramp.factor(p) for p in (0.0, 0.1, 0.2)] == [0.0, 0.0, 0.0]
    assert ramp.factor(0.4) == pytest.approx(1 - 0.5**3)
    assert ramp.factor(0.6) == ramp.factor(1.0) == 1.0


def test_constant_sparsity() -> None:
    assert {ConstantSparsity().factor(p / 10) for p in range(11)} == {1.0}


def due(schedule: MaskSchedule, total: int, stride: int = 1) -> list[int]:
    steps = range(0, total, stride)
    return [step for step in steps if schedule.is_due(step, total, stride)]


def test_due_steps() -> None:
    assert due(ConstantSparsity(end=0), 100) == [0]
    assert due(CubicRamp(0.1, 0.6, updates=10), 100) == [0, 10, 20, 30, 40, 50, 60]
    # More updates than steps: every step until the end, and the end itself.
    assert due(CubicRamp(0.1, 0.6), 10) == list(range(7))
    assert due(CubicRamp(0.1, 0.55), 10) == list(range(7))


@pytest.mark.parametrize("stride", [1, 3, 7])
@pytest.mark.parametrize("total", [20, 97, 1000])
def test_the_last_ranking_has_the_full_sparsity(total: int, stride: int) -> None:
    schedule = CubicRamp(0.1, 0.6, updates=20)
    steps = due(schedule, total, stride)
    assert schedule.factor(steps[-1] / total) == 1.0
    assert all(schedule.factor(step / total) < 1.0 for step in steps[:-1])


@pytest.mark.parametrize(
    "schedule",
    [
        CubicRamp(0.2, 0.5, updates=7, epochs=9, regrow=True),
        ConstantSparsity(0.3, 5, 2),
    ],
)
def test_config_round_trip(schedule: Any) -> None:
    config = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"warmup": 0.7}, "`warmup` to lie between 0 and `end`.*0.7"),
        ({"end": 1.5}, "progress from 0 to 1.*1.5"),
        ({"updates": 0}, "at least one update.*0"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(NestError, match=message):
        CubicRamp(**arguments)
