"""The option to run dense levels by CMSIS-NN's kernels: the reference's bytes."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import unpack
from tests.kernels.random_ops import random_geometry, random_input, random_tables
from tests.kernels.test_kernels import encodings_of

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = [
    pytest.mark.skipif(
        not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
        reason="needs arm-none-eabi-gcc and qemu-system-arm",
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("bakenn") is None,
        reason="needs bakenn, which has CMSIS-NN's sources",
    ),
]


def dense_jobs() -> list[Job]:
    jobs = []
    for seed in range(90):
        rng = np.random.default_rng(seed)
        kind = ("conv_2d", "depthwise_conv_2d", "fully_connected")[seed % 3]
        geometry = random_geometry(rng, kind, int(rng.integers(1, 24)))
        op = random_tables(rng, geometry, 2, None)
        x = random_input(rng, geometry)
        x = x[: geometry.in_w if kind == "fully_connected" else 1]
        blob = encodings_of(op)["dense"]
        jobs.append(Job(f"{seed} {kind}", blob, unpack(blob), x))
    return jobs


@pytest.mark.parametrize("target", ["cortex-m3", "cortex-m4", "cortex-m55"])
def test_equals_the_reference(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    cmsis_nn = importlib.import_module("compare_dense.cmsis_nn")
    core = find_target(target)
    root = cmsis_nn.vendored()
    includes = [f"-I{root / name / 'Include'}" for name in ("cmsis_nn", "cmsis_core")]
    flags = (*core.flags, "-DNEST_USE_CMSIS_NN=1", *includes)
    jobs = dense_jobs()
    names = [job.name for job in jobs]
    for folder in ("objects", "with", "without"):
        (tmp_path / folder).mkdir()
    objects = cmsis_nn.compile_for(core, tmp_path / "objects")
    delegating = dataclasses.replace(core, flags=flags)
    # Raises where an output differs or a guard around it was written to.
    image = build(jobs, delegating, tmp_path / "with", objects)
    by_cmsis_nn = measure(image, core, names).instructions
    own = measure(build(jobs, core, tmp_path / "without"), core, names).instructions
    differ = [a != b for a, b in zip(by_cmsis_nn, own, strict=True)]
    # Where there is no fast kernel of ours: on cores without DSP, and for depth
    # multipliers. Ops with unusual shifts are left to the portable kernels.
    assert sum(differ) > len(jobs) * (0.3 if target == "cortex-m3" else 0.05)
