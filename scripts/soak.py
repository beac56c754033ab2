"""Long runs: random ops, levels and inputs; every output checked, memory flat.

On this machine the ops run in TensorFlow Lite Micro's interpreter, on an emulated core
in a bare-metal image. What they should give comes from the numpy reference.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np

from keras_nest import reference
from keras_nest.bench.image import Job, build
from keras_nest.bench.targets import Target, find_target, find_tool
from keras_nest.format import NestedOp
from keras_nest.runtime import Interpreter, core
from tests.runtime.one_op import Case, nested_model
from tests.runtime.random_ops import random_case, random_input

OPS = 24
INPUTS = 32  # of each op
MOST_MACS = 20_000  # of an op: many short Invokes, not few long ones
GROWTH = 1 << 20  # bytes of memory that a run may grow by
STEP = 1000  # rounds between two checksums of the board


def cases(seed: int) -> list[Case]:
    """Small random ops of all kinds, patterns and encodings."""
    rng = np.random.default_rng(seed)
    found: list[Case] = []
    while len(found) < OPS:
        case = random_case(rng)
        g = case.op.geometry
        macs = g.out_h * g.out_w * g.out_c * g.columns * case.batch
        if macs < MOST_MACS and case.batch == 1:
            found.append(case)
    return found


def resident_bytes() -> int:
    """Memory of this process that is in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise RuntimeError("Expected VmRSS in /proc/self/status. Received: none.")


def soak_host(invokes: int, seed: int) -> int:
    """Runs TFLM; prints what came of it. Returns the exit status."""
    rng = np.random.default_rng(seed)
    found = cases(seed)
    models = [Interpreter(nested_model(case)) for case in found]
    inputs = [[random_input(rng, case) for _ in range(INPUTS)] for case in found]
    expected = [
        [
            [reference.run(case.op, x, level).tobytes() for x in of_op]
            for level in range(case.op.levels)
        ]
        for case, of_op in zip(found, inputs, strict=True)
    ]
    mismatches = done = 0
    first = 0
    started = time.monotonic()
    while done < invokes:
        count = min(10_000, invokes - done)
        for draw in rng.integers(1 << 62, size=count).tolist():
            draw, index = divmod(draw, OPS)
            draw, at = divmod(draw, INPUTS)
            level = draw % found[index].op.levels
            y = models[index].run(inputs[index][at], level)
            mismatches += y.tobytes() != expected[index][level][at]
        done += count
        first = first or resident_bytes()  # after the first, which fills caches
        if done % 100_000 == 0:
            print(f"{done:,} Invokes, {mismatches} mismatches", file=sys.stderr)
    last = resident_bytes()
    seconds = time.monotonic() - started
    print(
        f"host: {done:,} Invokes of {OPS} ops in TFLM, {mismatches} mismatches, "
        f"{seconds:.0f} s; resident memory {first / 2**20:.1f} MiB after the first "
        f"10,000, {last / 2**20:.1f} MiB at the end"
    )
    return int(mismatches > 0 or last - first > GROWTH)


def mixed(x: np.ndarray) -> np.ndarray:
    """As in tflm_ops/bench/soak_main.c; uint32."""
    x = (x ^ x >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    return x ^ x >> np.uint32(16)


def host_round(ops: list[tuple[NestedOp, bytes]], number: int, crc: int) -> int:
    """What the board computes in a round; one in a hundred by numpy as well."""
    drawn = mixed(np.array([number], np.uint32))
    op, blob = ops[int(drawn[0]) % len(ops)]
    level = (int(drawn[0]) >> 16) % op.levels
    g = op.geometry
    shape = (
        (g.in_w, g.in_c) if g.op == "fully_connected" else (1, g.in_h, g.in_w, g.in_c)
    )
    steps = np.arange(g.in_h * g.in_w * g.in_c, dtype=np.uint32)
    x = (mixed(drawn + steps) >> np.uint32(24)).astype(np.uint8).view(np.int8)
    y = core.run(blob, x.reshape(shape), level)
    if number % 100 == 0:
        np.testing.assert_array_equal(y, reference.run(op, x.reshape(shape), level))
    return zlib.crc32(y.tobytes(), crc)


def soak_board(target: Target, minutes: float, rounds: int, seed: int) -> int:
    """Runs an emulated core; prints what came of it. Returns the exit status."""
    found = cases(seed)
    ops = [(case.op, case.packed()) for case in found]
    jobs = []
    for case, (op, blob) in zip(found, ops, strict=True):
        x = np.zeros(case.input_shape, np.int8)
        jobs.append(Job("soak", blob, op, x))
    with tempfile.TemporaryDirectory() as folder:
        defines = (f"SOAK_ROUNDS={rounds}u", f"SOAK_STEP={STEP}u")
        image = build(jobs, target, Path(folder), main="soak_main", defines=defines)
        command = [str(find_tool("qemu-system-arm")), "-M", target.machine]
        command += ["-display", "none", "-serial", "none", "-monitor", "none"]
        command += ["-semihosting-config", "enable=on,target=native"]
        board = subprocess.Popen(
            [*command, "-kernel", str(image)],
            # QEMU writes what comes by semihosting to stderr.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started = time.monotonic()
        done = crc = mismatches = 0
        word = "nothing"
        assert board.stdout is not None
        for line in board.stdout:
            word = line.strip()
            if not word.startswith("round "):
                break
            _, number, _, theirs = word.split()
            while done < int(number):
                crc = host_round(ops, done, crc)
                done += 1
            if int(theirs) != crc:
                mismatches += 1
                break
            if time.monotonic() - started > 60 * minutes:
                word = "done"
                break
        board.kill()
        board.wait()
    seconds = time.monotonic() - started
    print(
        f"{target.name}: {done:,} runs of {OPS} ops in QEMU's {target.machine}, "
        f"{mismatches} mismatches of the checksum with this machine's, "
        f"{seconds:.0f} s; ended with: {word}"
    )
    return int(mismatches > 0 or word != "done" or done == 0)


def main() -> None:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--invokes", type=int, default=1_000_000, help="on this machine"
    )
    parser.add_argument("--board", help="an emulated core instead, such as cortex-m4")
    parser.add_argument(
        "--minutes", type=float, default=60, help="on the board, at most"
    )
    parser.add_argument(
        "--rounds", type=int, default=2**32 - 1, help="on the board, at most"
    )
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.board is None:
        sys.exit(soak_host(given.invokes, given.seed))
    target = find_target(given.board)
    sys.exit(soak_board(target, given.minutes, given.rounds, given.seed))


if __name__ == "__main__":
    main()
