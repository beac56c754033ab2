"""Levels of bits cost what is predicted, on each core."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.costs import CORES
from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.converter.costs import load, predict
from keras_nest.converter.costs.run import extensions
from keras_nest.format import Geometry, pack, scratch_bytes, unpack
from tests.kernels.random_bits import with_bits
from tests.kernels.random_ops import random_input

# Of one part and of several; a band, patches and a vector.
SHAPES = [
    Geometry("fully_connected", 1, 1, 64, 1, 1, 16),
    Geometry("fully_connected", 1, 1, 256, 1, 1, 128),
    Geometry("conv_2d", 4, 4, 32, 4, 4, 200, 1, 1),
    Geometry("conv_2d", 4, 4, 32, 4, 4, 72, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry("conv_2d", 5, 4, 7, 5, 4, 24, 3, 3, 1, 1, 1, 1, 1, 1),
]


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("core", ["generic", "cortex-m4", "cortex-m55"])
def test_instructions_are_as_predicted(core: str, tmp_path: Path) -> None:
    table, target = load(core), find_target(CORES[core][0])
    jobs = []
    for geometry in SHAPES:
        rng = np.random.default_rng(0)
        op = with_bits(rng, geometry, 2, 1)
        # Requantizations as nets have them: the rare ones take branches of their own.
        op = dataclasses.replace(
            op,
            shift=np.full_like(op.shift, -9),
            multiplier=np.full_like(op.multiplier, 1 << 30),
            act_min=-128,
            act_max=127,
        )
        blob = pack(op, "dense", folded=table.simd == "mve")
        x = random_input(rng, geometry)[:1]
        jobs.append(Job(str(geometry), blob, unpack(blob), x))
    image = build(jobs, target, tmp_path)
    measured = measure(image, target, [job.name for job in jobs])
    for job, counts, scratch in zip(
        jobs, measured.instructions, measured.scratch_bytes, strict=True
    ):
        for count, expected in zip(counts, predict(job.blob, table), strict=True):
            assert abs(expected / count - 1) < 0.04, (job.name, count, expected)
        assert scratch == scratch_bytes(job.blob, **extensions(table.simd))
