"""Builds the targets: with the sanitizers, to count lines, or plain."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from fuzzing.targets import OPS, OUT, Target
from keras_nest.errors import NestError

FLAGS = {"native": "", "m32": "-m32"}


def build(kind: str, targets: Iterable[Target]) -> dict[str, Path]:
    """Builds the programs of some targets, each build in a folder of its own.

    Args:
        kind: `sanitizers`, `coverage` or `plain`, see tflm_ops/fuzz/CMakeLists.txt.
        targets: Which.

    Returns:
        The programs by the names of the targets. A target whose build this machine
        cannot make (no 32-bit C library) is left out, and named.

    Raises:
        NestError: If clang or CMake is missing, or the code does not compile.
    """
    for tool in ("clang", "clang++", "cmake"):
        if shutil.which(tool) is None:
            raise NestError(
                f"Expected {tool} on this machine. Received: no such command",
                hint="apt-get install cmake clang libclang-rt-14-dev llvm",
            )
    programs = {}
    for name, flags in FLAGS.items():
        wanted = [target for target in targets if target.build == name]
        if not wanted:
            continue
        if not _compiles(flags):
            print(f"left out, as clang {flags} cannot link: {wanted[0].name}")
            continue
        folder = OUT / "build" / f"{kind}-{name}"
        _call(
            *("cmake", "-S", OPS, "-B", folder, "-DNEST_FUZZ=ON"),
            *("-DCMAKE_C_COMPILER=clang", "-DCMAKE_CXX_COMPILER=clang++"),
            *(f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}"),
            *(f"-DNEST_FUZZ_KIND={kind}", "-DNEST_BUILD_HOST_PLUGINS=OFF"),
        )
        made = sorted({target.executable for target in wanted})
        _call("cmake", "--build", folder, "--target", *made)
        programs |= {target.name: folder / target.executable for target in wanted}
    return programs


def _compiles(flags: str) -> bool:
    command = ["clang", *flags.split(), "-xc", "-", "-o", "/dev/null"]
    source = b"#include <string.h>\nint main(void) { return 0; }"
    return subprocess.run(command, input=source, capture_output=True).returncode == 0


def _call(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        raise NestError(
            f"Expected the fuzz targets to build. Received:\n{done.stdout}{done.stderr}"
        )
