"""Features of the dense kernels in SIMD (Cortex-M4 and later)."""

from __future__ import annotations

from keras_nest.converter.costs.direct import expansion, planned
from keras_nest.converter.costs.gathering import copied_patches
from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import MVE, Features, Run, always
from keras_nest.converter.costs.shapes import MAX_PLANS, TILE, is_1x1, visits
from keras_nest.format.layout import is_vector
from keras_nest.format.narrow import has_band, patch_bytes
from keras_nest.format.operation import Geometry


def run(packed: Packed, g: Geometry, simd: str) -> Run | None:
    """nest_run_dense; None where it does not fit.

    Args:
        packed: The op.
        g: Its shape, of a depthwise op that of a convolution which does the same.
        simd: The kernels of the core.
    """
    if is_vector(g):
        return Run("vector-dense", always(packed) | _vector(g))
    if has_band(g):
        features = _band(g) | expansion(packed, 4, simd)
        return Run("direct-dense", always(packed) | features)
    padded = -(-g.columns // 4) * 4
    if patch_bytes(g) is None:
        return None
    step = 16 if simd == MVE else 4
    return Run("patches-dense", always(packed) | _patches(packed, g, padded, step))


def _vector(g: Geometry) -> Features:
    """nest_run_dense_vector."""
    calls, rest = g.out_c // 4 + g.out_c % 4, g.in_c % 4
    return {
        "rows": g.out_c,
        "calls": calls,
        "quads": calls * (g.in_c // 4),
        "expanded": g.in_c // 4,
        "rest": rest,
        "calls with rest": calls * (rest > 0),
        "rest calls": calls * rest,
        "rest columns": g.out_c * rest,
    }


def _band(g: Geometry) -> Features:
    """nest_rows_dense for the tiles of nest_walk_tiles."""
    tiles = visits(g, TILE).tiles
    taps = g.kernel_h * g.kernel_w
    plans = planned(g, 4)
    return plans | {
        "tiles": tiles * plans["parts"],
        "rows": tiles * g.out_c,  # label 1
        "taps": tiles * g.out_c * taps,  # label 2
        "quads": tiles * g.out_c * (g.columns // 4),  # QUAD
        "planned taps": taps,
    }


def _patches(packed: Packed, g: Geometry, padded: int, step: int) -> Features:
    """nest_run_dense_patches."""
    parts = -(-g.out_c // MAX_PLANS)
    tiles = -(-g.out_h * g.out_w // TILE)
    quads = padded // 4
    with_zero = packed.header.input_zero_point != -128
    copies = copied_patches(g, step)
    return {name: parts * value for name, value in copies.items()} | {
        "planned": g.out_c,
        "parts": parts,
        "filled": padded,
        "tiles": parts * tiles,
        "rows": tiles * g.out_c,
        "quads": tiles * g.out_c * quads,
        "expanded": parts * tiles * quads,
        "zero points": parts * tiles * quads * with_zero,
        # A 1x1 kernel's inputs are copied from where they are.
        "moved pixels": parts * g.out_h * g.out_w * is_1x1(g),
        "moved": parts * g.out_h * g.out_w * g.columns * is_1x1(g),
        "three pixels": parts * (g.out_h * g.out_w % TILE == 3),
    }
