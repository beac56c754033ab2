"""Shapes, patterns and densities of the comparison, filled with random weights.

What a kernel takes does not depend on what the weights are, only on where they are.
Places are drawn at random over the whole layer, as pruning by magnitude leaves them:
rows of unequal length. Of a pattern that ends in "-balanced" rows are equally long.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.format import Geometry, NestedOp
from keras_nest.format.operation import Int8Array

DENSITIES = (0.1, 0.2, 0.3, 0.5, 1.0)  # of the levels, the sparsest first
TOP_DENSITIES = (0.1, 0.3, 1.0)  # the densest level dense
PATTERNS = {
    "element": (1, 1),
    "1x2": (1, 2),
    "1x4": (1, 4),
    "1x16": (1, 16),
    "4x4": (4, 4),
    "4x16": (4, 16),
}
BALANCED = "-balanced"
_ZERO_POINT = -128


def _conv(size: tuple[int, int], in_c: int, out_c: int, kernel: int) -> Geometry:
    pad = kernel // 2
    shape = (*size, in_c, *size, out_c)
    return Geometry("conv_2d", *shape, kernel, kernel, 1, 1, 1, 1, pad, pad)


def _dense(in_c: int, out_c: int) -> Geometry:
    return Geometry("fully_connected", 1, 1, in_c, 1, 1, out_c)


CONVOLUTIONS = {
    "3x3 8x8x32-32": _conv((8, 8), 32, 32, 3),
    "3x3 16x16x16-16": _conv((16, 16), 16, 16, 3),
    "1x1 10x10x64-64": _conv((10, 10), 64, 64, 1),
    "1x1 6x6x128-128": _conv((6, 6), 128, 128, 1),
}
FULLY_CONNECTED = {"640-128": _dense(640, 128), "256-128": _dense(256, 128)}
# ResNet-8's first layer has three input channels; of depthwise weights none are left
# out. Both stay dense.
ALWAYS_DENSE = {
    "3x3 32x32x3-16": _conv((32, 32), 3, 16, 3),
    "depthwise 3x3 25x5x64": dataclasses.replace(
        _conv((25, 5), 64, 64, 3), op="depthwise_conv_2d"
    ),
}
SHAPES = CONVOLUTIONS | FULLY_CONNECTED | ALWAYS_DENSE


def patterns_of(geometry: Geometry) -> list[str]:
    """The patterns that a shape is measured with."""
    if geometry.op == "depthwise_conv_2d" or geometry.in_c % 4:
        return []
    if geometry.op == "fully_connected":
        return [*PATTERNS, "1x16" + BALANCED]
    return [name for name, block in PATTERNS.items() if block[0] == 1]


def random_input(geometry: Geometry) -> Int8Array:
    """The same in every call."""
    shape: tuple[int, ...] = (1, geometry.in_h, geometry.in_w, geometry.in_c)
    if geometry.op == "fully_connected":
        shape = (geometry.in_w, geometry.in_c)
    return np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)


def random_op(
    geometry: Geometry, pattern: str | None, densities: tuple[float, ...]
) -> NestedOp:
    """An op whose level l keeps `densities[l]` of the blocks.

    Args:
        geometry: The shape.
        pattern: One of `PATTERNS`, maybe balanced; None: dense at all levels.
        densities: The last one 1 where the pattern is None.
    """
    rng = np.random.default_rng(0)
    levels = len(densities)
    weights = rng.integers(1, 128, geometry.weights_shape).astype(np.int8)
    weights *= rng.choice([-1, 1], weights.shape).astype(np.int8)
    block, level_of = (1, 1), None
    if pattern is not None:
        block = PATTERNS[pattern.removesuffix(BALANCED)]
        balanced = pattern.endswith(BALANCED)
        level_of = _levels(rng, geometry, block, densities, balanced)
    # Sums spread over about the int8 range at the densest level.
    spread = np.sqrt(geometry.columns) * 74 * 148
    fraction, exponent = np.frexp(40 / spread * rng.uniform(0.5, 2, geometry.out_c))
    if geometry.op == "fully_connected":
        # CMSIS-NN 4.0.0 has one scale for all outputs.
        fraction, exponent = fraction[:1], exponent[:1]
    per_level = (levels, geometry.out_c)
    return NestedOp(
        geometry=geometry,
        levels=levels,
        input_zero_point=_ZERO_POINT,
        output_zero_point=_ZERO_POINT // 2,
        act_min=-128,
        act_max=127,
        weights=weights,
        level_of=level_of,
        multiplier=np.broadcast_to(np.rint(fraction * 2**31), per_level).astype(
            np.int32
        ),
        shift=np.broadcast_to(exponent, per_level).astype(np.int8),
        bias=rng.integers(-20_000, 20_000, per_level).astype(np.int32),
        block=block,
    )


def _levels(
    rng: np.random.Generator,
    geometry: Geometry,
    block: tuple[int, int],
    densities: tuple[float, ...],
    balanced: bool,
) -> np.ndarray:
    rows, cols = block
    groups, blocks = geometry.out_c // rows, geometry.columns // cols
    if balanced:
        ranks = rng.permuted(np.tile(np.arange(blocks), (groups, 1)), axis=1)
    else:
        ranks = rng.permutation(groups * blocks).reshape(groups, blocks)
    bounds = np.rint(np.array(densities) * (ranks.max() + 1))
    grid = np.searchsorted(bounds, ranks, side="right").astype(np.uint8)
    return grid.repeat(rows, axis=0).repeat(cols, axis=1)
