"""The kernels' assembly in QEMU: the same bytes as the numpy reference."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import Geometry, NestedOp, unpack
from tests.kernels.random_ops import (
    random_geometry,
    random_input,
    random_op,
    random_tables,
    random_vector_op,
)
from tests.kernels.test_kernels import encodings_of

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)


def jobs_of(op: NestedOp, rng: np.random.Generator, name: str) -> list[Job]:
    x = random_input(rng, op.geometry)
    x = x[: op.geometry.in_w if op.geometry.op == "fully_connected" else 1]
    return [
        Job(f"{name} {encoding}", blob, unpack(blob), x)
        for encoding, blob in encodings_of(op).items()
    ]


def random_jobs(seeds: range) -> list[Job]:
    jobs = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        op = random_op(rng)
        # Few levels: each runs, and 32 of them show nothing that 5 do not.
        jobs += jobs_of(op, rng, str(seed)) if op.levels < 6 else []
    return jobs


def run(jobs: list[Job], target: str, folder: Path, *options: str) -> None:
    # Raises where an output differs or a guard around it was written to.
    core = find_target(target)
    core = dataclasses.replace(core, flags=(*core.flags, *options))
    measure(build(jobs, core, folder), core, [job.name for job in jobs])


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m33", "cortex-m55"])
def test_random_ops(target: str, tmp_path: Path) -> None:
    jobs = random_jobs(range(400))
    assert sum("offsets" in job.name for job in jobs) > 100
    run(jobs, target, tmp_path)


def test_vectors_of_one_in_every_block(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    jobs = []
    for seed in range(60):
        jobs += jobs_of(random_vector_op(rng), rng, str(seed))
    run(jobs, "cortex-m4", tmp_path)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_rare_shifts_and_signs(target: str, tmp_path: Path) -> None:
    """Requantization in six instructions beside every shift that it cannot do."""
    jobs = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        op = random_op(rng, str(rng.choice(["conv_2d", "fully_connected"])))
        if op.levels > 5:
            continue
        shift = rng.integers(-31, 1, op.shift.shape).astype(np.int8)
        multiplier = rng.integers(-(2**31) + 1, 2**31, op.shift.shape)
        multiplier[rng.random(op.shift.shape) < 0.1] = 0
        # Sums within a few halves of the output's unit, so that ties occur.
        bias = rng.integers(-(2**20), 2**20, op.shift.shape).astype(np.int32)
        changed = dataclasses.replace(
            op, shift=shift, multiplier=multiplier.astype(np.int32), bias=bias
        )
        jobs += jobs_of(changed, rng, str(seed))
    assert len(jobs) > 100
    run(jobs, target, tmp_path)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_depthwise_and_dense(target: str, tmp_path: Path) -> None:
    """Channels in fours and sixteens and others; of depthwise ops also just one."""
    jobs = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        kind = str(rng.choice(["conv_2d", "depthwise_conv_2d", "fully_connected"]))
        in_c = int(rng.choice([1, 3, 4, 8, 16, 20, 35, int(rng.integers(1, 70))]))
        geometry = random_geometry(rng, kind, in_c)
        out_c = int(rng.integers(1, 40))
        if kind == "depthwise_conv_2d":
            out_c = out_c if in_c == 1 else in_c
        geometry = dataclasses.replace(geometry, out_c=out_c)
        op = random_tables(rng, geometry, 2, None)
        # Products with -128 need care; without it the kernels go another way.
        if rng.random() < 0.5:
            op = dataclasses.replace(op, weights=np.maximum(op.weights, -127))
        jobs += jobs_of(op, rng, str(seed))
    assert sum("folded" in job.name for job in jobs) > 100
    run(jobs, target, tmp_path)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_depthwise_of_few_channels_in_the_last_part(
    target: str, tmp_path: Path
) -> None:
    """Channels are planned 128 at a time, and taken in fours."""
    jobs = []
    for channels in (127, 128, 129, 130, 131, 132, 257, 259):
        rng = np.random.default_rng(channels)
        shape = (3, 2, channels, 3, 2, channels, 3, 3, 1, 1, 1, 1, 1, 1)
        geometry = Geometry("depthwise_conv_2d", *shape)
        op = random_tables(rng, geometry, 1, None)
        shift = rng.integers(-12, -4, op.shift.shape).astype(np.int8)
        jobs += jobs_of(dataclasses.replace(op, shift=shift), rng, str(channels))
    run(jobs, target, tmp_path)
