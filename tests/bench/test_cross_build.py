"""tflm_ops by CMake alone: every core, no warnings, its unit test in QEMU."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from keras_nest import _native
from keras_nest.bench import bench

OPS = Path(__file__).parents[2] / "tflm_ops"
CORES = json.loads((OPS / "bench" / "cores.json").read_text())
QEMU = {
    "arm-none-eabi": "qemu-system-arm",
    "riscv64-unknown-elf": "qemu-system-riscv32",
}


def need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def call(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def configure(core: str, folder: Path) -> str:
    toolchain = OPS / "cmake" / "bare_metal.cmake"
    return call(
        *("cmake", "-S", OPS, "-B", folder, f"-DNEST_CORE={core}"),
        *(f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON"),
    )


@pytest.mark.parametrize("core", CORES)
def test_unit_test_in_qemu(core: str, tmp_path: Path) -> None:
    compiler = CORES[core]["compiler"]
    need("cmake", f"{compiler}-gcc", QEMU[compiler])
    configure(core, tmp_path)
    assert "warning" not in call("cmake", "--build", tmp_path)
    output = call("ctest", "--test-dir", tmp_path, "--verbose", "--timeout", 60)
    assert "nest_test: ok" in output


def test_failing_unit_test_fails(tmp_path: Path) -> None:
    """The exit status comes out of QEMU."""
    need("cmake", "arm-none-eabi-gcc", "qemu-system-arm")
    sources, build = tmp_path / "ops", tmp_path / "build"
    shutil.copytree(OPS, sources)
    test = sources / "tests" / "nest_test.c"
    test.write_text(test.read_text().replace("output[0] == 30", "output[0] == 31"))
    toolchain = sources / "cmake" / "bare_metal.cmake"
    call("cmake", "-S", sources, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}")
    call("cmake", "--build", build)
    command = ["ctest", "--test-dir", build, "--verbose", "--timeout", "60"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "output[0] == 31" in done.stdout


def test_unknown_core_is_named(tmp_path: Path) -> None:
    need("cmake", "arm-none-eabi-gcc")
    with pytest.raises(AssertionError, match="Received: cortex-m99"):
        configure("cortex-m99", tmp_path)


def test_installed_package_brings_the_sources(
    tmp_path: Path, tflite: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a wheel installs is enough for the bench."""
    need("cmake", "arm-none-eabi-gcc", "qemu-system-arm")
    build, site = tmp_path / "build", tmp_path / "site"
    call("cmake", "-S", OPS, "-B", build, "-DNEST_BUILD_HOST_PLUGINS=OFF")
    call("cmake", "--build", build)
    call("cmake", "--install", build, "--prefix", site)
    package = site / "keras_nest"
    monkeypatch.setattr(_native, "__file__", str(package / "_native.py"))
    assert _native.sources_path() == package / "_lib" / "tflm_ops"
    assert bench(tflite).instructions[0] > 0
    assert _native.library_path("nest_core").parent in (
        package / "_lib",
        *_native._folders(),
    )
