"""Packable ops of any shape and pattern, with random weights, masks and tables."""

from __future__ import annotations

import numpy as np

from keras_nest.format import NEVER, Geometry, NestedOp

# What each level keeps.
DENSITIES = ((0.1, 0.3, 1.0), (0.05, 0.5, 0.7), (0.02, 0.2, 0.4))


def synthetic_op(g: Geometry, block: tuple[int, int] | None, seed: int) -> NestedOp:
    """An op with random weights, masks and tables.

    Of four seeds in a row two make a balanced pattern, and one of these and one of the
    others rows whose scale wants a left shift, which the kernels run by themselves. One
    op of five has a bounded output.

    Args:
        g: Its shape.
        block: Its pattern; None: dense at all levels.
        seed: What everything random, and the densities, come from.
    """
    rng = np.random.default_rng(seed)
    densities = DENSITIES[seed // 2 % len(DENSITIES)]
    # Dense ops have levels by their tables alone.
    levels = len(densities) if block else 1 + seed % 2
    weights = rng.integers(-127, 128, g.weights_shape).astype(np.int8)
    weights[weights == 0] = 1
    level_of = None
    if block:
        level_of = _level_of(rng, g, block, densities, balanced=seed % 2 == 0)
        weights[level_of == NEVER] = 0
    scale = rng.uniform(0.2, 1, (levels, g.out_c)) / np.sqrt(g.columns) / 100
    scale *= rng.choice([1, -1], scale.shape, p=[0.9, 0.1])
    fraction, exponent = np.frexp(scale)
    if seed // 2 % 2:
        exponent[rng.random(exponent.shape) < 0.3] = 0
    act_min = -20 if seed % 5 == 4 else -128
    return NestedOp(
        geometry=g,
        levels=levels,
        input_zero_point=-128 if (seed + seed // 4 + seed // 32) % 2 else 3,
        output_zero_point=-20,
        act_min=act_min,
        act_max=127,
        weights=weights,
        level_of=level_of,
        multiplier=np.rint(fraction * (2**31 - 1)).astype(np.int32),
        shift=exponent.astype(np.int8),
        bias=rng.integers(-1000, 1000, (levels, g.out_c)).astype(np.int32),
        block=block or (1, 1),
    )


def _level_of(
    rng: np.random.Generator,
    g: Geometry,
    block: tuple[int, int],
    densities: tuple[float, ...],
    balanced: bool,
) -> np.ndarray:
    rows, cols = block
    shape = (-(-g.out_c // rows), g.columns // cols)
    ranks = rng.permuted(np.tile(np.arange(shape[1]), (shape[0], 1)), axis=1)
    ranks = (ranks + 0.5) / shape[1]
    if not balanced:
        ranks = rng.random(shape)
    grid = np.searchsorted(np.asarray(densities), ranks, side="right")
    grid = np.where(grid < len(densities), grid, NEVER).astype(np.uint8)
    return np.repeat(np.repeat(grid, rows, 0)[: g.out_c], cols, 1)
