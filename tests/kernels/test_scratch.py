"""Scratch memory: the documented formulas, and the bound that they all keep."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import (
    Geometry,
    NestedOp,
    scratch_bytes,
    scratch_limit,
    unpack,
)
from keras_nest.runtime import core
from tests.kernels.random_ops import random_op, random_tables
from tests.kernels.test_kernels import encodings_of

BLOCKS = ((1, 1), (1, 2), (1, 4), (4, 4))
CONV, DEPTHWISE = "conv_2d", "depthwise_conv_2d"
PLAIN: dict[str, bool] = {}
DSP = {"dsp": True}
MVE = {"dsp": True, "mve": True}
CORES = (PLAIN, DSP, MVE)


def same(
    kind: str, size: tuple[int, int, int], out_c: int, kernel: int, stride: int = 1
) -> Geometry:
    """SAME padding; size is height, width, channels."""
    out, pad = [], []
    for n in size[:2]:
        out.append(-(-n // stride))
        pad.append(max((out[-1] - 1) * stride + kernel - n, 0) // 2)
    window = (kernel, kernel, stride, stride, 1, 1, *pad)
    return Geometry(kind, *size, *out, out_c, *window)


def dense(in_c: int, out_c: int, vectors: int = 1) -> Geometry:
    return Geometry("fully_connected", 1, vectors, in_c, 1, vectors, out_c)


# The layers of ResNet-8, DS-CNN, MobileNetV1-0.25 and the autoencoder of MLPerf Tiny,
# each shape once.
MLPERF_TINY = [
    same(CONV, (32, 32, 3), 16, 3),
    same(CONV, (32, 32, 16), 16, 3),
    same(CONV, (32, 32, 16), 32, 3, 2),
    same(CONV, (32, 32, 16), 32, 1, 2),
    same(CONV, (16, 16, 32), 32, 3),
    same(CONV, (16, 16, 32), 64, 3, 2),
    same(CONV, (16, 16, 32), 64, 1, 2),
    same(CONV, (8, 8, 64), 64, 3),
    Geometry(CONV, 49, 10, 1, 25, 5, 64, 10, 4, 2, 2, 1, 1, 4, 1),
    same(DEPTHWISE, (25, 5, 64), 64, 3),
    same(CONV, (25, 5, 64), 64, 1),
    same(CONV, (96, 96, 3), 8, 3, 2),
    *(
        same(DEPTHWISE, (size, size, channels), channels, 3, stride)
        for size, channels, stride in [
            (48, 8, 1),
            (48, 16, 2),
            (24, 32, 1),
            (24, 32, 2),
            (12, 64, 1),
            (12, 64, 2),
            (6, 128, 1),
            (6, 128, 2),
            (3, 256, 1),
        ]
    ),
    *(
        same(CONV, (size, size, in_c), out_c, 1)
        for size, in_c, out_c in [
            (48, 8, 16),
            (24, 16, 32),
            (24, 32, 32),
            (12, 32, 64),
            (12, 64, 64),
            (6, 64, 128),
            (6, 128, 128),
            (3, 128, 256),
            (3, 256, 256),
        ]
    ),
    *(
        dense(in_c, out_c)
        for in_c, out_c in [
            (64, 10),
            (64, 12),
            (256, 2),
            (640, 128),
            (128, 128),
            (128, 8),
            (8, 128),
            (128, 640),
        ]
    ),
]
# Where a kernel that takes whole images, all channels' plans or four patches at a
# time would exceed the bound.
EXTREMES = [
    same(CONV, (1, 1, 512), 512, 1),
    same(CONV, (2, 2, 1024), 256, 1),
    same(CONV, (40, 1, 200), 130, 1),
    same(CONV, (40, 1, 1000), 24, 1),
    same(CONV, (9, 2, 700), 129, 1),
    same(CONV, (4, 4, 256), 64, 3),
    same(CONV, (2, 2, 64), 1024, 3),
    same(CONV, (3, 3, 128), 200, 5, 4),
    Geometry(CONV, 9, 9, 256, 1, 1, 16, 5, 5, 4, 4, 1, 1, 0, 0),
    Geometry(CONV, 20, 3, 512, 20, 1, 8, 1, 3),
    Geometry(CONV, 64, 20, 4, 1, 1, 4, 64, 20),
    Geometry(CONV, 12, 12, 32, 4, 4, 8, 3, 3, 1, 1, 4, 4),
    Geometry(DEPTHWISE, 1, 1, 2048, 1, 1, 2048),
    Geometry(DEPTHWISE, 1, 1, 300, 1, 1, 2100),
    Geometry(DEPTHWISE, 4, 4, 1, 4, 4, 3000),
    Geometry(DEPTHWISE, 20, 20, 1, 5, 5, 4, 16, 16),
    Geometry(DEPTHWISE, 40, 40, 1, 2, 2, 1, 39, 39),
    Geometry(CONV, 5, 3, 515, 3, 1, 8, 3, 3),
    Geometry(CONV, 9, 6, 130, 5, 2, 8, 5, 5),
    same(CONV, (30, 30, 30), 200, 3),
    dense(4096, 16),
    dense(1024, 300, 3),
]


def ops_of(geometry: Geometry) -> list[NestedOp]:
    rng = np.random.default_rng(0)
    blocks = ((1, 1),) if geometry.op == DEPTHWISE else BLOCKS
    ops = []
    for block in blocks:
        if geometry.in_c % block[1]:
            continue
        level_of = None
        if geometry.op != DEPTHWISE:
            grid = (geometry.out_c // block[0], geometry.columns // block[1])
            if geometry.out_c % block[0]:
                continue
            level_of = rng.integers(0, 2, grid).astype(np.uint8)
            level_of = level_of.repeat(block[0], 0).repeat(block[1], 1)
        ops.append(random_tables(rng, geometry, 2, level_of, block))
    return ops


@pytest.mark.parametrize("geometry", [*MLPERF_TINY, *EXTREMES], ids=str)
def test_formula_and_bound(geometry: Geometry) -> None:
    for op in ops_of(geometry):
        for encoding, blob in encodings_of(op).items():
            asked = core.scratch_bytes(blob)
            assert asked == scratch_bytes(blob, pointer_bytes=8), encoding
            assert asked <= scratch_limit(geometry, pointer_bytes=8), encoding
            for core_ in CORES:
                needed = scratch_bytes(blob, **core_)
                assert needed <= scratch_limit(geometry), (encoding, core_)


def test_random_ops() -> None:
    for seed in range(300):
        op = random_op(np.random.default_rng(seed))
        for encoding, blob in encodings_of(op).items():
            asked = core.scratch_bytes(blob)
            assert asked == scratch_bytes(blob, pointer_bytes=8), (seed, encoding)
            assert asked <= scratch_limit(op.geometry, pointer_bytes=8)


def test_bound_is_tight_somewhere() -> None:
    """So that the test above does not pass by a bound that holds of anything."""
    shares = []
    for geometry in [*MLPERF_TINY, *EXTREMES]:
        for op in ops_of(geometry):
            limit = scratch_limit(geometry)
            for blob in encodings_of(op).values():
                shares.append(scratch_bytes(blob, dsp=True) / limit)
    assert 0.9 < max(shares) <= 1


# Channels in parts, tiles held for them, one patch at a time.
PARTS = [
    same(CONV, (3, 3, 128), 256, 1),
    same(CONV, (9, 2, 32), 129, 1),
    same(CONV, (7, 7, 16), 200, 1, 2),
    same(CONV, (5, 6, 12), 140, 3),
    same(CONV, (40, 1, 40), 130, 1),
    same(CONV, (3, 2, 256), 8, 3),
    same(CONV, (9, 7, 3), 150, 3, 2),
    same(CONV, (5, 5, 22), 6, 3),
    Geometry(CONV, 4, 3, 300, 2, 1, 7, 3, 3),
    same(DEPTHWISE, (9, 6, 1), 8, 4, 2),
    same(DEPTHWISE, (5, 6, 35), 35, 3),
    dense(30, 7),
    dense(30, 7, 3),
    Geometry(DEPTHWISE, 3, 3, 260, 3, 3, 260, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry(DEPTHWISE, 2, 2, 300, 2, 2, 2100, 2, 2, 1, 1, 1, 1, 0, 1),
]


def jobs_of(geometry: Geometry) -> list[Job]:
    rng = np.random.default_rng(0)
    jobs = []
    for op in ops_of(geometry):
        shape: tuple[int, ...] = (1, geometry.in_h, geometry.in_w, geometry.in_c)
        if geometry.op == "fully_connected":
            shape = shape[2:]
        x = rng.integers(-128, 128, shape).astype(np.int8)
        for encoding, blob in encodings_of(op).items():
            name = f"{geometry} {op.block} {encoding}"
            jobs.append(Job(name, blob, unpack(blob), x))
    return jobs


@pytest.mark.parametrize("geometry", PARTS, ids=str)
def test_parts_compute_the_same(geometry: Geometry) -> None:
    for job in jobs_of(geometry):
        for level in range(job.op.levels):
            expected = reference.run(job.op, job.x, level)
            got = core.run(job.blob, job.x, level)
            np.testing.assert_array_equal(got, expected, job.name)


@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
@pytest.mark.parametrize(
    ("target", "extensions"),
    [("cortex-m3", PLAIN), ("cortex-m4", DSP), ("cortex-m55", MVE)],
)
def test_cores_ask_for_the_same_and_take_no_more(
    target: str, extensions: dict[str, bool], tmp_path: Path
) -> None:
    """Right outputs with guards around just as many bytes as the formula says."""
    jobs = [job for geometry in PARTS for job in jobs_of(geometry)]
    core_ = find_target(target)
    measured = measure(build(jobs, core_, tmp_path), core_, [j.name for j in jobs])
    for job, asked in zip(jobs, measured.scratch_bytes, strict=True):
        assert asked == scratch_bytes(job.blob, **extensions), job.name
