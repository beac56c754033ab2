"""Levels of width in QEMU: the assembly gives the same bytes as the reference."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.kernels.random_widths import random_widths_op
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
