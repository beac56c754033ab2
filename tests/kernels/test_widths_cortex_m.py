"""Levels of width in QEMU: the assembly gives the same bytes as the reference."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import build
from keras_nest.bench.targets import find_target
from keras_nest.format import Geometry, Segment, Widths
from tests.kernels.random_widths import random_widths_op, with_widths
from tests.kernels.test_cortex_m import jobs_of, run

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_random_widths(target: str, tmp_path: Path) -> None:
    jobs = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        kind = str(rng.choice(["conv_2d", "depthwise_conv_2d", "fully_connected"]))
        op = random_widths_op(rng, kind)
        if rng.random() < 0.8:  # else a general requantization takes some rows
            shift = rng.integers(-12, -4, op.shift.shape).astype(np.int8)
            op = dataclasses.replace(op, shift=shift)
        jobs += jobs_of(op, rng, str(seed))
    run(jobs, target, tmp_path)


@pytest.mark.parametrize("target", ["cortex-m3", "cortex-m4"])
@pytest.mark.parametrize("active", [4, 7])
def test_many_sets_are_not_slower_when_narrow(
    target: str, active: int, tmp_path: Path
) -> None:
    """A Dense behind a Flatten of 64 pixels, a few channels fewer in each."""
    rng = np.random.default_rng(0)
    g = Geometry("fully_connected", 1, 1, 512, 1, 1, 32)
    widths = Widths((32, 32), (Segment(0, (active, 8)),), 64)
    op = with_widths(rng, g, 2, widths)
    op.shift = np.full_like(op.shift, -8)
    jobs = jobs_of(op, rng, "sets")
    image = build(jobs, find_target(target), tmp_path)
    measured = measure(image, find_target(target), [job.name for job in jobs])
    for narrow, wide in measured.instructions:
        # What it takes to narrow an op is little beside its weights.
        assert narrow < 1.02 * wide
