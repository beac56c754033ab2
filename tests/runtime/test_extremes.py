"""Numbers at their ends: numpy, the C kernels, TFLM's nested and its builtin op agree.

Every case runs in every encoding that can hold it, at every level, on the lowest and
highest inputs, the zero point everywhere and both ends mixed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.errors import NestError
from keras_nest.format import NEVER, FormatError, Geometry, pack
from keras_nest.runtime import Interpreter, core
from tests.runtime.extreme_cases import (
    GEOMETRIES,
    KINDS,
    SMALLEST,
    extreme_case,
    half_of,
    inputs,
    one_weight_a_row,
    variants,
)
from tests.runtime.one_op import Case, nested_model, plain_model


def check(case: Case) -> np.ndarray:
    """All four agree; returns the densest level's outputs, one row an input."""
    plain = [Interpreter(plain_model(case, level)) for level in range(2)]
    found = []
    for variant in variants(case):
        nested = Interpreter(nested_model(variant))
        blob = variant.packed()
        found = []
        for x in inputs(case):
            for level in range(2):
                expected = reference.run(case.op, x, level)
                what = f"{variant.encoding}, level {level}"
                for y in (
                    core.run(blob, x, level),
                    nested.run(x, level),
                    plain[level].run(x),
                ):
                    np.testing.assert_array_equal(y, expected, what)
            found.append(expected.ravel())
    return np.array(found)


# The smallest real that is not zero, one that leaves a bit, one of a shift to the
# left, and one at which the multiplier is all ones. The weights are few enough that
# no sum passes the limit: the next test has it.
@pytest.mark.parametrize("real", [2.0**-32, 2.0**-20, 0.5, 1 - 2.0**-24, 3.0, 2.0**9])
@pytest.mark.parametrize("kind", KINDS)
def test_scales(kind: str, real: float) -> None:
    geometry = GEOMETRIES[kind]
    case = extreme_case(geometry, real, 1, 3, (-5, 9), half_of(geometry), negative=True)
    outputs = check(case)
    if real < 2.0**-12:
        assert (outputs == 9).all()  # nothing is left
    else:
        assert len(np.unique(outputs)) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_bias_of_the_smallest_scale(kind: str) -> None:
    geometry = GEOMETRIES[kind]
    room = 255 * geometry.columns
    for sign in (1, -1):
        bias = sign * (2**30 - 1 - room)
        case = extreme_case(geometry, 2.0**-24, 1, bias, (0, 3), half_of(geometry))
        outputs = check(case)
        assert (outputs == 3 + sign * 64).all()
        with pytest.raises(FormatError, match="accumulators below"):
            pack(extreme_case(geometry, 2.0**-24, sign, sign * 2**30).op)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_shift(kind: str) -> None:
    # One more would be refused: any sum would pass the limit.
    geometry = SMALLEST[kind]
    op = extreme_case(geometry, 1.0, 0, 0).op
    for shift, bias in ((29, 1), (29, -1), (30, 0), (0, 2**30 - 1), (-31, 2**30 - 1)):
        for multiplier in (2**31 - 1, -(2**31) + 1, 1, 0, 2**30):
            changed = dataclasses.replace(
                op,
                shift=np.full_like(op.shift, shift),
                bias=np.full_like(op.bias, bias),
                multiplier=np.full_like(op.multiplier, multiplier),
            )
            x = np.zeros((1, 1) if kind == "fully_connected" else (1, 1, 1, 1), np.int8)
            expected = reference.run(changed, x, 1)
            np.testing.assert_array_equal(core.run(pack(changed), x, 1), expected)
    for shift, bias in ((30, 1), (29, 2), (0, 2**30)):
        changed = dataclasses.replace(
            op, shift=np.full_like(op.shift, shift), bias=np.full_like(op.bias, bias)
        )
        with pytest.raises(FormatError, match="accumulators below"):
            pack(changed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bounds", [(-128, 127), (-7, -7), (127, 127), (-128, -128)])
def test_activations_that_saturate(kind: str, bounds: tuple[int, int]) -> None:
    # TFLM's builtin op has no such bounds: the case is compared without it.
    geometry = GEOMETRIES[kind]
    case = extreme_case(
        geometry, 200.0, 100, 0, (0, 0), half_of(geometry), negative=True, bounds=bounds
    )
    for variant in variants(case):
        nested = Interpreter(nested_model(variant))
        for x in inputs(case):
            for level in range(2):
                expected = reference.run(case.op, x, level)
                assert set(np.unique(expected)) <= {*bounds, 0}
                blob = variant.packed()
                np.testing.assert_array_equal(core.run(blob, x, level), expected)
                np.testing.assert_array_equal(nested.run(x, level), expected)


@pytest.mark.parametrize("zero_in", [-128, 127])
@pytest.mark.parametrize("zero_out", [-128, 127])
@pytest.mark.parametrize("kind", KINDS)
def test_zero_points_at_both_ends(kind: str, zero_in: int, zero_out: int) -> None:
    geometry = GEOMETRIES[kind]
    rng = np.random.default_rng(3)
    weights = rng.integers(-127, 128, geometry.weights_shape).astype(np.int8)
    case = extreme_case(
        geometry, 1e-3, weights, 77, (zero_in, zero_out), half_of(geometry)
    )
    assert len(np.unique(check(case))) > 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("zero", [-128, 0, 127])
def test_minus_128_everywhere(kind: str, zero: int) -> None:
    geometry = GEOMETRIES[kind]
    case = extreme_case(geometry, 1e-5, -128, -128, (zero, -128), half_of(geometry))
    outputs = check(case)
    terms = geometry.columns
    middle = -128 + round(-128 * (-128 - zero) * terms * 1e-5)
    if kind == "fully_connected":  # no padding: the sum has all terms
        assert outputs[0].max() == min(127, middle)


@pytest.mark.parametrize("block", [(1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16)])
@pytest.mark.parametrize("kind", ["conv_2d", "fully_connected"])
def test_rows_of_zeros(kind: str, block: tuple[int, int]) -> None:
    geometry = GEOMETRIES[kind]
    level_of = half_of(geometry, block)
    assert level_of is not None
    level_of[4:] = NEVER  # these rows have no weight at any level
    level_of[:4][level_of[:4] == 0] = 1  # and no row has one at the sparser level
    case = extreme_case(geometry, 2e-3, 50, 4000, (3, -20), level_of, block)
    outputs = check(case).reshape(4, -1, geometry.out_c)
    assert (outputs[:, :, 4:] == -12).all()
    level_of[:] = NEVER
    nothing = extreme_case(geometry, 2e-3, 50, 4000, (3, -20), level_of, block)
    assert (check(nothing) == -12).all()


@pytest.mark.parametrize("sparser", [0, 1, 8])
@pytest.mark.parametrize("kind", ["conv_2d", "fully_connected"])
def test_one_weight_a_row(kind: str, sparser: int) -> None:
    geometry = GEOMETRIES[kind]
    level_of = one_weight_a_row(geometry, sparser)
    case = extreme_case(geometry, 0.01, 90, 0, (-3, 0), level_of)
    assert len(np.unique(check(case))) > 2


@pytest.mark.parametrize("zeros", [(0, 0), (-128, 127), (127, -128)])
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_one_value(kind: str, zeros: tuple[int, int]) -> None:
    for level in range(2):
        level_of = None
        if kind != "depthwise_conv_2d":
            level_of = np.full((1, 1), level, np.uint8)
        check(extreme_case(SMALLEST[kind], 0.01, -128, 5, zeros, level_of))


# Both sides of what 16 bits can count, in one row.
@pytest.mark.parametrize(
    ("columns", "block"),
    [(65_535, (1, 1)), (65_536, (4, 16)), (65_540, (1, 4))],
)
def test_rows_longer_than_16_bits_count(columns: int, block: tuple[int, int]) -> None:
    geometry = Geometry("fully_connected", 1, 1, columns, 1, 1, 4)
    rng = np.random.default_rng(0)
    weights = rng.integers(-127, 128, geometry.weights_shape).astype(np.int8)
    # Half of the weights, then all but every third one beyond: the last is there.
    level_of = half_of(geometry, block)
    assert level_of is not None
    for densest in (1, NEVER):
        level_of[level_of != 0] = densest
        case = extreme_case(geometry, 2e-6, weights, 9, (-1, 1), level_of, block)
        outputs = check(case)
        assert len(np.unique(outputs)) > 4


def test_a_convolution_of_long_rows() -> None:
    geometry = Geometry("conv_2d", 3, 3, 8192, 1, 1, 2, 3, 3)
    level_of = half_of(geometry)
    rng = np.random.default_rng(1)
    weights = rng.integers(-127, 128, geometry.weights_shape).astype(np.int8)
    case = extreme_case(geometry, 2e-6, weights, 9, (-1, 1), level_of)
    assert len(np.unique(check(case))) > 2


def test_rows_too_long_are_refused() -> None:
    # 2^24 weights at most: 255 * 128 times as many would pass 32 bits long before.
    geometry = Geometry("fully_connected", 1, 1, (1 << 24) + 1, 1, 1, 1)
    with pytest.raises(NestError, match="size out of range"):
        pack(extreme_case(geometry, 1e-9).op)
    heavy = Geometry("fully_connected", 1, 1, 33_200, 1, 1, 1)
    # So many of 127 stay below 2^30 whatever the input is; one more may not.
    limit = 2**30 // (255 * 127)
    weights = np.zeros(heavy.weights_shape, np.int8)
    weights[:, :limit] = 127
    pack(extreme_case(heavy, 1e-9, weights, zero_points=(-128, 0)).op)
    weights[:, limit] = 127
    with pytest.raises(FormatError, match="accumulators below"):
        pack(extreme_case(heavy, 1e-9, weights, zero_points=(-128, 0)).op)
