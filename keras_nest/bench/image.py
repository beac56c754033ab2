"""A bare-metal image that runs the nested ops of a model."""

from __future__ import annotations

import dataclasses
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

from keras_nest import reference
from keras_nest._native import sources_path
from keras_nest.bench.targets import Target, find_tool
from keras_nest.errors import NestError
from keras_nest.format import NestedOp
from keras_nest.format.operation import Int8Array

OPTIMIZATION = "-O2"
_FLAGS = ("-std=c99", OPTIMIZATION, "-ffunction-sections", "-fdata-sections")
_ERROR_LINES = 8


@dataclasses.dataclass(frozen=True)
class Job:
    """One op to run.

    Attributes:
        name: For errors.
        blob: The packed bytes.
        op: What they mean.
        x: An input, int8, of the op's shape; levels of width see their own channels
            of it.
        kernel: The C function to run, which has a twin `..._get_buffer_size`. None: the
            nested one for the op.
    """

    name: str
    blob: bytes
    op: NestedOp
    x: Int8Array
    kernel: str | None = None


def build(
    jobs: list[Job],
    target: Target,
    folder: Path,
    objects: Sequence[Path] = (),
    main: str = "bench_main",
    defines: Sequence[str] = (),
) -> Path:
    """Compiles and links the image.

    Args:
        jobs: The ops, in the order in which the image will name them.
        target: The core.
        folder: An empty folder to build in.
        objects: Compiled for the target, with the kernels that jobs name.
        main: The file of tflm_ops/bench that runs them.
        defines: Macros for it, such as "SOAK_ROUNDS=1000u".

    Returns:
        The path of the image.

    Raises:
        NestError: If the compiler is missing or finds errors.
    """
    compiler = find_tool(target.compiler)
    sources = sources_path()
    bench = sources / "bench"
    _write_model(jobs, folder)
    kernels = folder / "kernels"
    kernels.mkdir()
    options = options_for(target)
    run_compiler([compiler, *options, "-c", *_kernel_sources(sources)], kernels)
    image = folder / "bench.elf"
    support = (main, "semihosting", "startup_arm", "timer")
    run_compiler(
        [
            compiler,
            *options,
            *(f"-D{define}" for define in defines),
            "-nostartfiles",
            "-Wl,--gc-sections",
            f"-L{bench / 'boards'}",
            f"-T{target.script}",
            *(bench / f"{name}.c" for name in support),
            "model.S",
            *sorted(kernels.glob("*.o")),
            *objects,
            f"-o{image}",
        ],
        folder,
    )
    return image


def options_for(target: Target) -> list[str]:
    """The compiler's options for C files of the image."""
    sources = sources_path()
    includes = [f"-I{sources / 'include'}", f"-I{sources / 'bench'}"]
    return [*target.flags, *_FLAGS, *includes]


def _kernel_sources(sources: Path) -> list[Path]:
    found = sorted((sources / "src").rglob("*.[cS]"))
    # As a folder to include from, they would be looked for in the wrong place.
    return [path.resolve() for path in found]


def _write_model(jobs: list[Job], folder: Path) -> None:
    """Writes model.S: packed ops, inputs, checksums and the table of bench_op.h."""
    data = ['  .section .model, "a"']
    table = ["  .section .rodata.bench_ops", "  .balign 4", "  .global bench_ops"]
    table.append("bench_ops:")
    for index, job in enumerate(jobs):
        (folder / f"blob_{index}.bin").write_bytes(job.blob)
        inputs = _inputs(job)
        step = job.x.nbytes if len(inputs) > 1 else 0
        (folder / f"input_{index}.bin").write_bytes(b"".join(inputs))
        for part in ("blob", "input"):
            data += ["  .balign 16", f'{part}_{index}: .incbin "{part}_{index}.bin"']
        outputs = [
            reference.run(job.op, job.x, level).tobytes()
            for level in range(job.op.levels)
        ]
        words = ", ".join(str(zlib.crc32(output)) for output in outputs)
        data += ["  .balign 4", f"checksums_{index}: .word {words}"]
        kernel = job.kernel or f"nest_{job.op.geometry.op}"
        table.append(
            f"  .word blob_{index}, {len(job.blob)}, input_{index}, {step}, "
            f"{len(outputs[0])}, "
            f"checksums_{index}, {kernel}, {kernel}_get_buffer_size"
        )
    table += ["  .global bench_op_count", f"bench_op_count: .word {len(jobs)}"]
    (folder / "model.S").write_text("\n".join([*data, *table, ""]))


def _inputs(job: Job) -> list[bytes]:
    """One for all levels, or each level's."""
    op = job.op
    if op.widths is None:
        return [job.x.tobytes()]
    g, zero_point = op.geometry, op.input_zero_point
    return [
        op.widths.only_active(g, job.x, zero_point, level).tobytes()
        for level in range(op.levels)
    ]


def run_compiler(command: list[str | Path], folder: Path) -> None:
    """Runs a compiler in a folder.

    Raises:
        NestError: If it finds errors; the message has their lines.
    """
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True
    )
    if done.returncode == 0:
        return
    lines = done.stderr.splitlines()
    errors = [line for line in lines if "error" in line or "overflow" in line]
    shown = "\n  ".join((errors or lines)[:_ERROR_LINES])
    missing_library = "string.h" in done.stderr or "cannot find -lc" in done.stderr
    raise NestError(
        f"Expected the bench to compile. Received from {Path(command[0]).name}:\n"
        f"  {shown}",
        hint="The compiler's C library is missing: apt-get install "
        "libnewlib-arm-none-eabi"
        if missing_library
        else None,
    )
