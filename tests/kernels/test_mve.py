"""The encoding vectors in assembly on a Cortex-M55 in QEMU: the reference's bytes."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import (
    Geometry,
    NestedOp,
    candidates,
    scratch_bytes,
    scratch_limit,
    unpack,
)
from tests.kernels.random_ops import (
    random_geometry,
    random_input,
    random_level_of,
    random_op,
    random_tables,
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)

CONV_BLOCKS = ((1, 16), (1, 4), (1, 2), (1, 1))
VECTOR_BLOCKS = (*CONV_BLOCKS, (4, 16), (4, 4))


def vectors_jobs(op: NestedOp, rng: np.random.Generator, name: str) -> list[Job]:
    x = random_input(rng, op.geometry)
    x = x[: op.geometry.in_w if op.geometry.op == "fully_connected" else 1]
    return [
        Job(f"{name} {found.dense_top}", found.blob, unpack(found.blob), x)
        for found in candidates(op)
        if found.encoding == "vectors"
    ]


def masked(
    rng: np.random.Generator, g: Geometry, levels: int, block: tuple[int, int]
) -> NestedOp:
    return random_tables(rng, g, levels, random_level_of(rng, g, levels, block), block)


def to_the_right(op: NestedOp, rng: np.random.Generator) -> NestedOp:
    """The same with the shifts that the fast requantization takes, whose sums are
    within a few halves of the output's unit, so that ties occur."""
    shift = rng.integers(-23, 0, op.shift.shape).astype(np.int8)
    multiplier = rng.integers(-(2**31) + 1, 2**31, op.shift.shape).astype(np.int32)
    multiplier[rng.random(op.shift.shape) < 0.2] = 1 << 30
    return dataclasses.replace(op, shift=shift, multiplier=multiplier)


def run(jobs: list[Job], folder: Path) -> list[list[int]]:
    """Instructions `[op][level]`; raises where an output differs or a guard around it
    was written to."""
    core = find_target("cortex-m55")
    measured = measure(build(jobs, core, folder), core, [job.name for job in jobs])
    for job, scratch in zip(jobs, measured.scratch_bytes, strict=True):
        assert scratch == scratch_bytes(job.blob, dsp=True, mve=True), job.name
        assert scratch <= scratch_limit(job.op.geometry), job.name
    return measured.instructions


def conv_geometry(
    rng: np.random.Generator, in_c: int, out_c: int, kernel: int | None = None
) -> Geometry:
    g = random_geometry(rng, "conv_2d", in_c)
    while kernel is not None and (g.kernel_h, g.kernel_w) != (kernel, kernel):
        g = random_geometry(rng, "conv_2d", in_c)
    return dataclasses.replace(g, out_c=out_c)


def test_random_ops(tmp_path: Path) -> None:
    """Any shape, stride, dilation, level, shift, zero point and bound."""
    jobs = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        op = random_op(rng, str(rng.choice(["conv_2d", "fully_connected"])))
        jobs += vectors_jobs(op, rng, str(seed)) if op.levels < 6 else []
    assert len(jobs) > 200
    run(jobs, tmp_path)


def test_convolutions_by_fours(tmp_path: Path) -> None:
    """Four channels at a time: out_c in multiples of four, shifts to the right."""
    jobs = []
    for seed in range(240):
        rng = np.random.default_rng(seed)
        block = CONV_BLOCKS[seed // 2 % len(CONV_BLOCKS)]
        in_c = block[1] * int(rng.integers(1, 5))
        g = conv_geometry(rng, in_c, 4 * int(rng.integers(1, 5)), [None, 1][seed % 2])
        op = masked(rng, g, int(rng.integers(1, 4)), block)
        jobs += vectors_jobs(to_the_right(op, rng), rng, str(seed))
    assert len(jobs) > 240
    run(jobs, tmp_path)


def test_more_channels_and_tiles_than_are_held(tmp_path: Path) -> None:
    """Channels in parts; rows of the band moved; tiles of a 1x1 kernel in batches."""
    jobs = []
    shapes = [
        Geometry("conv_2d", 9, 10, 96, 9, 10, 132, 1, 1),
        Geometry("conv_2d", 9, 9, 64, 5, 5, 130, 1, 1, 2, 2),
        Geometry("conv_2d", 12, 17, 32, 12, 17, 8, 3, 3, 1, 1, 1, 1, 1, 1),
        Geometry("conv_2d", 13, 15, 48, 5, 8, 136, 3, 3, 3, 2, 1, 1, 1, 1),
        Geometry("conv_2d", 7, 3, 64, 2, 1, 132, 2, 2, 5, 5),
        Geometry("conv_2d", 3, 2, 80, 3, 2, 70, 1, 1),
    ]
    for seed, (g, block) in enumerate(itertools.product(shapes, CONV_BLOCKS)):
        rng = np.random.default_rng(seed)
        op = masked(rng, g, 2, block)
        jobs += vectors_jobs(op, rng, f"any {seed}")
        jobs += vectors_jobs(to_the_right(op, rng), rng, f"right {seed}")
    run(jobs, tmp_path)


def test_one_vector(tmp_path: Path) -> None:
    """Row groups with all counts of entries, channels that are no multiple of four."""
    jobs = []
    for seed in range(240):
        rng = np.random.default_rng(seed)
        block = VECTOR_BLOCKS[seed // 2 % len(VECTOR_BLOCKS)]
        in_c = block[1] * int(rng.integers(1, 30))
        out_c = int(rng.integers(1, 30))
        g = Geometry("fully_connected", 1, 1, in_c, 1, 1, out_c * block[0])
        op = masked(rng, g, int(rng.integers(1, 4)), block)
        op = to_the_right(op, rng) if seed % 2 else op
        jobs += vectors_jobs(op, rng, str(seed))
    assert len(jobs) > 240
    run(jobs, tmp_path)


def test_cost_grows_with_entries(tmp_path: Path) -> None:
    """An entry more in every row never makes a level cheaper."""
    rng = np.random.default_rng(0)
    jobs = []
    shapes = [
        Geometry("conv_2d", 4, 4, 32, 4, 4, 8, 3, 3, 1, 1, 1, 1, 1, 1),
        Geometry("fully_connected", 1, 1, 288, 1, 1, 8),
    ]
    for g, block in itertools.product(shapes, VECTOR_BLOCKS):
        if block[0] > 1 and g.op == "conv_2d":
            continue
        levels = 18
        blocks = np.arange(g.columns // block[1]) // (1 if block[1] == 16 else 3)
        level_of = np.repeat(np.tile(blocks % levels, (g.out_c, 1)), block[1], 1)
        op = random_tables(rng, g, levels, level_of.astype(np.uint8), block)
        op = to_the_right(op, rng)
        weights = np.where(op.weights == 0, 1, op.weights).astype(np.int8)
        op = dataclasses.replace(op, weights=weights)
        jobs += [j for j in vectors_jobs(op, rng, str(block)) if "False" in j.name]
    for counts in run(jobs, tmp_path):
        assert len(counts) == 18
        assert counts == sorted(counts)
        assert counts[0] < counts[-1]
