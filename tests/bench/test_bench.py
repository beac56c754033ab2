"""The bench on every board: right outputs, exact counts, errors by name."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.bench import bench, emulator, image
from keras_nest.bench.inputs import random_inputs, real_inputs
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.errors import NestError
from keras_nest.runtime import Interpreter
from keras_nest.targets import EMULATED
from tests.bench.conftest import LEVELS, OPS, model_for
from tests.bench.test_stack import stated_bounds

pytestmark = pytest.mark.usefixtures("tools")


@pytest.mark.parametrize("target", EMULATED)
def test_every_board(target: str) -> None:
    """The image itself compares every output with the reference's checksum."""
    tflite = model_for(target)
    result = bench(tflite, target)
    assert result.target == target
    assert result.levels == LEVELS
    assert [op.name for op in result.ops] == list(OPS)
    assert result.not_timed == {"RESHAPE": 1}
    for name, cost in zip(OPS, result.ops, strict=True):
        assert len(cost.instructions) == LEVELS
        # A multiply-accumulate is two instructions or more on scalar cores, and no
        # vector core does 16 of them in one.
        densest = cost.instructions[-1]
        assert cost.macs[-1] / 16 < densest < 100 * cost.macs[-1]
        if OPS[name].level_of is not None:
            assert cost.instructions[0] < cost.instructions[1] < densest
    columns = zip(*(op.instructions for op in result.ops), strict=True)
    assert result.instructions == [sum(column) for column in columns]
    assert result.scratch_bytes == max(op.scratch_bytes for op in result.ops)
    assert result.stack_bytes == max(op.stack_bytes for op in result.ops)
    stated = stated_bounds().get(target)
    if stated:  # a sparse convolution is among those that take most
        most = max(stated["Prepare"], stated["Invoke"])
        assert most / 4 < result.stack_bytes <= most
    # The M55 has the kernels of the DSP extension and those of MVE.
    most = 40 if target == "cortex-m55" else 27
    assert 1_000 < result.kernel_bytes < most * 1024
    assert bench(tflite, target) == result, "another count in a second run"


def test_counts_are_exact(
    tflite: bytes, own_sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that is a loop of two instructions, with a known number of turns."""
    (own_sources / "src" / "nest_fully_connected.c").write_text(
        """#include "nest/nest.h"
        size_t nest_fully_connected_get_buffer_size(const nest_op* op) {
          return (size_t)op->levels;
        }
        nest_status nest_fully_connected(const nest_op* op, int32_t level,
                                         const int8_t* input, int8_t* output,
                                         void* scratch) {
          (void)op, (void)input, (void)output, (void)scratch;
          int32_t turns = level == 0 ? 1 : level == 1 ? 1000 : 1000000;
          __asm__ volatile("1: subs %0, %0, #1\\n bne 1b" : "+r"(turns) : : "cc");
          return NEST_OK;
        }"""
    )
    real = reference.run

    def unwritten(op: object, x: np.ndarray, level: int) -> np.ndarray:
        y = real(op, x, level)
        return np.full_like(y, 0x5A) if op.geometry.op == "fully_connected" else y

    monkeypatch.setattr(image.reference, "run", unwritten)
    for target in ("cortex-m4", "cortex-m33", "cortex-m55"):
        cost = bench(tflite, target).ops[-1]
        assert cost.scratch_bytes == LEVELS
        # One turn and what is around the loop, less than thirty instructions.
        assert 2 < cost.instructions[0] < 30
        # Choosing the number of turns may take one more for one level than another.
        assert cost.instructions[1] == pytest.approx(cost.instructions[0] + 1998, abs=3)
        more = cost.instructions[2] - cost.instructions[1]
        assert more == pytest.approx(2 * 999_000, abs=3)


def test_inputs_are_what_the_model_computes(tflite: bytes) -> None:
    nested = nested_operators(flatbuffer.load(tflite))
    samples = np.random.default_rng(0).normal(0, 40, (2, 8, 8, 8)).astype(np.float32)
    found = real_inputs(tflite, nested, samples)
    # The model's input has scale 1 and zero point 3.
    x = np.clip(np.rint(samples[:1]) + 3, -128, 127).astype(np.int8)
    for operator, received in zip(nested, found, strict=True):
        op = operator.op
        if op.geometry.op == "fully_connected":
            x = x.reshape(1, -1)
        np.testing.assert_array_equal(received, x, err_msg=operator.name)
        x = reference.run(op, x, LEVELS - 1)
    np.testing.assert_array_equal(Interpreter(tflite).predict(samples[:1]), x)


def test_data(tflite: bytes) -> None:
    x = np.zeros((1, 8, 8, 8), np.float32)
    assert bench(tflite, data=x).data == "first sample"
    with pytest.raises(NestError, match=r"\(9, 8, 8\)|shape"):
        bench(tflite, data=np.zeros((1, 9, 8, 8), np.float32))


def test_random_inputs_repeat(tflite: bytes) -> None:
    nested = nested_operators(flatbuffer.load(tflite))
    first, second = random_inputs(nested), random_inputs(nested)
    assert [x.shape for x in first] == [(1, 8, 8, 8), (1, 8, 8, 16), (1, 256)]
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_output_is_found(tflite: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    real = reference.run

    def one_bit_off(op: object, x: np.ndarray, level: int) -> np.ndarray:
        y = real(op, x, level).copy()
        if op.geometry.op == "depthwise_conv_2d" and level == 1:
            y.flat[-1] ^= 1
        return y

    monkeypatch.setattr(image.reference, "run", one_bit_off)
    with pytest.raises(NestError, match=r"'depthwise' to run at level 1.*other bytes"):
        bench(tflite)


def patch_kernel(sources: Path, name: str, pattern: str, replacement: str) -> None:
    path = sources / "src" / f"{name}.c"
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)


def test_overrun_scratch_is_found(tflite: bytes, own_sources: Path) -> None:
    """A kernel that asks for no scratch memory, and takes it."""
    pattern = r"(get_buffer_size\([^)]*\) \{).*?\n\}"
    path = own_sources / "src" / "nest_conv_2d.c"
    text = re.sub(pattern, r"\1 (void)op; return 0; }", path.read_text(), flags=re.S)
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises(NestError, match=r"'conv' to run at level 0.*past its output"):
        bench(tflite)


def test_fault_is_found(tflite: bytes, own_sources: Path) -> None:
    patch_kernel(
        own_sources,
        "nest_conv_2d",
        r"(nest_status nest_conv_2d\([^)]*\) \{)",
        r'\1 __asm__ volatile("udf #0");',
    )
    with pytest.raises(NestError, match=r"exit status 2, and: .*fault"):
        bench(tflite)


def test_compile_error_shows_its_lines(tflite: bytes, own_sources: Path) -> None:
    (own_sources / "src" / "nest_broken.c").write_text("int broken(void) { retur; }")
    with pytest.raises(NestError) as caught:
        bench(tflite)
    assert "Expected the bench to compile" in caught.value.message
    assert "nest_broken.c:1:" in caught.value.message
    assert "'retur' undeclared" in caught.value.message
    assert len(caught.value.message.splitlines()) < 12


def test_long_ops_take_another_clock(
    tflite: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the timer ends too early, instructions are counted in fewer ticks."""
    expected = bench(tflite)
    run, shifts = emulator._run, []

    def overflowing(image: Path, target: object, shift: int) -> list[str]:
        shifts.append(shift)
        if shift == emulator._SHIFTS[0]:
            return ["kernels 100", "empty 1", "error timer op 0 level 2"]
        return run(image, target, shift)

    monkeypatch.setattr(emulator, "_run", overflowing)
    result = bench(tflite)
    assert tuple(shifts) == emulator._SHIFTS
    for coarse, exact in zip(result.ops, expected.ops, strict=True):
        # 0.4 ticks an instruction: a tick at either end of either measurement.
        assert coarse.instructions == pytest.approx(exact.instructions, abs=5)
    same = dataclasses.replace(
        result, ops=expected.ops, instructions=expected.instructions
    )
    assert same == expected
    monkeypatch.setattr(emulator, "_SHIFTS", emulator._SHIFTS[:1])
    with pytest.raises(NestError, match=r"'conv' to run at level 2.*can count"):
        bench(tflite)
