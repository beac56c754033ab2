"""Features of the kernels with vector instructions (MVE) for dense weights."""

from __future__ import annotations

from keras_nest.converter.costs.gathering import copied_patches, whole_windows
from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import Features, Run
from keras_nest.converter.costs.shapes import is_1x1
from keras_nest.format.layout import scratch_rows
from keras_nest.format.operation import Geometry

_PIXELS, _ROWS, _BYTES = 3, 4, 16  # NEST_MVE_PIXELS, NEST_MVE_ROWS, a vector
_PATCHES_SPARE = 4096  # NEST_PATCHES_SPARE


def dense(packed: Packed, g: Geometry) -> Run:
    """nest_run_mve_dense.

    Args:
        packed: The op.
        g: Its shape, of a depthwise op that of a convolution which does the same.
    """
    total = g.out_h * g.out_w
    most = _pixels_of(g)
    tiles = -(-total // most)
    alone = tiles if most == 1 else int(total % _PIXELS == 1)
    steps = -(-g.columns // _BYTES)
    threes = (tiles - alone) * -(-g.out_c // _ROWS) * (g.out_c >= _ROWS)
    # nest_mve_one_pixel: four channels at a time, the last ones alone.
    ones = alone * (g.out_c // _ROWS + g.out_c % _ROWS)
    if g.out_c < _ROWS:
        ones += (tiles - alone) * _PIXELS * g.out_c
    features = {
        "constant": 1,
        "tiles": tiles,
        "split tiles": (tiles - alone) * (g.out_c % _ROWS > 0),
        "single pixels": alone,
        "three pixels": threes,
        "three pixels' steps": threes * steps,
        "three pixels, any shift": threes * (not packed.common_shifts),
        "one pixel": ones,
        "one pixel's steps": ones * steps,
    }
    return Run("mve-dense", features | copied_patches(g, _BYTES))


def _pixels_of(g: Geometry) -> int:
    """nest_mve_pixels_of: output pixels of a tile."""
    if g.out_h * g.out_w == 1:
        return 1
    if is_1x1(g) or _PIXELS * g.columns <= scratch_rows(g) + _PATCHES_SPARE:
        return _PIXELS
    return 1


def depthwise(packed: Packed) -> Run:
    """nest_run_mve_depthwise."""
    g = packed.geometry
    pixels = g.out_h * g.out_w
    groups = -(-g.out_c // _BYTES)
    partial = int(g.out_c % _BYTES > 0)
    pairs = 0 if packed.has_minimum else g.columns // 2
    singles = g.columns - 2 * pairs
    fours = -(-g.out_c // 4)
    edge = pixels - whole_windows(g)
    features: Features = {
        "constant": 1,
        "checked": -(-g.out_c * g.columns // _BYTES),
        "taps": g.columns,
        "filled": g.in_c,
        "output rows": g.out_h,
        "pixels": pixels,
        "groups": pixels * groups,
        "partial": pixels * partial,
        "pairs": pixels * groups * pairs,
        "partial pairs": pixels * partial * pairs,
        "singles": pixels * groups * singles,
        "partial singles": pixels * partial * singles,
        "stored": pixels * fours,
        "any shift": pixels * fours * (not packed.common_shifts),
        "edge": edge,
        "edge rows": edge * g.kernel_h,
        "edge taps": edge * g.columns,
    }
    return Run("mve-depthwise", features)
