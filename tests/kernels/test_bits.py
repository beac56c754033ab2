"""Levels of bits: C equals numpy, numpy the formula, scratch its arithmetic."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import (
    Geometry,
    NestedOp,
    candidates,
    scratch_bytes,
    section_sizes,
    unpack,
    variant_of,
)
from keras_nest.format.header import Header
from keras_nest.runtime import core
from tests.kernels.random_bits import KINDS, random_bits_op, with_bits
from tests.kernels.random_ops import random_input

# Several parts of channels, the last one of few; one of all; large rows.
PARTS = [
    Geometry("conv_2d", 5, 4, 64, 5, 4, 40, 3, 3, 1, 1, 1, 1, 1, 1),
    Geometry("conv_2d", 4, 3, 3, 4, 3, 300, 1, 1),
    Geometry("conv_2d", 3, 3, 35, 2, 1, 33, 2, 3),
    Geometry("fully_connected", 1, 1, 1200, 1, 1, 21),
    Geometry("fully_connected", 1, 3, 100, 1, 3, 130),
]


def plain_level(op: NestedOp, level: int) -> NestedOp:
    """The level as an op of 8 bits, by the formula of the page: 16 * upper."""
    weights = op.weights.astype(int)
    if op.bits is not None and op.bits[level] == 4:
        weights = 16 * np.floor(weights / 16 + 0.5).astype(int)
        assert np.abs(weights).max(initial=0) <= 112
    return dataclasses.replace(
        op,
        levels=1,
        weights=weights.astype(np.int8),
        bits=None,
        multiplier=op.multiplier[level : level + 1],
        shift=op.shift[level : level + 1],
        bias=op.bias[level : level + 1],
    )


def check_op(op: NestedOp, rng: np.random.Generator, name: str) -> int:
    """Returns how many levels had one output value only."""
    constant = 0
    x = random_input(rng, op.geometry)
    found = candidates(op)
    assert {one.folded for one in found} == {False, True}
    for level in range(op.levels):
        expected = reference.run(op, x, level)
        constant += len(np.unique(expected)) == 1
        plain = reference.run(plain_level(op, level), x, 0)
        np.testing.assert_array_equal(plain, expected)
        for one in found:
            np.testing.assert_array_equal(
                core.run(one.blob, x, level), expected, f"{name} {one.folded} {level}"
            )
    return constant


@pytest.mark.parametrize("kind", KINDS)
def test_c_equals_numpy(kind: str) -> None:
    constant, seen = 0, set()
    for seed in range(80):
        rng = np.random.default_rng(seed)
        op = random_bits_op(rng, kind)
        seen.add(op.bits)
        constant += check_op(op, rng, str(seed))
    assert constant < 30
    assert {(4,), (4, 8), (4, 4, 8), (4, 8, 8)} <= seen


@pytest.mark.parametrize("geometry", PARTS, ids=str)
def test_parts_of_the_channels(geometry: Geometry) -> None:
    rng = np.random.default_rng(0)
    check_op(with_bits(rng, geometry, 2, 1), rng, str(geometry))


def test_round_trip() -> None:
    for seed in range(50):
        op = random_bits_op(np.random.default_rng(seed))
        for found in candidates(op):
            again = unpack(found.blob)
            assert again.bits == op.bits and again.level_of is None
            for name in ("weights", "multiplier", "shift", "bias"):
                np.testing.assert_array_equal(getattr(again, name), getattr(op, name))
            assert variant_of(found.blob) == "folded " * found.folded + "dense bits"


def test_a_plane_is_half_of_the_weights() -> None:
    for four, halves in ((1, 2), (2, 1)):
        op = with_bits(np.random.default_rng(1), PARTS[0], 2, four)
        values = section_sizes(candidates(op)[0].blob)["values"]
        assert values == halves * op.weights.size // 2


@pytest.mark.parametrize("geometry", PARTS, ids=str)
def test_levels_of_4_bits_read_half_of_the_bytes(geometry: Geometry) -> None:
    """Other bytes in the plane of the lower parts change levels of 8 bits alone."""
    rng = np.random.default_rng(2)
    op = dataclasses.replace(
        with_bits(rng, geometry, 2, 1),
        multiplier=np.full((2, geometry.out_c), 1 << 30, np.int32),
        shift=np.full((2, geometry.out_c), -7, np.int8),
        bias=np.zeros((2, geometry.out_c), np.int32),
        act_min=-128,
        act_max=127,
    )
    x = random_input(rng, geometry)
    blob = candidates(op)[0].blob
    header = Header.parse(blob)
    size = header.dense_bytes // 2
    assert len(blob) == header.offsets[3] + 2 * size and size >= op.weights.size / 2
    used = op.weights.size // 8 * 4  # bytes before a group that is not full
    poisoned = bytearray(blob)
    start = header.offsets[3] + size
    poisoned[start : start + used] = rng.bytes(used)
    poison = bytes(poisoned)
    assert poison != blob
    np.testing.assert_array_equal(core.run(poison, x, 0), core.run(blob, x, 0))
    assert np.any(core.run(poison, x, 1) != core.run(blob, x, 1))


@pytest.mark.skipif(sys.platform != "linux", reason="needs mprotect")
def test_the_lower_plane_is_not_touched(tmp_path: Path) -> None:
    """Unreadable memory in its place: 4 bits run, 8 bits are stopped."""
    op = with_bits(np.random.default_rng(4), PARTS[0], 2, 1)
    blob = candidates(op)[0].blob
    header = Header.parse(blob)
    (tmp_path / "blob").write_bytes(blob)
    offset = header.offsets[3] + header.dense_bytes // 2
    script = Path(__file__).with_name("plane_reads.py")
    codes = []
    for level in (0, 1):
        command = [sys.executable, script, tmp_path / "blob", str(offset), str(level)]
        codes.append(subprocess.run(command, capture_output=True).returncode)
    assert codes == [0, -signal.SIGSEGV]


def test_scratch() -> None:
    geometries = [*PARTS]
    ops = [random_bits_op(np.random.default_rng(seed)) for seed in range(80)]
    ops += [with_bits(np.random.default_rng(3), g, 2, 1) for g in geometries]
    for op in ops:
        for found in candidates(op):
            asked = core.scratch_bytes(found.blob)
            assert asked == scratch_bytes(found.blob, pointer_bytes=8)
