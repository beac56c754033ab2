"""Runs cases on an emulated core, each beside CMSIS-NN in the same image."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from compare_dense import cmsis_nn
from keras_nest.bench import emulator, image
from keras_nest.bench.targets import Target
from keras_nest.format import NestedOp
from keras_nest.format.operation import Int8Array

BUILTIN = "builtin"


@dataclasses.dataclass(frozen=True)
class Case:
    """An op, the ways in which it is packed, and its input.

    Attributes:
        name: Of the shape or layer.
        pattern: Of its weights, "dense" where none are left out.
        op: With all levels.
        blobs: Packed bytes by encoding. None: a builtin op, which runs CMSIS-NN.
        x: int8, of the op's shape.
    """

    name: str
    pattern: str
    op: NestedOp
    blobs: dict[str, bytes]
    x: Int8Array


@dataclasses.dataclass(frozen=True)
class Row:
    """What one encoding of a case takes. Lists have one entry per level.

    Attributes:
        name: Of the shape or layer.
        op: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        pattern: As in the case.
        encoding: As in the case.
        densities: Shares of the weights.
        instructions: Of one call.
        cmsis_nn: Instructions of CMSIS-NN with the same weights and input.
        scratch_bytes: Working memory.
        weight_bytes: Packed, for all levels.
    """

    name: str
    op: str
    pattern: str
    encoding: str
    densities: list[float]
    instructions: list[int]
    cmsis_nn: list[int]
    scratch_bytes: int
    weight_bytes: int

    @property
    def speedups(self) -> list[float]:
        """How many times as many instructions CMSIS-NN takes, at each level."""
        pairs = zip(self.cmsis_nn, self.instructions, strict=True)
        return [dense / own for dense, own in pairs]


def measure(cases: list[Case], target: Target) -> list[Row]:
    """Counts every encoding of every case, and CMSIS-NN, in one image and run.

    The image compares the checksum of every output, CMSIS-NN's too, with that of the
    numpy reference.

    Raises:
        NestError: If a tool is missing, or an output is another than the reference's.
    """
    jobs: list[image.Job] = []
    for case in cases:
        jobs += [
            image.Job(f"{case.name} {case.pattern} {encoding}", blob, case.op, case.x)
            for encoding, blob in case.blobs.items()
        ]
        jobs += cmsis_nn.jobs(f"{case.name} {case.pattern}", case.op, case.x)
    with tempfile.TemporaryDirectory(prefix="keras-nest-compare-") as name:
        folder = Path(name)
        others, own = folder / "cmsis_nn", folder / "nested"
        others.mkdir()
        own.mkdir()
        objects = cmsis_nn.compile_for(target, others)
        built = image.build(jobs, target, own, objects)
        measured = emulator.measure(built, target, [job.name for job in jobs])
    return _rows(cases, measured)


def _rows(cases: list[Case], measured: emulator.Measurement) -> list[Row]:
    rows = []
    counts = zip(measured.instructions, measured.scratch_bytes, strict=True)
    for case in cases:
        own = [next(counts) for _ in case.blobs]
        dense = [next(counts)[0][0] for _ in range(case.op.levels)]
        weights = case.op.weights.size
        densities = [
            round(float(case.op.mask(level).sum()) / weights, 4)
            for level in range(case.op.levels)
        ]
        facts = (case.name, case.op.geometry.op, case.pattern)
        if not case.blobs:
            rows.append(Row(*facts, BUILTIN, densities, dense, dense, 0, weights))
        for (encoding, blob), (instructions, scratch) in zip(
            case.blobs.items(), own, strict=True
        ):
            shown = (encoding, densities, instructions, dense, scratch, len(blob))
            rows.append(Row(*facts, *shown))
    return rows
