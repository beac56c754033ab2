"""What a nested op costs in TFLM beyond its kernel: Eval against a stand-in context."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keras_nest.bench import image
from keras_nest.bench.emulator import measure
from keras_nest.bench.inputs import random_inputs
from keras_nest.bench.targets import find_target
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from tests.bench import firmware
from tests.bench.conftest import OPS

LIMIT = 150  # instructions
SUPPORT = ("semihosting", "startup_arm", "timer")


@pytest.fixture
def overheads(tflite: bytes, tmp_path: Path, tools: None) -> list[list[list[int]]]:
    """Instructions beyond the kernel, `[op][Eval after a switch, later one][level]`."""
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    nested = nested_operators(flatbuffer.load(tflite))
    jobs = [
        image.Job(operator.name, operator.blob, operator.op, x)
        for operator, x in zip(nested, random_inputs(nested), strict=True)
    ]
    target = find_target("cortex-m4")
    image._write_model(jobs, tmp_path)
    firmware.compile_c(target, firmware.kernel_sources(), tmp_path / "kernels")
    bench = firmware.OPS / "bench"
    support = [bench / f"{name}.c" for name in SUPPORT]
    firmware.compile_c(target, support, tmp_path / "support")
    sources = [*firmware.glue_sources(), *sorted(firmware.STAND_IN.glob("*.cc"))]
    firmware.compile_cxx(target, sources, tmp_path / "glue")
    built = tmp_path / "glue.elf"
    firmware.link(target, built, *sorted(tmp_path.glob("*/*.o")), "model.S")
    names = [f"{job.name} {run}" for job in jobs for run in range(3)]
    counts = measure(built, target, names).instructions
    return [
        [
            [taken - kernel for taken, kernel in zip(run, counts[i], strict=True)]
            for run in counts[i + 1 : i + 3]
        ]
        for i in range(0, len(counts), 3)
    ]


def test_glue_costs_little_and_a_switch_nothing(
    overheads: list[list[list[int]]], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print("\nInstructions of Eval beyond its kernel, by level:")
        for name, (switched, _) in zip(OPS, overheads, strict=True):
            print(f"  {name}: {switched}")
    assert [len(runs) for runs in overheads] == [2] * len(OPS)
    for switched, later in overheads:
        assert all(0 < count <= LIMIT for count in switched)
        # The same level by level, but for a tick of the timer.
        assert max(switched) - min(switched) <= 2
        for first, again in zip(switched, later, strict=True):
            assert abs(first - again) <= 1
