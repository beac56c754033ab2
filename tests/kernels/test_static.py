"""Static checks of the C and C++ code: cppcheck, clang-tidy and gcc's analyzer."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kernels.test_c_code import OPS, call, tool

INCLUDE = f"-I{OPS / 'include'}"
# The C models of what firmware has in assembly are code to look at as well.
MODELS = [
    f"-DNEST_{name}=1"
    for name in ("DIRECT_DENSE", "DEPTHWISE_FOURS", "DECODE", "MVE_DENSE")
] + ["-DNEST_MVE_DEPTHWISE=1"]
GLUE = [f"-I{OPS}", f"-I{OPS / 'host' / 'include'}"]
CPPCHECK = [
    *("--std=c99", "--enable=warning,performance,portability"),
    # Every macro that a file asks for, which takes in the assembly's wrappers.
    "--force",
    *("--inline-suppr", "--suppress=missingIncludeSystem", "--quiet"),
    # There the two ends of an area are the linker's, of no object in C.
    "--suppress=comparePointers:*/bench/*",
    *("--error-exitcode=1", "-j2"),
]


def kernels() -> list[Path]:
    found = sorted((OPS / "src").rglob("*.c"))
    assert len(found) > 100
    return found


def run(*command: object) -> str:
    """What a program prints, none of it in the way of the exit status."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_cppcheck() -> None:
    folders = [OPS / name for name in ("src", "tflm", "host", "bench")]
    run(tool("cppcheck"), *CPPCHECK, INCLUDE, *folders)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_clang_tidy(language: str) -> None:
    """The checks of tflm_ops/.clang-tidy, all of them errors."""
    tidy = tool("clang-tidy")
    flags = [INCLUDE, *MODELS, "-std=c99"]
    files = kernels()
    if language == "c++":
        flags = [INCLUDE, *GLUE, "-std=c++11", "-fno-exceptions", "-fno-rtti"]
        files = sorted((OPS / "tflm").glob("*.cc"))
        assert len(files) == 5
    halves = [files[0::2], files[1::2]]
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(
            lambda half: run(tidy, "--quiet", *half, "--", *flags), halves
        ):
            pass


@pytest.mark.parametrize(
    "compiler",
    [
        "gcc",
        "arm-none-eabi-gcc -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16",
    ],
)
def test_gcc_analyzer(compiler: str, tmp_path: Path) -> None:
    name, *flags = compiler.split()
    flags += MODELS if name == "gcc" else []
    flags += ["-std=c99", "-O2", "-fanalyzer", "-Werror", "-Wall", "-Wextra"]
    call(tool(name), *flags, INCLUDE, "-c", *kernels(), cwd=tmp_path)


# What each of the tools must find, so that none of them passes by doing nothing.
FLAWS = {
    "cppcheck": "int f(void) { int a[2] = {0, 1}; return a[2]; }\n",
    "clang-tidy": "int f(int n) { return n > 0 ? f(n - 1) : 0; }\n",
    "gcc": "#include <stdlib.h>\nint f(void) { int *p = malloc(4); *p = 1; "
    "int n = *p; free(p); return n + *p; }\n",
}


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_found(name: str, tmp_path: Path) -> None:
    path = tmp_path / "flaw.c"
    path.write_text(FLAWS[name])
    (tmp_path / ".clang-tidy").write_text((OPS / ".clang-tidy").read_text())
    command = {
        "cppcheck": [tool(name), *CPPCHECK, path],
        "clang-tidy": [tool(name), "--quiet", path, "--", "-std=c99"],
        "gcc": [tool(name), "-fanalyzer", "-Werror", "-c", path, "-o", tmp_path / "o"],
    }[name]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode != 0, done.stdout
