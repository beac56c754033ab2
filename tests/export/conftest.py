"""A small nested model and its exported folders."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keras_nest.export import FORMATS, FirmwareFolder, export_firmware
from tests.bench.conftest import model_for

HERE = Path(__file__).parent
STAND_IN = HERE / "stand_in"
TFLM = HERE.parent / "bench" / "stand_in"  # its public headers
PLATFORMS = STAND_IN / "platforms"
# Of TFLM's names: where they were until 2026-10, and where they are since.
LAYOUTS = {"global names": (), "tflite::micro": ("-DSTAND_IN_MOVED",)}

# As Arduino cores compile C++.
CXX_FLAGS = ("-std=c++11", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
WARNINGS = ("-Wall", "-Wextra", "-Werror")

EXAMPLES = {
    "cmake": "example/main.cpp",
    "arduino": "examples/net/net.ino",
    "platformio": "examples/basic/src/main.cpp",
    "esp-idf": "examples/basic/main/main.cpp",
    "zephyr": "samples/basic/src/main.cpp",
}


def call(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


@pytest.fixture(scope="session")
def small_model() -> bytes:
    """conv -> depthwise -> RESHAPE -> dense, in the encodings of the M4."""
    return model_for("cortex-m4")


@pytest.fixture(scope="session")
def folders(
    tmp_path_factory: pytest.TempPathFactory, small_model: bytes
) -> dict[str, FirmwareFolder]:
    """The model's folder in each format."""
    root = tmp_path_factory.mktemp("firmware")
    return {
        kind: export_firmware(small_model, root / kind, kind, name="net")
        for kind in FORMATS
    }


@pytest.fixture
def no_tflm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without TFLM."""
    from keras_nest import runtime
    from keras_nest.errors import NestError

    def missing(*arguments: Any, **options: Any) -> None:
        raise NestError("Expected the package tflite-micro. Received: none")

    monkeypatch.setattr(runtime, "Interpreter", missing)
