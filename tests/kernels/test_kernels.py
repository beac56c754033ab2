"""The C kernels equal the numpy reference, and that equals the formula."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import NestError, reference
from keras_nest.format import NestedOp, candidates, pack, variant_of
from keras_nest.format.header import Header
from keras_nest.runtime import core
from tests.kernels.random_ops import random_input, random_op, random_vector_op

KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


def encodings_of(op: NestedOp) -> dict[str, bytes]:
    return {variant_of(found.blob): found.blob for found in candidates(op)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", range(0, 250, 50))
def test_c_equals_numpy(kind: str, start: int) -> None:
    constant, seen = 0, set()
    for seed in range(start, start + 50):
        rng = np.random.default_rng(seed)
        op = random_op(rng, kind)
        x = random_input(rng, op.geometry)
        levels = range(op.levels) if op.levels < 6 else (0, 7, op.levels - 1)
        for level in levels:
            expected = reference.run(op, x, level)
            constant += len(np.unique(expected)) == 1
            for encoding, blob in encodings_of(op).items():
                seen.add(encoding)
                np.testing.assert_array_equal(
                    core.run(blob, x, level), expected, f"{seed} {encoding} {level}"
                )
    # A case whose outputs are all clamped alike would pass with wrong sums.
    assert constant < 50
    everywhere = {"dense", "folded dense"}
    placed = {"offsets", "offsets + dense", "vectors", "vectors + dense"}
    sparse = {"blocks", "lists", *placed} if kind != "depthwise_conv_2d" else set()
    assert seen == everywhere | sparse


def test_vectors_of_one_in_every_block() -> None:
    seen = set()
    for seed in range(120):
        rng = np.random.default_rng(seed)
        op = random_vector_op(rng)
        x = random_input(rng, op.geometry)
        for level in range(op.levels):
            expected = reference.run(op, x, level)
            for variant, blob in encodings_of(op).items():
                seen.add((variant, Header.parse(blob).block))
                np.testing.assert_array_equal(
                    core.run(blob, x, level), expected, f"{seed} {variant} {level}"
                )
    blocks = {(1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16)}
    for variant in ("vectors", "vectors + dense"):
        assert {block for name, block in seen if name == variant} == blocks
    offsets = {block for name, block in seen if name == "offsets + dense"}
    assert offsets == {(1, 2), (1, 4), (4, 4)}


def test_an_input_at_any_address() -> None:
    """Kernels of the encoding vectors take some inputs where they are."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        op = random_vector_op(rng)
        g = op.geometry
        blob = core._aligned(pack(op, "vectors"))
        opened = core._open(blob)
        x = random_input(rng, g)[:1]
        memory = np.zeros(x.size + 4, np.int8)
        scratch = np.zeros(g.in_c + 4, np.int32)
        for start in range(4):
            memory[start : start + x.size] = x.ravel()
            moved = memory[start : start + x.size]
            y = np.zeros(g.out_c, np.int8)
            kernel = getattr(core._library(), f"nest_{g.op}")
            status = kernel(opened, 0, moved.ctypes, y.ctypes, scratch.ctypes)
            assert status == 0
            np.testing.assert_array_equal(y, reference.run(op, x, 0).ravel())


def formula(op: NestedOp, x: np.ndarray, level: int, at: tuple[int, ...]) -> int:
    """One output in Python's own integers, written apart from reference.py."""
    g = op.geometry
    _, oy, ox, oc = at
    acc = int(op.bias[level, oc])
    for ky in range(g.kernel_h):
        for kx in range(g.kernel_w):
            y = oy * g.stride_h - g.pad_top + ky * g.dilation_h
            z = ox * g.stride_w - g.pad_left + kx * g.dilation_w
            if not (0 <= y < g.in_h and 0 <= z < g.in_w):
                continue
            tap = ky * g.kernel_w + kx
            for ic in range(g.in_c):
                where = (oc, tap * g.in_c + ic)
                if g.op == "depthwise_conv_2d":
                    if oc // (g.out_c // g.in_c) != ic:
                        continue
                    where = (tap, oc)
                if op.level_of is None or op.level_of[where] <= level:
                    pixel = int(x[at[0], y, z, ic]) - op.input_zero_point
                    acc += int(op.weights[where]) * pixel
    scaled = gemmlowp(acc, int(op.multiplier[level, oc]), int(op.shift[level, oc]))
    return max(op.act_min, min(op.act_max, scaled + op.output_zero_point))


def gemmlowp(x: int, multiplier: int, shift: int) -> int:
    """SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT."""
    product = (x << max(shift, 0)) * multiplier
    # floor(p / 2^31 + 1/2): what its sign-dependent nudge and C's division give.
    high = (product + (1 << 30)) >> 31
    right = max(-shift, 0)
    if right == 0:
        return high
    half = 1 << (right - 1)
    return (high + half) >> right if high >= 0 else -((-high + half) >> right)


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_equals_the_formula(kind: str) -> None:
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        op = random_op(rng, kind)
        x = random_input(rng, op.geometry)
        level = int(rng.integers(op.levels))
        y = reference.run(op, x, level)
        if kind == "fully_connected":
            x, y = x[:, None, None], y[:, None, None]
            g = dataclasses.replace(op.geometry, in_w=1, out_w=1)
            op = dataclasses.replace(op, geometry=g)
        for _ in range(15):
            at = tuple(int(rng.integers(n)) for n in y.shape)
            assert y[at] == formula(op, x, level, at), (seed, at)


def test_requantization_over_its_whole_range() -> None:
    rng = np.random.default_rng(0)
    shift = rng.integers(-31, 31, 100_000)
    limit = 1 << (30 - np.maximum(shift, 0))
    value = (rng.uniform(-1, 1, shift.size) ** 5 * limit).astype(np.int64)
    multiplier = rng.integers(-(2**31) + 1, 2**31, shift.size)
    multiplier[::3] = 1 << 30  # ties
    y = reference.requantize(value, multiplier, shift)
    for i in range(0, shift.size, 7):
        expected = gemmlowp(int(value[i]), int(multiplier[i]), int(shift[i]))
        assert y[i] == expected, i


def test_levels_differ_and_the_random_ops_cover_what_they_claim() -> None:
    ops = [random_op(np.random.default_rng(seed)) for seed in range(300)]
    assert any((op.multiplier < 0).any() for op in ops)
    assert any((op.shift > 0).any() for op in ops)
    assert any((op.shift < -20).any() for op in ops)
    assert {op.input_zero_point for op in ops} >= {-128, 127}
    assert {op.block for op in ops} >= {(1, 1), (1, 2), (1, 4), (1, 16), (4, 4)}
    assert any(op.geometry.dilation_h > 1 for op in ops)
    assert any(op.geometry.pad_top > 0 for op in ops)


def test_the_level_switches_at_each_call() -> None:
    rng = np.random.default_rng(11)
    op = next(
        op
        for op in (random_op(rng, "conv_2d") for _ in range(100))
        if op.levels == 3 and op.level_of is not None and op.geometry.out_h > 3
    )
    x, blob = random_input(rng, op.geometry), pack(op)
    first = [core.run(blob, x, level) for level in (0, 2, 0, 1)]
    assert np.array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("level", [-1, 2, 99])
def test_levels_out_of_range(level: int) -> None:
    rng = np.random.default_rng(0)
    op = next(
        op for op in (random_op(rng, "conv_2d") for _ in range(100)) if op.levels == 2
    )
    x = random_input(rng, op.geometry)
    with pytest.raises(NestError, match=rf"from 0 to 1. Received: {level}"):
        reference.run(op, x, level)
    with pytest.raises(NestError, match=rf"from 0 to 1. Received: {level}"):
        core.run(pack(op), x, level)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_itself_refuses_a_level_and_leaves_the_output(kind: str) -> None:
    op = random_op(np.random.default_rng(4), kind)
    data = core._aligned(pack(op))
    opened = core._open(data)
    buffer = np.full(1 << 16, 77, np.int8)
    for other in KINDS:
        kernel = getattr(core._library(), f"nest_{other}")
        for level in (-1, op.levels, 2**31 - 1, -(2**31)):
            status = kernel(opened, level, *[buffer.ctypes] * 3)
            text = core._library().nest_status_text(status).decode()
            assert ("level" if other == kind else "another kind") in text
    assert (buffer == 77).all()


def test_inputs_of_another_shape() -> None:
    rng = np.random.default_rng(0)
    op = random_op(rng, "conv_2d")
    x = random_input(rng, op.geometry)
    with pytest.raises(NestError, match="Expected int8 input of shape"):
        core.run(pack(op), x[:, :, :, :-1], 0)
    with pytest.raises(NestError, match="Received: float32"):
        core.run(pack(op), x.astype(np.float32), 0)
