"""Random nested ops: what the kernels are tested on."""

from __future__ import annotations

import numpy as np

from keras_nest.format import NEVER, Geometry, NestedOp

BLOCKS = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16), (2, 3))


def random_op(rng: np.random.Generator, kind: str | None = None) -> NestedOp:
    """An op with everything drawn at random: shape, block, masks, tables."""
    kind = kind or str(rng.choice(["conv_2d", "depthwise_conv_2d", "fully_connected"]))
    rows, cols = BLOCKS[rng.integers(len(BLOCKS))]
    in_c = int(rng.integers(1, 6))
    if kind != "depthwise_conv_2d":
        in_c = cols * int(rng.integers(1, 1 + max(1, 8 // cols)))
    geometry = random_geometry(rng, kind, in_c)
    levels = int(rng.choice([1, 2, 3, 5, 32], p=[0.15, 0.25, 0.3, 0.25, 0.05]))
    level_of = None
    if kind != "depthwise_conv_2d" and rng.random() < 0.9:
        level_of = random_level_of(rng, geometry, levels, (rows, cols))
    return random_tables(rng, geometry, levels, level_of, (rows, cols))


def random_vector_op(rng: np.random.Generator) -> NestedOp:
    """A matrix times one vector whose rows come in fours: blocks may be over rows."""
    rows, cols = [(1, 16), (1, 4), (1, 2), (1, 1), (4, 4), (4, 16)][rng.integers(6)]
    in_c = cols * int(rng.integers(1, 12))
    out_c = 4 * int(rng.integers(1, 12))
    geometry = Geometry("fully_connected", 1, 1, in_c, 1, 1, out_c)
    if rng.random() < 0.3:  # a convolution that is one, its stride without effect
        shape = (5, 4, in_c, 1, 1, out_c, 1, 1, 9, 9)
        geometry = Geometry("conv_2d", *shape)
    levels = int(rng.integers(1, 4))
    level_of = random_level_of(rng, geometry, levels, (rows, cols))
    return random_tables(rng, geometry, levels, level_of, (rows, cols))


def random_geometry(rng: np.random.Generator, kind: str, in_c: int) -> Geometry:
    """SAME or VALID padding, as TFLite computes it."""
    out_c = int(rng.integers(1, 12))
    if kind == "fully_connected":
        vectors = int(rng.integers(1, 8))
        return Geometry(kind, 1, vectors, in_c, 1, vectors, out_c)
    if kind == "depthwise_conv_2d":
        out_c = in_c * int(rng.integers(1, 4))
    sizes = []
    same = rng.random() < 0.5
    for _ in range(2):
        kernel, stride = int(rng.integers(1, 6)), int(rng.integers(1, 4))
        dilation = int(rng.integers(1, 3)) if stride == 1 else 1
        reach = (kernel - 1) * dilation + 1
        size = int(rng.integers(1 if same else reach, reach + 8))
        out = -(-size // stride) if same else (size - reach) // stride + 1
        pad = max((out - 1) * stride + reach - size, 0) // 2 if same else 0
        sizes.append((size, out, kernel, stride, dilation, pad))
    height, width = sizes
    interleaved = [n for pair in zip(height, width, strict=True) for n in pair]
    in_h, in_w, out_h, out_w, *rest = interleaved
    return Geometry(kind, in_h, in_w, in_c, out_h, out_w, out_c, *rest)


def random_level_of(
    rng: np.random.Generator, g: Geometry, levels: int, block: tuple[int, int]
) -> np.ndarray:
    """Constant in each block; in half of the cases row-balanced."""
    rows, cols = block
    grid = rng.choice(
        [*range(levels), NEVER], (-(-g.out_c // rows), g.columns // cols)
    ).astype(np.uint8)
    if rng.random() < 0.5:
        grid[:] = grid[0]
        rng.permuted(grid, axis=1, out=grid)
    return np.repeat(np.repeat(grid, rows, 0)[: g.out_c], cols, 1)


def random_tables(
    rng: np.random.Generator,
    geometry: Geometry,
    levels: int,
    level_of: np.ndarray | None,
    block: tuple[int, int] = (1, 1),
) -> NestedOp:
    """Fills in weights and tables whose outputs spread over int8.

    Also rows of zeros, negative and tiny multipliers, left shifts with sums small
    enough for them, equal tables at several levels, zero points at both ends.
    """
    weights = rng.integers(-128, 128, geometry.weights_shape).astype(np.int8)
    if rng.random() < 0.3:
        weights = (weights // 64).astype(np.int8)
    if level_of is not None:
        weights[level_of == NEVER] = 0
    per_level = (levels, geometry.out_c)
    depth = geometry.columns
    reach = max(int(np.abs(weights.astype(int)).max()), 1) * np.sqrt(depth) * 128
    scale = 40 / reach * rng.uniform(0.1, 4, per_level)
    scale *= rng.choice([1, -1, 1e-6], per_level, p=[0.7, 0.25, 0.05])
    fraction, exponent = np.frexp(scale)
    multiplier = np.clip(np.rint(fraction * 2**31), -(2**31) + 1, 2**31 - 1)
    shift = np.maximum(exponent, -31)
    bias = rng.integers(-int(reach), int(reach) + 1, per_level)
    if rng.random() < 0.15:
        shift = np.where(
            rng.random(per_level) < 0.3, rng.integers(0, 4, per_level), shift
        )
    if levels > 1 and rng.random() < 0.4:
        copied = rng.integers(0, levels, levels)
        multiplier, shift, bias = multiplier[copied], shift[copied], bias[copied]
    ends = (-128, 127, 0, int(rng.integers(-128, 128)))
    act_min, act_max = sorted(rng.integers(-128, 128, 2).tolist())
    if rng.random() < 0.6:
        act_min, act_max = -128, 127
    return NestedOp(
        geometry=geometry,
        levels=levels,
        input_zero_point=int(rng.choice(ends)),
        output_zero_point=int(rng.choice(ends)),
        act_min=act_min,
        act_max=act_max,
        weights=weights,
        level_of=level_of,
        multiplier=multiplier.astype(np.int32),
        shift=shift.astype(np.int8),
        bias=bias.astype(np.int32),
        block=block,
    )


def random_input(rng: np.random.Generator, g: Geometry) -> np.ndarray:
    """One or two images, or twice the op's vectors; sometimes only extremes."""
    shape: tuple[int, ...] = (2, g.in_h, g.in_w, g.in_c)
    if g.op == "fully_connected":
        shape = (2 * g.in_w, g.in_c)
    if rng.random() < 0.2:
        return rng.choice(np.array([-128, 127], np.int8), shape)
    return rng.integers(-128, 128, shape).astype(np.int8)
