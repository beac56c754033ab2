"""Blocks and lists decoded for the row kernels in assembly, in QEMU."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import NEVER, NestedOp, pack, scratch_bytes, unpack
from tests.kernels.random_ops import random_geometry, random_input, random_tables

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)


def decoded_op(rng: np.random.Generator, block: tuple[int, int]) -> NestedOp:
    """Large enough for several parts of the channels, bands and tiles of pixels;
    few weights, so that indices take escapes or two bytes."""
    kind = str(rng.choice(["conv_2d", "conv_2d", "fully_connected"]))
    geometry = random_geometry(rng, kind, block[1] * int(rng.integers(1, 40)))
    geometry = dataclasses.replace(geometry, out_c=int(rng.integers(1, 41)))
    grid_shape = -(-geometry.out_c // block[0]), geometry.columns // block[1]
    density = float(rng.choice([0.01, 0.1, 0.5, 1]))
    grid = rng.integers(0, 3, grid_shape).astype(np.uint8)
    grid[rng.random(grid_shape) >= density] = NEVER
    level_of = grid.repeat(block[0], 0)[: geometry.out_c].repeat(block[1], 1)
    op = random_tables(rng, geometry, 3, level_of, block)
    shift = rng.integers(-12, -4, op.shift.shape).astype(np.int8)
    return dataclasses.replace(op, shift=shift)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m7", "cortex-m55"])
def test_blocks_and_lists_are_decoded(target: str, tmp_path: Path) -> None:
    jobs = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        for block in ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16)):
            op = decoded_op(rng, block)
            x = random_input(rng, op.geometry)
            x = x[: op.geometry.in_w if op.geometry.op == "fully_connected" else 1]
            for encoding in ("blocks", "lists"):
                blob = pack(op, encoding)
                name = f"{seed} {block} {encoding}"
                jobs.append(Job(name, blob, unpack(blob), x))
    core = find_target(target)
    measured = measure(build(jobs, core, tmp_path), core, [j.name for j in jobs])
    mve = target == "cortex-m55"
    asked = [scratch_bytes(job.blob, dsp=True, mve=mve) for job in jobs]
    assert measured.scratch_bytes == asked
    portable = [scratch_bytes(job.blob) for job in jobs]
    assert sum(a != b for a, b in zip(asked, portable, strict=True)) > len(jobs) / 2
