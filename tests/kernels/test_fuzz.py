"""A short leg of every fuzz target; `scripts/fuzz` runs long ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.kernels.test_c_code import OPS, call, tool
from tflm_ops.fuzz.seeds import write_seeds

# Of the builds the one with the most code: C models of what firmware has in assembly.
# By target its seeds, seconds, and how many executions a slow machine does, of about
# ten times as many on an idle one.
LEGS = {
    "nest_fuzz": ("ops", 12, 5_000),
    "open_fuzz": ("ops", 4, 10_000),
    "glue_fuzz": ("glue", 4, 3_000),
    "metadata_fuzz": ("metadata", 3, 10_000),
    "governor_fuzz": ("governor", 3, 10_000),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has the programs, and the folder seeds."""
    found = tmp_path_factory.mktemp("fuzz")
    call(
        *(tool("cmake"), "-S", OPS, "-B", found, "-DNEST_FUZZ=ON"),
        f"-DCMAKE_C_COMPILER={tool('clang')}",
        f"-DCMAKE_CXX_COMPILER={tool('clang++')}",
        "-DNEST_BUILD_HOST_PLUGINS=OFF",
        cwd=found,
    )
    call("cmake", "--build", found, "-j2", "--target", *LEGS, cwd=found)
    assert write_seeds(found / "seeds", 100) > 500
    return found


@pytest.mark.parametrize("name", LEGS)
def test_short_leg(folder: Path, name: str) -> None:
    seeds, seconds, least = LEGS[name]
    # libFuzzer measures its memory from that of the process that started it, which
    # is this one: so it limits single allocations instead.
    options = [f"-max_total_time={seconds}", "-rss_limit_mb=0", "-malloc_limit_mb=16"]
    options.append("-print_final_stats=1")
    output = call(folder / name, *options, folder / "seeds" / seeds, cwd=folder)
    assert number(r"number_of_executed_units: (\d+)", output) > least
    if name == "nest_fuzz":
        valid = number(r"blobs, (\d+) valid", output)
        assert valid > least / 10, "the mutator hardly makes a valid op"


def number(pattern: str, output: str) -> int:
    found = re.search(pattern, output)
    assert found is not None, output
    return int(found[1])


def test_a_finding_fails(folder: Path, tmp_path: Path) -> None:
    """An access one byte past a buffer, and a broken promise: not a run that passes."""
    wrong = tmp_path / "wrong.c"
    wrong.write_text(
        "#include <stdint.h>\n#include <string.h>\n"
        f'#include "{OPS}/fuzz/buffers.h"\n#include "{OPS}/fuzz/check.h"\n'
        "int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {\n"
        "  char* taken = nest_fuzz_take(13, size % 4);\n"
        "  char* other = nest_fuzz_take(5, 0);\n"
        "  memset(taken, 0, 13);\n  memset(other, 0, 5);\n"
        "  if (size > 0 && data[0] == 'p') taken[13] = 1;\n"
        "  if (size > 0 && data[0] == 'b') other[-1] = 1;\n"
        "  REQUIRE(size == 0 || data[0] != 'r');\n"
        "  nest_fuzz_give_back();\n  return 0;\n}\n"
    )
    flags = ["-g", "-fsanitize=address,undefined,fuzzer"]
    sources = [wrong, OPS / "fuzz" / "buffers.c"]
    call(tool("clang"), *flags, *sources, "-o", "wrong", cwd=tmp_path)
    for content, message in {
        "fine": "Executed",
        "past": "use-after-poison",
        "before": "use-after-poison",
        "require": "data[0] != 'r'",
    }.items():
        (tmp_path / content).write_text(content)
        command = [str(tmp_path / "wrong"), content]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert message in done.stderr
        assert (done.returncode == 0) == (content == "fine")
