"""What a user compiles: in C++11, against TFLM's public headers before and after they
moved, for the host and for a Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import pytest

from keras_nest.bench.targets import find_target
from keras_nest.export import FORMATS, FirmwareFolder
from tests.export.conftest import (
    CXX_FLAGS,
    EXAMPLES,
    LAYOUTS,
    PLATFORMS,
    TFLM,
    WARNINGS,
    call,
    need,
)

M4 = find_target("cortex-m4").flags


def sources_of(folder: FirmwareFolder) -> list[Path]:
    """The example, what was generated, and the glue."""
    generated = sorted((folder.path / "src").rglob("*.cpp"))
    return [folder.path / EXAMPLES[folder.format], *generated]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", FORMATS)
def test_generated_code_is_cxx11(
    folders: dict[str, FirmwareFolder], kind: str, layout: str
) -> None:
    need("g++")
    folder = folders[kind]
    flags = [*CXX_FLAGS, *WARNINGS, *LAYOUTS[layout], "-fsyntax-only", "-x", "c++"]
    flags += [f"-I{path}" for path in (folder.path / "src", TFLM, PLATFORMS)]
    if kind == "arduino":  # its builder does so
        flags += ["-include", "Arduino.h"]
    call("g++", *flags, *sources_of(folder))


def test_arduino_library_compiles_for_the_m4(
    folders: dict[str, FirmwareFolder], tmp_path: Path
) -> None:
    """As the Arduino builder does: every source below src/, one include path."""
    need("arm-none-eabi-g++")
    folder = folders["arduino"].path
    flags = [*M4, "-Os", *WARNINGS, f"-I{folder / 'src'}"]
    c = sorted((folder / "src").rglob("*.c"))
    assert len(c) > 100
    call("arm-none-eabi-gcc", "-std=gnu11", *flags, "-c", *c, cwd=tmp_path)
    flags += [*CXX_FLAGS, f"-I{TFLM}", f"-I{PLATFORMS}", "-include", "Arduino.h"]
    cxx = sources_of(folders["arduino"])
    call("arm-none-eabi-g++", *flags, "-c", "-x", "c++", *cxx, cwd=tmp_path)
    assert len(list(tmp_path.glob("*.o"))) == len(c) + len(cxx)


def test_all_formats_have_the_same_sources(folders: dict[str, FirmwareFolder]) -> None:
    """So what compiles in one compiles in all."""

    def sources(kind: str) -> dict[str, bytes]:
        root = folders[kind].path / "src"
        found = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): path.read_bytes() for path in found}

    expected = sources("cmake")
    assert {"nest_model.h", "nest_ops.h", "kernels/nest_run_op.c"} <= expected.keys()
    for kind in FORMATS:
        assert sources(kind) == expected
