"""A narrower level costs no more than a wider one, nor than the dense kernel."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import (
    Geometry,
    NestedOp,
    Segment,
    Widths,
    candidates,
    scratch_bytes,
    unpack,
)
from tests.kernels.random_widths import with_widths
from tests.kernels.test_scratch import CONV, DEPTHWISE, dense, same

# Of a call: to find a level's channels, to see that it lacks a few, and to fill these.
# Only the portable C narrows an op of any size, where it is not whole.
A_CALL = {"cortex-m3": 128, "cortex-m4": 64, "cortex-m55": 64}
# As in test_monotone.py.
TOLERANCE = 1.002
GEOMETRIES = [
    same(CONV, (13, 5, 64), 64, 1),
    same(CONV, (8, 8, 16), 16, 3),
    same(CONV, (6, 6, 30), 30, 1),
    same(CONV, (5, 5, 3), 8, 3),
    same(CONV, (12, 5, 1), 24, 3, 2),
    same(CONV, (2, 2, 4), 64, 1),
    same(CONV, (2, 2, 64), 8, 1),
    same(CONV, (3, 3, 32), 150, 1),
    # DS-CNN's last layer: of 60 inputs the M4 once took more than of 64.
    dense(64, 12),
    dense(30, 10),
    dense(16, 4),
    dense(8, 8, 3),
    # With 15 of the 16 channels the M4 once took 5.5 % more.
    same(DEPTHWISE, (8, 8, 16), 16, 3),
    same(DEPTHWISE, (13, 5, 64), 64, 3),
    same(DEPTHWISE, (6, 6, 30), 30, 3),
    same(DEPTHWISE, (3, 3, 160), 160, 3),
    same(DEPTHWISE, (2, 2, 4), 4, 3),
    same(DEPTHWISE, (5, 5, 8), 16, 3),
]


def ladder(channels: int) -> tuple[int, ...]:
    """A few channels, and all but a few."""
    shares = {channels // 4, channels // 2, 3 * channels // 4}
    counts = shares | {channels - less for less in range(6)}
    return tuple(sorted(count for count in counts if count > 0))


def widths_of(g: Geometry) -> list[Widths]:
    """Fewer inputs, fewer outputs, and both."""
    if g.op == DEPTHWISE:
        multiple = g.out_c // g.in_c
        return [Widths(tuple(multiple * count for count in ladder(g.in_c)))]
    inputs, outputs = ladder(g.in_c), ladder(g.out_c)
    both = min(len(inputs), len(outputs))
    found = [
        Widths((g.out_c,) * len(inputs), (Segment(0, inputs),)),
        Widths(outputs, (Segment(0, (g.in_c,) * len(outputs)),)),
        Widths(outputs[-both:], (Segment(0, inputs[-both:]),)),
    ]
    return [one for one in found if len(one.outputs) > 1]


def op_of(g: Geometry, widths: Widths) -> NestedOp:
    """As convert makes them: common shifts, positive scales, no tighter bounds."""
    op = with_widths(np.random.default_rng(0), g, len(widths.outputs), widths)
    op.multiplier = np.abs(op.multiplier)
    op.shift = np.full_like(op.shift, -8)
    op.act_min, op.act_max = -128, 127
    return op


def job_of(name: str, op: NestedOp, target: str) -> Job:
    g = op.geometry
    shape: tuple[int, ...] = (1, g.in_h, g.in_w, g.in_c)
    x = np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)
    x = x.reshape(shape[2:] if g.op == "fully_connected" else shape)
    for one in candidates(op):
        if one.folded == (target == "cortex-m55"):
            return Job(name, one.blob, unpack(one.blob), x)
    raise AssertionError(name)


def without_widths(op: NestedOp) -> NestedOp:
    tables = {name: getattr(op, name)[-1:] for name in ("multiplier", "shift", "bias")}
    return dataclasses.replace(op, levels=1, widths=None, level_of=None, **tables)


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("target", list(A_CALL))
def test_narrower_levels_cost_no_more(target: str, tmp_path: Path) -> None:
    jobs, dense_jobs = [], []
    for g in GEOMETRIES:
        for number, widths in enumerate(widths_of(g)):
            op = op_of(g, widths)
            jobs.append(job_of(f"{g} {number}", op, target))
            dense_jobs.append(job_of(f"{g} dense", without_widths(op), target))
    every = [*jobs, *dense_jobs]
    core = find_target(target)
    measured = measure(build(every, core, tmp_path), core, [one.name for one in every])
    dense_counts = measured.instructions[len(jobs) :]
    extensions = {"dsp": target != "cortex-m3", "mve": target == "cortex-m55"}
    saving = 0
    for job, counts, (whole,), asked in zip(
        jobs, measured.instructions, dense_counts, measured.scratch_bytes, strict=False
    ):
        for fewer, more in itertools.pairwise([*counts, whole]):
            assert fewer <= TOLERANCE * more + A_CALL[target], (job.name, counts, whole)
        saving += counts[0] < 0.75 * counts[-1]
        assert asked == scratch_bytes(job.blob, **extensions), job.name
    assert saving > len(jobs) / 3
