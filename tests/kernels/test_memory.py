"""The C code under valgrind and, from Python, under gcc's sanitizers.

libFuzzer's targets and the C unit test run under clang's and gcc's as well: see
test_fuzz.py and test_c_code.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.test_c_code import OPS, call, tool
from tests.kernels.test_static import INCLUDE, MODELS, kernels
from tflm_ops.fuzz.seeds import write_seeds

VALGRIND = ["--error-exitcode=1", "--leak-check=full", "--quiet"]
# Every so many of the seeds: all of them take minutes.
EVERY = {"nest_fuzz": 25, "metadata_fuzz": 1, "governor_fuzz": 2}
SEEDS = {"nest_fuzz": "ops", "metadata_fuzz": "metadata", "governor_fuzz": "governor"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs for valgrind: the unit test, and targets that replay files."""
    found = tmp_path_factory.mktemp("valgrind")
    tool("valgrind")
    compiler = tool("gcc")
    flags = ["-g", "-O1", "-std=gnu99", INCLUDE, *MODELS]
    support = [OPS / "fuzz" / f"{n}.c" for n in ("buffers", "mutator", "open_op")]
    sources = [*kernels(), *support, OPS / "fuzz" / "replay.c"]
    call(compiler, *flags, "-c", *sources, cwd=found)
    objects = sorted(found.glob("*.o"))
    for name in EVERY:
        target = OPS / "fuzz" / f"{name}.c"
        call(compiler, *flags, target, *objects, "-o", name, cwd=found)
    # The unit test has a main of its own, and mutates nothing.
    objects = [one for one in objects if one.stem not in ("replay", "mutator")]
    tests = sorted((OPS / "tests").glob("nest_*test.c"))
    tests.append(OPS / "tests" / "packed_case.c")
    call(compiler, *flags, *tests, *objects, "-o", "nest_test", "-lm", cwd=found)
    write_seeds(found / "seeds", 100)
    return found


def test_unit_test_under_valgrind(folder: Path) -> None:
    assert "ok" in call("valgrind", *VALGRIND, folder / "nest_test", cwd=folder)


@pytest.mark.parametrize("name", EVERY)
def test_seeds_under_valgrind(folder: Path, name: str) -> None:
    seeds = folder / "seeds" / SEEDS[name]
    output = call(
        "valgrind", *VALGRIND, folder / name, f"-{EVERY[name]}", seeds, cwd=folder
    )
    files = int(output.split(" files")[0].split()[-1])
    assert files == -(-len(list(seeds.iterdir())) // EVERY[name])


def test_valgrind_finds_what_is_wrong(folder: Path) -> None:
    """A read past the end, and one of memory that nobody wrote."""
    for name, body in {
        "past": "char *p = malloc(13); memset(p, 1, 13); return p[13] == 1;",
        "unset": "char *p = malloc(13); if (p[3] == 1) puts(p); free(p); return 0;",
    }.items():
        head = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
        source = folder / f"{name}.c"
        source.write_text(head + f"int main(void) {{ {body} }}\n")
        call("gcc", "-g", "-O0", source, "-o", name, cwd=folder)
        command = ["valgrind", *VALGRIND, str(folder / name)]
        assert subprocess.run(command, capture_output=True).returncode != 0


SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all"


def test_kernels_from_python_under_sanitizers(tmp_path: Path) -> None:
    """numpy's arrays are the tensors: their ends are known to the sanitizer."""
    compiler = tool("gcc")
    call(
        *(tool("cmake"), "-S", OPS, "-B", tmp_path, "-DNEST_BUILD_HOST_PLUGINS=OFF"),
        *(f"-DCMAKE_C_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"),
        f"-DCMAKE_C_FLAGS={' '.join(MODELS)} {SANITIZE}",
        cwd=tmp_path,
    )
    call("cmake", "--build", tmp_path, "-j2", "--target", "nest_core", cwd=tmp_path)
    libraries = [
        call(compiler, f"-print-file-name={name}", cwd=tmp_path).strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = os.environ | {
        "KERAS_NEST_LIBRARY_DIR": str(tmp_path),
        "LD_PRELOAD": " ".join(libraries),
        # Python keeps what it has until its end.
        "ASAN_OPTIONS": "detect_leaks=0",
    }
    here = Path(__file__).parent
    tests = [
        f"{here / 'test_kernels.py'}::test_c_equals_numpy",
        f"{here / 'test_kernels.py'}::test_an_input_at_any_address",
        f"{here / 'test_widths.py'}::test_c_equals_numpy",
        str(here.parent / "format" / "test_accumulators.py"),
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=OPS.parent, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
