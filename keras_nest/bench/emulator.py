"""Running a bench image in QEMU and reading what it prints.

`-icount shift=N` makes every instruction take exactly 2^N ns of the board's time,
whatever the host does, so that a timer of the board counts instructions: the same in
every run. Instructions that a condition cancels count, as they take a cycle.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

from keras_nest.bench.targets import Target, find_tool
from keras_nest.errors import NestError

# With 2^8 ns, five to eight ticks an instruction: exact after rounding. The 32-bit
# timer then ends at half a milliard instructions an op; with 2^4 ns at sixteen times
# as many, to within three.
_SHIFTS = (8, 4)
_SECONDS = 900
_OP = re.compile(r"op (\d+) (?:(scratch|stack) (\d+)|level (\d+) ticks (\d+))")
_ERROR = re.compile(r"error (\w+) op (\d+) level (\d+)")


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What an image printed.

    Attributes:
        kernel_bytes: Code and constants of the kernels in the image.
        instructions: `[op][level]`.
        scratch_bytes: `[op]`.
        stack_bytes: `[op]`, the deepest over its levels and its check.
    """

    kernel_bytes: int
    instructions: list[list[int]]
    scratch_bytes: list[int]
    stack_bytes: list[int]


def measure(image: Path, target: Target, names: list[str]) -> Measurement:
    """Runs an image.

    Args:
        image: What `keras_nest.bench.image.build` made.
        target: The core it was built for.
        names: Of the ops in the image, for errors.

    Raises:
        NestError: If QEMU is missing or fails, or if an op fails or computes other
            bytes than the reference.
    """
    for shift in _SHIFTS:
        lines = _run(image, target, shift)
        error = next((m for m in map(_ERROR.fullmatch, lines) if m), None)
        if error is None:
            return _parse(lines, target, shift, len(names))
        if error[1] != "timer":
            break
    assert error is not None
    raise _failure(error[1], names[int(error[2])], int(error[3]), target)


def _run(image: Path, target: Target, shift: int) -> list[str]:
    command = [str(find_tool("qemu-system-arm")), "-M", target.machine]
    command += ["-display", "none", "-serial", "none", "-monitor", "none"]
    command += ["-semihosting-config", "enable=on,target=native"]
    command += ["-icount", f"shift={shift}", "-kernel", str(image)]
    try:
        done = subprocess.run(
            command,
            # QEMU writes what comes by semihosting to stderr.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise NestError(
            f"Expected the bench to end within {_SECONDS} s. Received: one that still "
            f"runs in QEMU's {target.machine}"
        ) from error
    lines = done.stdout.splitlines()
    if "done" not in lines and not any(line.startswith("error") for line in lines):
        raise NestError(
            f"Expected the bench to run in QEMU's {target.machine}. Received: exit "
            f"status {done.returncode}, and: {(lines or ['nothing'])[-1]}"
        )
    return lines


def _parse(lines: list[str], target: Target, shift: int, ops: int) -> Measurement:
    facts = dict(line.split() for line in lines if line.count(" ") == 1)
    per_tick = 1e9 / target.timer_hz / 2**shift
    empty = int(facts["empty"])
    instructions: list[list[int]] = [[] for _ in range(ops)]
    memory = {"scratch": [0] * ops, "stack": [0] * ops}
    for found in map(_OP.fullmatch, lines):
        if found is None:
            continue
        index = int(found[1])
        if found[2] is not None:
            memory[found[2]][index] = int(found[3])
        else:
            instructions[index].append(round((int(found[5]) - empty) * per_tick))
    return Measurement(
        int(facts["kernels"]), instructions, memory["scratch"], memory["stack"]
    )


def _failure(what: str, name: str, level: int, target: Target) -> NestError:
    received = {
        "blob": "packed weights that the C code refuses",
        "memory": f"tensors that do not fit the memory of {target.machine}",
        "timer": "more instructions than the board's timer can count",
        "status": "an error status of the kernel",
        "output": "other bytes from the kernel than from the reference",
        "bounds": "a kernel that wrote past its output or its scratch memory",
    }[what]
    return NestError(
        f"Expected {name!r} to run at level {level} on {target.name}. "
        f"Received: {received}",
        hint="This is a fault of keras-nest: please report it with the model."
        if what in ("blob", "status", "output", "bounds")
        else None,
    )
