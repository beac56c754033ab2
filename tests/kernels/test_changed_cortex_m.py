"""Packed ops with changed bytes that still validate, in the assembly (QEMU): what the
fuzzers do to the C models, on the code that firmware runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keras_nest.bench.emulator import measure
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import find_target
from keras_nest.format import FormatError, unpack
from keras_nest.format.header import HEADER_BYTES
from tests.kernels.random_ops import random_input
from tflm_ops.fuzz.seeds import packed_ops

pytestmark = pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
COUNT = 250
MOST = 20_000  # products of an op, about


def changed_jobs(rng: np.random.Generator) -> Iterator[Job]:
    """Ops of which one to three bytes are others than pack wrote."""
    # The encodings of the other core run in portable C, which the host has.
    blobs = [blob for _, blob in packed_ops(60)]
    number = 0
    while True:
        blob = bytearray(rng.choice(np.array(blobs, object)))
        for _ in range(rng.integers(1, 4)):
            most = HEADER_BYTES if rng.random() < 0.3 else len(blob)
            blob[rng.integers(most)] = rng.integers(256)
        try:
            op = unpack(bytes(blob))
        except FormatError:
            continue
        g = op.geometry
        outputs = g.out_h * g.out_w * g.out_c
        if outputs * g.columns * op.levels > MOST or g.in_h * g.in_w * g.in_c > MOST:
            continue
        x = random_input(rng, g)[: g.in_w if g.op == "fully_connected" else 1]
        if op.widths is not None:
            continue  # inputs that a level does not have must be the zero point
        yield Job(f"{number}", bytes(blob), op, x)
        number += 1


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_changed_ops(target: str, tmp_path: Path) -> None:
    core = find_target(target)
    source = changed_jobs(np.random.default_rng(0))
    jobs = [next(source) for _ in range(COUNT)]
    # Raises where an output differs from numpy's or a guard around it was written to.
    measure(build(jobs, core, tmp_path), core, [job.name for job in jobs])
