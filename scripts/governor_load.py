"""A core with a bursty load, simulated: frames, their deadlines, what Invokes take.

Assumptions, all in `Machine` and `Load`: nothing here was measured but the levels'
accuracy and their predicted instructions, which come from the model's file.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Machine:
    """What an Invoke takes.

    Attributes:
        hertz: Clock.
        cycles: Cycles for an instruction.
        other_instructions: Of the ops that are not nested, at every level.
        jitter: Standard deviation of what an Invoke takes longer, as a share of it.
        throttled: Share of the clock that is left while another task runs.
        busy_seconds, idle_seconds: How long that task runs and rests, in the mean.
    """

    hertz: float = 80e6
    cycles: float = 1.4
    other_instructions: int = 350_000
    jitter: float = 0.03
    throttled: float = 0.7
    busy_seconds: float = 5.0
    idle_seconds: float = 20.0


@dataclasses.dataclass(frozen=True)
class Load:
    """Frames that arrive at random, few of them or in bursts, one queue.

    Attributes:
        seconds: Simulated time.
        quiet_rate, burst_rate: Frames a second.
        quiet_seconds, burst_seconds: How long either lasts, in the mean.
        deadline: Seconds from a frame's arrival to its result.
    """

    seconds: float = 600.0
    quiet_rate: float = 5.0
    burst_rate: float = 35.0
    quiet_seconds: float = 8.0
    burst_seconds: float = 3.0
    deadline: float = 0.12


@dataclasses.dataclass(frozen=True)
class Scene:
    """A load and a machine with all chance drawn: the same for every policy.

    Attributes:
        arrivals: Seconds, rising.
        slowness: Of each frame: its Invoke takes so many times as long, jitter alone.
        busy: Times at which the other task starts and stops, in turn.
    """

    arrivals: np.ndarray
    slowness: np.ndarray
    busy: np.ndarray


def draw(load: Load, machine: Machine, seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    switches = _switches(rng, load.quiet_seconds, load.burst_seconds, load.seconds)
    arrivals: list[float] = []
    for number, (start, end) in enumerate(itertools.pairwise(switches)):
        rate = load.burst_rate if number % 2 else load.quiet_rate
        count = rng.poisson(rate * (end - start))
        arrivals += sorted(rng.uniform(start, end, count))
    slowness = 1 + np.abs(rng.normal(0, machine.jitter, len(arrivals)))
    busy = _switches(rng, machine.idle_seconds, machine.busy_seconds, load.seconds)
    return Scene(np.array(arrivals), slowness, busy[1:])


def _switches(
    rng: np.random.Generator, first: float, second: float, end: float
) -> np.ndarray:
    """0, then the times at which two states of random length take turns, then `end`."""
    times = [0.0]
    while times[-1] < end:
        times.append(
            times[-1] + rng.exponential(second if len(times) % 2 == 0 else first)
        )
    return np.array([*times[:-1], end])


def seconds_of(
    instructions: int, machine: Machine, scene: Scene, frame: int, now: float
) -> float:
    """What an Invoke of a frame takes that starts now."""
    busy = np.searchsorted(scene.busy, now, side="right") % 2 == 1
    clock = machine.hertz * (machine.throttled if busy else 1.0)
    cycles = (instructions + machine.other_instructions) * machine.cycles
    return float(cycles / clock * scene.slowness[frame])


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of the frames.

    Attributes:
        levels: Level that each ran at; -1 for those not run, too late already.
        in_time: Whether each had its result before its deadline.
        starts: When each was started, or given up.
        waiting: Frames in the queue then, itself among them.
    """

    levels: np.ndarray
    in_time: np.ndarray
    starts: np.ndarray
    waiting: np.ndarray


Pick = Callable[[int, float, float], int]
"""Level for a frame, by its number, the time, and the seconds that it may take."""
Learn = Callable[[float], None]
"""Told the seconds that an Invoke took."""


def run(
    scene: Scene,
    load: Load,
    machine: Machine,
    costs: Sequence[int],
    pick: Pick,
    learn: Learn,
) -> Result:
    """Serves the frames in their order; one whose deadline is over is not run.

    A frame may take what leaves all that wait behind it as much: the least, over the
    frames in the queue, of the time to a frame's deadline over its place.
    """
    count = len(scene.arrivals)
    deadlines = scene.arrivals + load.deadline
    levels = np.full(count, -1)
    in_time = np.zeros(count, bool)
    starts, waiting = np.zeros(count), np.zeros(count, int)
    now = 0.0
    for frame in range(count):
        now = max(now, float(scene.arrivals[frame]))
        behind = int(np.searchsorted(scene.arrivals, now, side="right"))
        starts[frame], waiting[frame] = now, behind - frame
        if now >= deadlines[frame]:
            continue
        places = np.arange(1, behind - frame + 1)
        budget = float(np.min((deadlines[frame:behind] - now) / places))
        level = pick(frame, now, budget)
        took = seconds_of(costs[level], machine, scene, frame, now)
        now += took
        learn(took)
        levels[frame] = level
        in_time[frame] = now <= deadlines[frame]
    return Result(levels, in_time, starts, waiting)
