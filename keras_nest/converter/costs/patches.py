"""Features of the kernels that gather patches: dense, blocks and lists in plain C."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import PORTABLE, Features, Run
from keras_nest.converter.costs.shapes import TILE, patch_pixels, taps_inside

_USUAL = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16))


def dense(packed: Packed, level: int) -> Run:
    """nest_run_tiles with nest_accumulate_row."""
    g = packed.geometry
    features = _gathering(packed, level)
    for name, tiles in _tile_kinds(packed).items():
        rows = tiles * g.out_c
        features[f"rows {name}"] = rows
        features[f"fours {name}"] = rows * (g.columns // 4)
        features[f"columns {name}"] = rows * (g.columns % 4)
    return Run("tiles-dense", features)


def rings(packed: Packed, level: int, simd: str) -> Run:
    """nest_run_tiles with multiply_rings: a kernel for each block, or any."""
    g, header = packed.geometry, packed.header
    rows, cols = header.block
    own = simd == PORTABLE and (rows, cols) in _USUAL
    groups = header.row_groups
    per_row = np.repeat(packed.entries[level], rows)[: g.out_c]
    entries = float(per_row.sum())
    features = _gathering(packed, level)
    for name, tiles in _tile_kinds(packed).items():
        features |= {
            f"groups {name}": tiles * groups,
            f"counts {name}": tiles * (1 if header.balanced else groups) * header.rings,
            f"rows {name}": tiles * g.out_c,
            f"rings {name}": tiles * g.out_c * (level + 1),
            f"entries {name}": tiles * entries,
            f"wide {name}": tiles * entries * (header.index_bytes - 1),
        }
        if not own:
            features[f"columns {name}"] = tiles * entries * cols
            features[f"fours {name}"] = tiles * entries * (cols // 4)
    block = f"{header.encoding}-{rows}x{cols}" if own else "any"
    return Run(f"rings-{block}", features)


def _tile_kinds(packed: Packed) -> Features:
    """Tiles of four pixels and of one, which are computed for themselves."""
    g = packed.geometry
    total = g.out_h * g.out_w
    if patch_pixels(g) == 1:
        return {"x4": 0, "x1": total}
    ones = int(total % TILE == 1)
    return {"x4": -(-total // TILE) - ones, "x1": ones}


def _gathering(packed: Packed, level: int) -> Features:
    """nest_run_tiles: gathering patches, storing outputs."""
    g = packed.geometry
    inside = taps_inside(g)
    taps = inside.down * inside.across
    outside = g.out_h * g.out_w * g.kernel_h * g.kernel_w - taps
    alone = patch_pixels(g) == 1 or g.out_h * g.out_w % TILE == 1
    missing = 0 if alone else -g.out_h * g.out_w % TILE
    return {
        "constant": 1,
        "pixels": g.out_h * g.out_w,
        "taps": taps,
        "gathered": taps * g.in_c,
        "taps outside": outside,
        "padded": outside * g.in_c,
        "missing": missing * g.columns,
    } | requantized(packed, level)


def requantized(packed: Packed, level: int) -> Features:
    """nest_requantize, which rounds once more where it shifts to the right."""
    g = packed.geometry
    pixels = g.out_h * g.out_w
    common = g.out_c - int(packed.uncommon[level].sum())
    return {"outputs": pixels * g.out_c, "right shifts": pixels * common}
