"""Levels of bits in QEMU: the assembly gives the same bytes as the reference, and no
level costs more than a denser one."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import Geometry, pack, unpack
from tests.kernels.random_bits import random_bits_op, with_bits
from tests.kernels.random_ops import random_input
from tests.kernels.test_bits import PARTS
from tests.kernels.test_cortex_m import jobs_of, run

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("cortex-m3", []),
        ("cortex-m4", []),
        ("cortex-m4", ["-DNEST_WIDTHS=0"]),  # as a model of bits is exported
        ("cortex-m55", []),
    ],
)
def test_random_bits(target: str, options: list[str], tmp_path: Path) -> None:
    jobs = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        op = random_bits_op(rng)
        if rng.random() < 0.8:  # else a general requantization takes some rows
            op.shift = rng.integers(-12, -4, op.shift.shape).astype(np.int8)
        jobs += jobs_of(op, rng, str(seed))
    for geometry in PARTS:
        rng = np.random.default_rng(0)
        op = with_bits(rng, geometry, 2, 1)
        op.shift[:] = -9
        jobs += jobs_of(op, rng, str(geometry))
    run(jobs, target, tmp_path, *options)


# A 3x3 and a 1x1 convolution of nets for such cores, and a matrix times a vector.
SHAPES = {
    "3x3": Geometry("conv_2d", 8, 8, 64, 8, 8, 64, 3, 3, 1, 1, 1, 1, 1, 1),
    "1x1": Geometry("conv_2d", 25, 5, 64, 25, 5, 64, 1, 1),
    "wide 1x1": Geometry("conv_2d", 6, 6, 128, 6, 6, 256, 1, 1),
    "vector": Geometry("fully_connected", 1, 1, 256, 1, 1, 128),
}


def instructions(target: str, folder: Path) -> dict[str, list[float]]:
    """Of each shape, levels of 4 and of 8 bits as shares of the dense kernel's."""
    jobs = []
    for name, geometry in SHAPES.items():
        rng = np.random.default_rng(0)
        bits = with_bits(rng, geometry, 2, 1)
        bits = dataclasses.replace(
            bits, shift=np.full_like(bits.shift, -9), act_min=-128, act_max=127
        )
        x = random_input(rng, geometry)[:1]
        dense = dataclasses.replace(bits, bits=None)
        for op in (bits, dense):
            folded = target == "cortex-m55"
            blob = pack(op, "dense", folded=folded)
            jobs.append(Job(name, blob, unpack(blob), x))
    core = find_target(target)
    measured = measure(build(jobs, core, folder), core, [job.name for job in jobs])
    counts = measured.instructions
    return {
        job.name: [one / dense[1] for one in bits]
        for job, bits, dense in zip(jobs[::2], counts[::2], counts[1::2], strict=True)
    }


# What docs/results/bits.md has, and a little for another compiler's C.
MOST = {
    "cortex-m4": {"3x3": 1.04, "1x1": 1.015, "wide 1x1": 1.045, "vector": 1.8},
    "cortex-m55": {"3x3": 1.19, "1x1": 1.02, "wide 1x1": 1.08, "vector": 2.6},
}


@pytest.mark.parametrize("target", MOST)
def test_costs(target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = instructions(target, tmp_path)
    with capsys.disabled():
        print(f"\nInstructions on {target}, 4 and 8 bits, over those of dense weights:")
        for name, (four, eight) in found.items():
            print(f"  {name:9} {four:.3f} {eight:.3f}")
    for name, (four, eight) in found.items():
        assert four <= eight <= MOST[target][name]
