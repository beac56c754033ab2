"""Ops at the ends of what the numbers can be, with the scales that make them so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_nest.format import NEVER, Geometry, NestedOp, candidates, variant_of
from tests.runtime.one_op import Case, multiplier_of, real_multiplier

KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")
GEOMETRIES = {
    "conv_2d": Geometry("conv_2d", 5, 4, 16, 5, 4, 8, 3, 3, 1, 1, 1, 1, 1, 1),
    "depthwise_conv_2d": Geometry(
        "depthwise_conv_2d", 5, 4, 6, 3, 2, 12, 3, 3, 2, 2, 1, 1, 1, 0
    ),
    "fully_connected": Geometry("fully_connected", 1, 3, 32, 1, 3, 8),
}
SMALLEST = {
    kind: Geometry(kind, 1, 1, 1, 1, 1, 1)
    for kind in ("conv_2d", "depthwise_conv_2d", "fully_connected")
}


def extreme_case(
    geometry: Geometry,
    real: float,
    weights: np.ndarray | int = 1,
    bias: int = 0,
    zero_points: tuple[int, int] = (0, 0),
    level_of: np.ndarray | None = None,
    block: tuple[int, int] = (1, 1),
    bounds: tuple[int, int] = (-128, 127),
    negative: bool = False,
) -> Case:
    """A case of two levels that requantizes by about `real`.

    Args:
        geometry: Shape of the op.
        real: input scale * weight scale / output scale.
        weights: int8 array of the geometry's shape, or one value for all.
        bias: Of all channels and levels.
        zero_points: Of input and output.
        level_of: As NestedOp's; None: all weights at both levels.
        block: Of `level_of`.
        bounds: Lowest and highest output.
        negative: Whether every other channel has a negative scale.
    """
    per_level = (2, geometry.out_c)
    s_in, s_out = np.float32(0.5), np.float32(2)
    w_scale = np.full(per_level, real * 4, np.float32)
    per_tensor = geometry.op == "fully_connected" and geometry.out_c == 1
    fixed, shift = multiplier_of(
        real_multiplier(s_in, w_scale[0, 0], s_out, per_tensor)
    )
    multiplier = np.full(per_level, fixed, np.int32)
    if negative:
        multiplier[:, ::2] *= -1
    values = np.zeros(geometry.weights_shape, np.int8)
    values[:] = weights
    if level_of is not None:
        values[level_of == NEVER] = 0
    op = NestedOp(
        geometry=geometry,
        levels=2,
        input_zero_point=zero_points[0],
        output_zero_point=zero_points[1],
        act_min=bounds[0],
        act_max=bounds[1],
        weights=values,
        level_of=level_of,
        multiplier=multiplier,
        shift=np.full(per_level, shift, np.int8),
        bias=np.full(per_level, bias, np.int32),
        block=block,
    )
    same = geometry.pad_top > 0
    return Case(op, s_in, s_out, w_scale, same, "none")


def half_of(geometry: Geometry, block: tuple[int, int] = (1, 1)) -> np.ndarray | None:
    """level_of with every other block at the sparser level; None for depthwise."""
    if geometry.op == "depthwise_conv_2d":
        return None
    rows, cols = block
    grid = np.indices((-(-geometry.out_c // rows), geometry.columns // cols)).sum(0)
    spread = np.repeat(np.repeat(grid % 2, rows, 0)[: geometry.out_c], cols, 1)
    level_of: np.ndarray = spread.astype(np.uint8)
    return level_of


def one_weight_a_row(geometry: Geometry, sparser: int) -> np.ndarray:
    """level_of with one weight in each row; `sparser` of them at level 0."""
    level_of = np.full(geometry.weights_shape, NEVER, np.uint8)
    for row in range(geometry.out_c):
        at = (row * 7 + geometry.columns - 1) % geometry.columns
        level_of[row, at] = int(row >= sparser)
    return level_of


def variants(case: Case) -> Iterator[Case]:
    """The case in each encoding that can hold it."""
    for found in candidates(case.op):
        yield dataclasses.replace(case, encoding=variant_of(found.blob))


def inputs(case: Case) -> list[np.ndarray]:
    """All lowest, all highest, the zero point everywhere, and both ends mixed."""
    shape = case.input_shape
    zero = case.op.input_zero_point
    mixed = np.random.default_rng(0).choice(np.array([-128, 127], np.int8), shape)
    return [*(np.full(shape, v, np.int8) for v in (-128, 127, zero)), mixed]
