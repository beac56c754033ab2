"""The firmware glue in every C++ from 11 on, before and after TFLM's change of names.

In 2026 TFLM moved its types from the global namespace into tflite::micro. The glue must
compile against either, so the headers of the second are made of ours by that same move.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TFLM_OPS = Path(__file__).parents[2] / "tflm_ops"
HEADERS = TFLM_OPS / "host" / "include"
MICRO = Path("tensorflow/lite/micro")
COMPILER = shutil.which("c++") or shutil.which("g++")


@pytest.fixture(params=["global names", "tflite::micro"])
def headers(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "global names":
        return HEADERS
    shutil.copytree(HEADERS, tmp_path, dirs_exist_ok=True)
    common = tmp_path / MICRO / "micro_common.h"
    lines = common.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("enum"))
    last = next(i for i, line in enumerate(lines) if line.startswith("#endif"))
    lines.insert(last, "}}")
    lines.insert(first, "namespace tflite { namespace micro {")
    common.write_text("\n".join(lines) + "\n")
    context = tmp_path / MICRO / "micro_context.h"
    text = re.sub(r"^namespace tflite {", r"\g<0> namespace micro {", *_text(context))
    context.write_text(text.replace("}  // namespace tflite", "}}"))
    return tmp_path


def _text(path: Path) -> tuple[str, int, re.RegexFlag]:
    return path.read_text(), 0, re.MULTILINE


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
@pytest.mark.parametrize("standard", ["c++11", "c++14", "c++17"])
def test_glue_compiles_as_firmware_does(headers: Path, standard: str) -> None:
    sources = sorted((TFLM_OPS / "tflm").glob("*.cc"))
    assert len(sources) == 5
    flags = [f"-std={standard}", "-fno-exceptions", "-fno-rtti", "-fsyntax-only"]
    flags += ["-Wall", "-Wextra", "-Werror"]
    for folder in (TFLM_OPS, TFLM_OPS / "include", headers):
        flags += ["-I", str(folder)]
    result = subprocess.run(
        [str(COMPILER), *flags, *map(str, sources)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_glue_includes_only_headers_that_every_tflm_has() -> None:
    allowed = {
        "tensorflow/lite/micro/kernels/kernel_util.h",
        "tensorflow/lite/micro/micro_common.h",
        "tensorflow/lite/micro/micro_context.h",
        "tensorflow/lite/micro/micro_log.h",
    }
    found = set()
    for path in (TFLM_OPS / "tflm").iterdir():
        text = path.read_text()
        found |= set(re.findall(r'#include "(tensorflow/[^"]+)"', text))
        # A qualified name would tie the glue to one of TFLM's two worlds.
        assert not re.search(
            r"(^|[^\w/ ])::(tflite|TfLite)|tflite::micro::TfLite", text
        )
    assert found == allowed
