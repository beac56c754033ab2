"""Measures the cost table of a core: synthetic ops in QEMU, and a fit per path."""

from __future__ import annotations

import dataclasses
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_nest.bench import emulator, image
from keras_nest.bench.fit import fit
from keras_nest.bench.grid import Sample, fingerprint
from keras_nest.bench.targets import find_target, find_tool, version_of
from keras_nest.converter.costs.features import runs_of
from keras_nest.converter.costs.run import DSP, MVE, PORTABLE, Run
from keras_nest.converter.costs.table import CostTable, PathCosts
from keras_nest.format import candidates
from keras_nest.format.header import Header

# core of a table -> the core it is measured on, the kernels that core runs
CORES = {
    "generic": ("cortex-m3", PORTABLE),
    "cortex-m4": ("cortex-m4", DSP),
    "cortex-m7": ("cortex-m7", DSP),
    "cortex-m33": ("cortex-m33", DSP),
    "cortex-m55": ("cortex-m55", MVE),
}
_DIGITS = 4
_IMAGE_BYTES = 12 << 20  # of 16 MiB that all boards have


@dataclasses.dataclass(frozen=True)
class Count:
    """One measurement: an op in one encoding at one level.

    Attributes:
        name: Of the op and its encoding.
        run: The path and its features.
        blob: The packed op.
        instructions: As counted.
        scratch_bytes: What the C code asks for.
        checks: Whether the table is checked with it, and not fitted to it.
    """

    name: str
    run: Run
    blob: bytes
    instructions: int
    scratch_bytes: int
    checks: bool


def measure(core: str, samples: Sequence[Sample]) -> list[Count]:
    """Counts the instructions of ops in every encoding that holds them, at all levels.

    Args:
        core: One of `CORES`.
        samples: The ops.

    Raises:
        NestError: If the compiler or QEMU is missing, or a kernel fails.
    """
    measured_on, simd = CORES[core]
    target = find_target(measured_on)
    jobs, checks = [], []
    for sample in samples:
        g = sample.op.geometry
        # The same in any choice of samples: the general requantization branches.
        rng = np.random.default_rng(zlib.crc32(sample.name.encode()))
        x = rng.integers(-128, 128, (1, g.in_h, g.in_w, g.in_c)).astype(np.int8)
        x = x[0, 0] if g.op == "fully_connected" else x
        for candidate in candidates(sample.op):
            name = f"{sample.name} {Header.parse(candidate.blob).variant}"
            jobs.append(image.Job(name, candidate.blob, sample.op, x))
            checks.append(sample.checks)
    instructions: list[list[int]] = []
    scratch_bytes: list[int] = []
    for part in _parts(jobs):
        with tempfile.TemporaryDirectory(prefix="keras-nest-costs-") as folder:
            built = image.build(part, target, Path(folder))
            measured = emulator.measure(built, target, [job.name for job in part])
        instructions += measured.instructions
        scratch_bytes += measured.scratch_bytes
    rows = zip(jobs, instructions, scratch_bytes, checks, strict=True)
    return [
        Count(f"{job.name} {level}", run, job.blob, counted, scratch, checked)
        for job, counts, scratch, checked in rows
        for level, (run, counted) in enumerate(
            zip(runs_of(job.blob, simd), counts, strict=True)
        )
    ]


def _parts(jobs: Sequence[image.Job]) -> list[list[image.Job]]:
    """Jobs in as many images as their data needs."""
    parts: list[list[image.Job]] = [[]]
    left = _IMAGE_BYTES
    for job in jobs:
        size = len(job.blob) + job.x.size
        if size > left and parts[-1]:
            parts.append([])
            left = _IMAGE_BYTES
        parts[-1].append(job)
        left -= size
    return parts


def make_table(
    core: str, counts: Sequence[Count], samples: Sequence[Sample]
) -> CostTable:
    """Fits the table of a core.

    Args:
        core: One of `CORES`.
        counts: What was measured on it.
        samples: The ops that they are from.
    """
    measured_on, simd = CORES[core]
    target = find_target(measured_on)
    by_path: dict[str, list[Count]] = {}
    for count in counts:
        by_path.setdefault(count.run.path, []).append(count)
    paths, errors = {}, []
    for name in sorted(by_path):
        paths[name], found = _fit_path(by_path[name])
        errors.append(found)
    every = np.concatenate(errors)
    compiler = version_of(find_tool(target.compiler))
    return CostTable(
        core=core,
        measured_on=measured_on,
        simd=simd,
        compiler=f"{compiler}, {image.OPTIMIZATION}",
        emulator=version_of(find_tool("qemu-system-arm")),
        ops=len(samples),
        samples=fingerprint(samples),
        typical_error=_rounded(float(np.median(every))),
        worst_error=_rounded(float(every.max())),
        paths=paths,
    )


def relative_errors(
    coefficients: dict[str, float], counts: Sequence[Count]
) -> np.ndarray:
    """|predicted / counted - 1| of each count."""
    return np.asarray(
        [
            abs(
                sum(coefficients.get(k, 0.0) * v for k, v in c.run.features.items())
                / c.instructions
                - 1
            )
            for c in counts
        ]
    )


def _fit_path(counts: Sequence[Count]) -> tuple[PathCosts, np.ndarray]:
    fitted = [count for count in counts if not count.checks]
    names = list(dict.fromkeys(n for count in fitted for n in count.run.features))
    features = np.asarray(
        [[count.run.features.get(name, 0.0) for name in names] for count in fitted]
    )
    found = fit(features, np.asarray([float(c.instructions) for c in fitted]))
    coefficients = {
        name: _rounded(value)
        for name, value in zip(names, found.tolist(), strict=True)
        if value > 0
    }
    errors = relative_errors(coefficients, counts)
    costs = PathCosts(
        coefficients=coefficients,
        counts=len(counts),
        typical_error=_rounded(float(np.median(errors))),
        worst_error=_rounded(float(errors.max())),
    )
    return costs, errors


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
