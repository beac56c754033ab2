"""The C code on its own: strict compilers, its unit test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OPS = Path(__file__).parents[2] / "tflm_ops"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"]


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def call(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "compiler",
    [
        "gcc",
        "clang",
        "arm-none-eabi-gcc -mthumb -mcpu=cortex-m0plus",
        "arm-none-eabi-gcc -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16",
    ],
)
def test_compiles_without_warnings(compiler: str, tmp_path: Path) -> None:
    name, *flags = compiler.split()
    sources = sorted((OPS / "src").rglob("*.c"))
    assert sources
    include = OPS / "include"
    call(
        tool(name), *flags, *STRICT, "-O2", "-c", f"-I{include}", *sources, cwd=tmp_path
    )


@pytest.mark.parametrize(
    "core",
    [
        "thumbv7m-none-eabi -mcpu=cortex-m3",
        "thumbv7em-none-eabi -mcpu=cortex-m4 -mfloat-abi=hard",
        "thumbv8.1m.main-none-eabi -mcpu=cortex-m55 -mfloat-abi=hard",
    ],
)
def test_clang_compiles_the_assembly(core: str, tmp_path: Path) -> None:
    # clang has the other headers itself.
    (tmp_path / "string.h").write_text(
        "#include <stddef.h>\n"
        "int memcmp(const void *, const void *, size_t);\n"
        "void *memcpy(void *, const void *, size_t);\n"
        "void *memmove(void *, const void *, size_t);\n"
        "void *memset(void *, int, size_t);\n"
        "int strcmp(const char *, const char *);\n"
    )
    clang = [tool("clang"), *f"--target={core}".split(), "-ffreestanding"]
    done = subprocess.run([*clang, "-xc", "-c", "-o/dev/null", os.devnull])
    if done.returncode != 0:
        pytest.skip("this clang has no ARM target")
    # Assembly is one string a function.
    strict = [*STRICT, "-Wno-overlength-strings"]
    include = [f"-I{OPS / 'include'}", f"-I{tmp_path}"]
    sources = sorted((OPS / "src").rglob("*.c"))
    call(*clang, *strict, "-O2", "-c", *include, *sources, cwd=tmp_path)


def test_single_rounding_firmware_is_a_compile_error(tmp_path: Path) -> None:
    command = [tool("gcc"), "-DTFLITE_SINGLE_ROUNDING=1", f"-I{OPS / 'include'}"]
    command += ["-fsyntax-only", str(OPS / "src" / "open" / "nest_open.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "TFLITE_SINGLE_ROUNDING" in done.stderr
    assert "Build without it" in done.stderr


def test_c_unit_test_under_sanitizers(tmp_path: Path) -> None:
    call(tool("cmake"), "-S", OPS, "-B", tmp_path, "-DNEST_TESTS=ON", cwd=tmp_path)
    call("cmake", "--build", tmp_path, "--target", "nest_test", cwd=tmp_path)
    assert "ok" in call(tmp_path / "nest_test", cwd=tmp_path)


def test_c_models_of_the_assembly(tmp_path: Path) -> None:
    """What firmware has in assembly, in the C beside it, on this machine."""
    models = "-DNEST_DIRECT_DENSE=1 -DNEST_DEPTHWISE_FOURS=1 -DNEST_DECODE=1"
    call(
        *(tool("cmake"), "-S", OPS, "-B", tmp_path, f"-DCMAKE_C_FLAGS={models}"),
        "-DNEST_BUILD_HOST_PLUGINS=OFF",
        cwd=tmp_path,
    )
    call("cmake", "--build", tmp_path, "--target", "nest_core", cwd=tmp_path)
    here = Path(__file__).parent
    tests = [
        f"{here}/test_kernels.py::test_c_equals_numpy",
        f"{here}/test_widths.py::test_c_equals_numpy",
        f"{here}/test_scratch.py::test_parts_compute_the_same",
        f"{here}/test_bounds.py",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"KERAS_NEST_LIBRARY_DIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=OPS.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
