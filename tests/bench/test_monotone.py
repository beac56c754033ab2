"""A sparser level costs no more: the layers of MLPerf Tiny on the M4, counted twice."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import FormatError, Geometry, pack, unpack
from tests.bench.conftest import LEVELS, nested_op
from tests.kernels.test_scratch import MLPERF_TINY

# Levels of 10, 30 and 100 % may cost this much more than the next denser one: of a
# dense layer, or of rows too short for another entry, both do the same, and which sums
# take an instruction more is by chance.
TOLERANCE = 1.002


def job_of(geometry: Geometry, encoding: str) -> Job | None:
    block = (1, 4) if geometry.in_c % 4 == 0 else (1, 1)
    op = nested_op(geometry, 1, block)
    # As convert makes them: within what the kernels in SIMD requantize, and a gamma
    # of one sign at all levels.
    op.multiplier = np.abs(op.multiplier)
    op.shift = np.clip(op.shift, -23, -1).astype(np.int8)
    shape: tuple[int, ...] = (1, geometry.in_h, geometry.in_w, geometry.in_c)
    if geometry.op == "fully_connected":
        shape = (geometry.in_w, geometry.in_c)
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    try:
        blob = pack(op, encoding)
    except FormatError:
        return None  # not an encoding for this op
    return Job(str(geometry), blob, unpack(blob), x)


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("encoding", ["offsets", "blocks", "dense"])
def test_levels_cost_less_and_less(encoding: str, tmp_path: Path) -> None:
    jobs = [job for g in MLPERF_TINY if (job := job_of(g, encoding)) is not None]
    assert len(jobs) >= 8
    target = find_target("cortex-m4")
    image = build(jobs, target, tmp_path)
    first = measure(image, target, [job.name for job in jobs])
    for job, counts in zip(jobs, first.instructions, strict=True):
        assert len(counts) == LEVELS
        for sparser, denser in itertools.pairwise(counts):
            assert sparser <= TOLERANCE * denser, (job.name, counts)
    assert measure(image, target, [job.name for job in jobs]) == first
