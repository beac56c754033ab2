"""Schedules: how sparse when, and at which steps masks are ranked."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from keras_nest.errors import NestError
from keras_nest.training.schedules import (
    ConstantSparsity,
    CubicRamp,
    LinearRamp,
    MaskSchedule,
)
from keras_nest.training.step_schedules import StepSchedule, mask_schedule


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
        LinearRamp(0.1, 0.5, 0.9, updates=3, epochs=4, regrow=False),
        StepSchedule(10, 50, 7, start=0.25, power=2.0, epochs=3, regrow=False),
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


class PolynomialDecay:
    """Stands for `tfmot.sparsity.keras.PolynomialDecay`, with its arithmetic.

    tfmot itself needs Keras 2. Attributes and formula are those of version 0.8.0,
    sparsity/keras/pruning_schedule.py.
    """

    def __init__(self, initial: float, final: float, begin: int, end: int, every: int):
        self.initial_sparsity, self.final_sparsity, self.power = initial, final, 3
        self.begin_step, self.end_step, self.frequency = begin, end, every

    def __call__(self, step: int) -> tuple[bool, float]:
        in_range = self.begin_step <= step <= self.end_step
        should_prune = in_range and (step - self.begin_step) % self.frequency == 0
        done = (step - self.begin_step) / (self.end_step - self.begin_step)
        p = min(1.0, max(0.0, done))
        difference = self.initial_sparsity - self.final_sparsity
        return should_prune, difference * (1 - p) ** self.power + self.final_sparsity


class Constant:
    """Stands for `tfmot.sparsity.keras.ConstantSparsity`."""

    def __init__(self, target: float, begin: int, end: int = -1, every: int = 100):
        self.target_sparsity = target
        self.begin_step, self.end_step, self.frequency = begin, end, every


def test_polynomial_decay_of_tfmot() -> None:
    theirs = PolynomialDecay(0.2, 0.8, begin=10, end=90, every=8)
    ours = mask_schedule(theirs)
    # Ours ranks before step 0 as well: dense.
    assert due(ours, 200) == [0, *(s for s in range(200) if theirs(s)[0])]
    for step in due(ours, 200)[1:]:
        assert ours.factor_at(step, 200) * 0.8 == pytest.approx(theirs(step)[1])
    assert ours.factor_at(9, 200) == 0.0 and ours.factor_at(199, 200) == 1.0
    assert ours.end_step(200) == 90
    # A training that is shorter than the schedule ends at the asked sparsities.
    assert ours.factor_at(50, 50) == 1.0 and ours.end_step(50) == 50


def test_constant_sparsity_of_tfmot() -> None:
    ours = mask_schedule(Constant(0.5, begin=3, every=4))
    assert due(ours, 15) == [0, 3, 7, 11]
    assert [ours.factor_at(step, 15) for step in (0, 2, 3, 14, 15)] == [0, 0, 1, 1, 1]
    assert ours.end_step(15) == 15


@pytest.mark.parametrize(
    "schedule", ["cubic", object(), PolynomialDecay(0.0, 0.0, 0, 9, 1)]
)
def test_other_schedules_are_refused(schedule: Any) -> None:
    with pytest.raises(NestError, match="PolynomialDecay or ConstantSparsity of tfmot"):
        mask_schedule(schedule)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 3), "begin_step <= end_step.*begin_step=5, end_step=3"),
        ((-1, 3), "0 <= begin_step"),
        ((0, 3, 0), "frequency of at least 1"),
        ((0, 3, 1, 1.5), "share from 0 to 1.*start=1.5"),
    ],
)
def test_bad_steps_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        StepSchedule(*arguments)
