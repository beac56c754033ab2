"""CMSIS-NN's dense int8 kernels, compiled for a core and run as ops of the bench.

Their sources are those of CMSIS-NN 4.0.0 that the wheel of `bakenn` on PyPI carries
(Apache-2.0); nothing of bakenn itself is imported.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np

from keras_nest._native import sources_path
from keras_nest.bench.image import Job, options_for, run_compiler
from keras_nest.bench.targets import Target, find_tool
from keras_nest.errors import NestError
from keras_nest.format import NestedOp, pack
from keras_nest.format.operation import Int8Array

VERSION = "CMSIS-NN 4.0.0 (ca5dc343, as vendored in bakenn 1.0.0)"
_REQUIREMENT = "bakenn==1.0.0"


def vendored() -> Path:
    """The folder of CMSIS-NN's sources.

    Raises:
        NestError: If bakenn is not installed, or is another version of it.
    """
    spec = importlib.util.find_spec("bakenn")
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location) / "backend" / "cmsis_nn" / "vendor"
        if (folder / "cmsis_nn" / "Include" / "arm_nnfunctions.h").exists():
            return folder
    raise NestError(
        f"Expected the sources of CMSIS-NN, of the package {_REQUIREMENT}. Received: "
        "none in this Python environment",
        hint=f"pip install --no-deps {_REQUIREMENT}",
    )


def compile_for(target: Target, folder: Path) -> list[Path]:
    """Compiles CMSIS-NN and what calls it.

    Args:
        target: The core.
        folder: An empty folder to build in.

    Returns:
        The object files, for `keras_nest.bench.image.build`.
    """
    root = vendored()
    sources = sorted((root / "cmsis_nn" / "Source").rglob("*.c"))
    includes = [f"-I{root / name / 'Include'}" for name in ("cmsis_nn", "cmsis_core")]
    command = [find_tool(target.compiler), *options_for(target), *includes]
    own = sources_path() / "bench" / "cmsis_nn.c"
    run_compiler([*command, "-c", *sources, own.resolve()], folder)
    return sorted(folder.glob("*.o"))


def jobs(name: str, op: NestedOp, x: Int8Array) -> list[Job]:
    """What CMSIS-NN runs instead of `op`: for each level, its masked weights dense."""
    return [
        Job(
            f"CMSIS-NN {name} {level}",
            pack(dense, "dense"),
            dense,
            x,
            f"cmsis_nn_{op.geometry.op}",
        )
        for level, dense in enumerate(_dense_levels(op))
    ]


def _dense_levels(op: NestedOp) -> list[NestedOp]:
    return [_dense_level(op, level) for level in range(op.levels)]


def _dense_level(op: NestedOp, level: int) -> NestedOp:
    """One level as an op of its own, its zeros stored like other weights."""
    multiplier, shift = op.multiplier[[level]], op.shift[[level]]
    if op.geometry.op == "fully_connected":
        # CMSIS-NN 4.0.0 has one scale for all outputs; what it takes is the same.
        multiplier, shift = (
            np.broadcast_to(a[:, :1], a.shape) for a in (multiplier, shift)
        )
    return dataclasses.replace(
        op,
        levels=1,
        weights=np.where(op.mask(level), op.weights, 0).astype(np.int8),
        level_of=None,
        multiplier=multiplier,
        shift=shift,
        bias=op.bias[[level]],
        block=(1, 1),
    )
