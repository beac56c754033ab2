"""Instructions, scratch and flash of the nested ops of a model on a Cortex-M."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy.typing as npt

from keras_nest import format as packed_format
from keras_nest.bench import emulator, image
from keras_nest.bench.inputs import random_inputs, real_inputs
from keras_nest.bench.targets import find_target, find_tool, version_of
from keras_nest.converter import flatbuffer
from keras_nest.converter.describe import operator_names
from keras_nest.converter.nested_file import NestedOperator, nested_operators
from keras_nest.converter.structure import NESTED_PREFIX
from keras_nest.errors import NestError


@dataclasses.dataclass(frozen=True)
class OpCost:
    """One nested op. Lists have one entry per level.

    Attributes:
        name: Name of the Keras layer.
        op: "conv_2d", "depthwise_conv_2d" or "fully_connected".
        encoding: Its packed encoding, as `format.variant_of` names it.
        block: Output rows x input columns of the pattern, as "1x2"; "-" without.
        macs: Multiply-accumulates without those of masked weights.
        instructions: Of one call of the kernel.
        scratch_bytes: Working memory that the kernel asks for, at all levels the same.
        stack_bytes: The most that a call took of the stack, with what it calls.
        weight_bytes: The packed weights in flash, for all levels.
    """

    name: str
    op: str
    encoding: str
    block: str
    macs: list[int]
    instructions: list[int]
    scratch_bytes: int
    stack_bytes: int
    weight_bytes: int


@dataclasses.dataclass(frozen=True)
class BenchResult:
    """A whole model. Lists have one entry per level.

    Attributes:
        target: The core.
        machine: The board that QEMU emulated.
        compiler: The compiler, its version and optimization.
        emulator: QEMU's version.
        data: What the ops ran on: "first sample" or "random".
        levels: Number of levels.
        ops: The nested ops.
        instructions: Sum over the nested ops.
        scratch_bytes, stack_bytes: The largest of the ops: they run one after the
            other. The stack is that of the kernels, without TFLM's own functions.
        weight_bytes: Sum over the nested ops.
        kernel_bytes: Code and constants of the kernels that the model needs, with the
            check of the packed weights; without glue, TFLM and the C library.
        host_arena_bytes: TFLM's arena as it counts it on this 64-bit machine; a 32-bit
            target needs less. None where TFLM is not installed.
        not_timed: Builtin operators by name: they are no part of the counts.
    """

    target: str
    machine: str
    compiler: str
    emulator: str
    data: str
    levels: int
    ops: list[OpCost]
    instructions: list[int]
    scratch_bytes: int
    stack_bytes: int
    weight_bytes: int
    kernel_bytes: int
    host_arena_bytes: int | None
    not_timed: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def bench(
    tflite: bytes, target: str = "cortex-m4", data: npt.ArrayLike | None = None
) -> BenchResult:
    """Counts what every nested op takes at every level on an emulated Cortex-M.

    The kernels are compiled for the core by arm-none-eabi-gcc and run in QEMU; their
    outputs are checked against the reference. Two calls give the same counts.

    Args:
        tflite: A nested .tflite.
        target: Such as "cortex-m4" or "m4": one of `keras_nest.targets.EMULATED`.
        data: Samples `[N, ...]`, as `Interpreter.predict` takes them: the ops run on
            what the densest level makes of the first one (this needs TFLM, the extra
            `tflm`). None: on random int8 values.

    Raises:
        NestError: If the file has no nested ops, the compiler or QEMU is missing, or a
            kernel fails.
    """
    chosen = find_target(target)
    compiler = find_tool(chosen.compiler)
    qemu = find_tool("qemu-system-arm")
    model = flatbuffer.load(tflite)
    nested = nested_operators(model)
    if not nested:
        raise NestError(
            "Expected a .tflite with nested ops. Received: one without any",
            hint="Convert a model that was nested with keras_nest.nest().",
        )
    if data is None:
        inputs = random_inputs(nested)
    else:
        inputs = real_inputs(tflite, nested, data)
    jobs = [
        image.Job(operator.name, operator.blob, operator.op, x)
        for operator, x in zip(nested, inputs, strict=True)
    ]
    with tempfile.TemporaryDirectory(prefix="keras-nest-bench-") as folder:
        built = image.build(jobs, chosen, Path(folder))
        measured = emulator.measure(built, chosen, [job.name for job in jobs])
    ops = [_cost(operator, measured, index) for index, operator in enumerate(nested)]
    levels = nested[0].op.levels
    return BenchResult(
        target=chosen.name,
        machine=chosen.machine,
        compiler=f"{version_of(compiler)}, {image.OPTIMIZATION}",
        emulator=version_of(qemu),
        data="random" if data is None else "first sample",
        levels=levels,
        ops=ops,
        instructions=[
            sum(op.instructions[level] for op in ops) for level in range(levels)
        ],
        scratch_bytes=max(op.scratch_bytes for op in ops),
        stack_bytes=max(op.stack_bytes for op in ops),
        weight_bytes=sum(op.weight_bytes for op in ops),
        kernel_bytes=measured.kernel_bytes,
        host_arena_bytes=_host_arena_bytes(tflite),
        not_timed={
            name: count
            for name, count in operator_names(model).items()
            if not name.startswith(NESTED_PREFIX)
        },
    )


def _host_arena_bytes(tflite: bytes) -> int | None:
    from keras_nest.runtime import Interpreter

    try:
        return Interpreter(tflite).arena_bytes
    except NestError:
        # The counts need no TFLM: a machine without one lacks this fact alone.
        return None


def _cost(nested: NestedOperator, measured: emulator.Measurement, index: int) -> OpCost:
    op = nested.op
    positions = op.geometry.out_h * op.geometry.out_w
    return OpCost(
        name=nested.name,
        op=op.geometry.op,
        encoding=packed_format.variant_of(nested.blob),
        block=packed_format.pattern_of(op),
        macs=[
            packed_format.level_weights(op, level) * positions
            for level in range(op.levels)
        ],
        instructions=measured.instructions[index],
        scratch_bytes=measured.scratch_bytes[index],
        stack_bytes=measured.stack_bytes[index],
        weight_bytes=len(nested.blob),
    )
