"""Firmware images out of the kernels, the glue and a stand-in for TFLM.

TFLM's sources are in no package registry; stand_in/ has what the glue calls.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from keras_nest.bench.image import _FLAGS
from keras_nest.bench.targets import Target

OPS = Path(__file__).parents[2] / "tflm_ops"
STAND_IN = Path(__file__).parent / "stand_in"
NESTED_OPS = ["NESTED_CONV_2D", "NESTED_DEPTHWISE_CONV_2D", "NESTED_FULLY_CONNECTED"]
# As TFLM builds its own C++ for microcontrollers.
CXX_FLAGS = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
INCLUDES = [f"-I{folder}" for folder in (OPS, OPS / "include", OPS / "bench", STAND_IN)]


def call(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def compile_c(target: Target, sources: list[Path], folder: Path, *options: str) -> None:
    """Object files of C sources, as the bench builds them."""
    folder.mkdir()
    flags = [*target.flags, *_FLAGS, *WARNINGS, *INCLUDES, *options]
    call(target.compiler, *flags, "-c", *sources, cwd=folder)


def compile_cxx(target: Target, sources: list[Path], folder: Path) -> None:
    """Object files of C++ sources."""
    folder.mkdir()
    flags = [flag for flag in (*target.flags, *_FLAGS) if not flag.startswith("-std")]
    compiler = target.compiler.replace("gcc", "g++")
    flags += [*CXX_FLAGS, *WARNINGS, *INCLUDES]
    call(compiler, *flags, "-c", *sources, cwd=folder)


def kernel_sources() -> list[Path]:
    return sorted((OPS / "src").rglob("*.c"))


def glue_sources() -> list[Path]:
    return sorted((OPS / "tflm").glob("*.cc"))


def link(target: Target, image: Path, *inputs: object) -> None:
    """Links an image for the board, without what nothing in it needs."""
    boards = OPS / "bench" / "boards"
    flags = [*target.flags, "-nostartfiles", "-Wl,--gc-sections"]
    flags += [f"-L{boards}", f"-T{target.script}"]
    call(target.compiler, *flags, *inputs, f"-o{image}", cwd=image.parent)


def link_ops(target: Target, output: Path, ops: list[str], *objects: Path) -> None:
    """The code that registering these ops brings in, but for what is not ours."""
    roots = [f"-Wl,-u,{register_symbol(op)}" for op in ops]
    flags = [*target.flags, "-r", "-nostdlib", "-Wl,--gc-sections", *roots]
    call(target.compiler, *flags, *objects, "-o", output, cwd=output.parent)


def compile_ops(target: Target, folder: Path, *options: str) -> list[Path]:
    """Object files of all kernels, by these options, and of the glue."""
    folder.mkdir()
    compile_c(target, kernel_sources(), folder / "kernels", *options)
    compile_cxx(target, glue_sources(), folder / "glue")
    return sorted(folder.glob("*/*.o"))


def flash_bytes(target: Target, objects: list[Path], folder: Path) -> dict[str, int]:
    """Code and constants of each op alone, and of all; .data too, which flash holds a
    copy of."""
    found = {}
    for name, ops in {**{op: [op] for op in NESTED_OPS}, "all": NESTED_OPS}.items():
        output = folder / f"{name}.o"
        link_ops(target, output, ops, *objects)
        sizes = call(target.compiler.replace("gcc", "size"), output, cwd=folder)
        found[name] = sum(map(int, sizes.splitlines()[1].split()[:2]))
    return found


def register_symbol(op: str) -> str:
    """tflite::micro::Register_<op>(), as C++ mangles it."""
    name = f"Register_{op}"
    return f"_ZN6tflite5micro{len(name)}{name}Ev"
