"""Features of the direct kernels: the encoding offsets, and what others share."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import PORTABLE, Features, Run, always
from keras_nest.converter.costs.shapes import (
    TILE,
    Band,
    band_of,
    is_1x1,
    plans_of,
    visits,
)
from keras_nest.format.layout import is_vector, layout_of
from keras_nest.format.operation import Geometry, Int64Array


def offsets(packed: Packed, level: int, simd: str) -> Run:
    """nest_run_direct and nest_run_vector."""
    g, (rows, cols) = packed.geometry, packed.header.block
    entries = packed.entries[level]
    uncommon = packed.uncommon[level]
    counts = in_rows(entries)
    features = always(packed)
    block = f"{rows}x{cols}"
    redone = _redone(entries, uncommon, rows, cols)
    if is_vector(g):
        features |= counts | {"rows": g.out_c, "expanded": _expanded(g.in_c, cols)}
        if simd != PORTABLE and packed.common_shifts:
            return Run(f"vector-{block}", features)
        return Run(f"vector-portable-{block}", features | redone)
    tiles = visits(g, 2 * TILE if cols == 1 else TILE)
    features |= {name: tiles.tiles * count for name, count in counts.items()}
    plans = planned(g, cols)
    features |= {"tiles": tiles.tiles * plans["parts"], "rows": tiles.tiles * g.out_c}
    features |= plans | expansion(packed, cols, simd)
    if packed.common_shifts:
        return Run(f"direct-{block}", features)
    features |= {name: tiles.tiles * count for name, count in redone.items()}
    features |= {
        "redone pixels": tiles.pixels * redone["redone rows"],
        "redone products": tiles.pixels * redone["redone columns"],
    }
    return Run(f"direct-redone-{block}", features)


def in_rows(entries: Int64Array) -> Features:
    """The row kernels' loops: four entries at a time, then by what is left."""
    return {
        "fours": float((entries // 4).sum()),
        "ones": float((entries % 4).sum()),
        "odd": float((entries % 2).sum()),
    }


def _redone(
    entries: np.ndarray, uncommon: np.ndarray, rows: int, cols: int
) -> Features:
    """nest_redo_rows: a row after another by the general requantization."""
    per_row = np.repeat(entries, rows)[: len(uncommon)]
    redone = per_row[uncommon]
    return {
        "redone rows": redone.size,
        "redone entries": float(redone.sum()),
        "redone columns": float(redone.sum()) * cols,
    }


def planned(g: Geometry, lanes: int) -> Features:
    """nest_plan_rows: channels that are planned, and in how many parts."""
    row_bytes = layout_of(g, "offsets", lanes).row_bytes
    plans = plans_of(g, row_bytes, 2 * TILE if lanes == 1 else TILE)
    return {
        "planned": plans.times * g.out_c,
        "plans": plans.times * plans.parts,
        "parts": plans.parts,
    }


def expansion(packed: Packed, lanes: int, simd: str, strip: int = 1) -> Features:
    """nest_slide_band, or expand_1x1 of nest_walk_tiles.c.

    Args:
        packed: The op.
        lanes: Channels of a plane.
        simd: The kernels of the core.
        strip: Output rows that a band is for.
    """
    g = packed.geometry
    tile = 2 * TILE if lanes == 1 else TILE
    band = band_of(g, layout_of(g, "offsets", lanes), tile, strip)
    together = 1
    if not band.scattered:
        if lanes == 4 and simd != PORTABLE:
            together = 4
        elif lanes == 1 and g.in_c % 4 == 0:
            together = 2
    whole = band.pixels // together if together > 1 else 0
    alone = band.pixels - whole * together
    # What is subtracted may be nothing, which the kernel then leaves out.
    with_zero = together == 4 and packed.header.input_zero_point != -128
    return {
        "slides": band.slides,
        "expanded rows": band.rows,
        "expanded groups": band.rows * whole,
        "expanded together": band.rows * whole * (g.in_c // 4),
        "zero points": band.rows * whole * (g.in_c // 4) * with_zero,
        "expanded pixels": band.rows * alone,
        "expanded": band.rows * alone * _expanded(g.in_c, lanes),
        "expanded stray": band.rows * alone * (lanes == 2) * (g.in_c % 4 // 2),
        **moves(band),
        "zeroed rows": band.zeroed_rows,
        "zeroed": band.zeroed,
        "1x1": is_1x1(g) * band.slides,
    }


def moves(band: Band) -> Features:
    """move_down: in words, the rest by memmove; all of it where that is not aligned."""
    words = band.moved // 32 if band.aligned else 0
    rest = band.moved - 32 * words
    return {
        "moves": band.moves,
        "moved words": band.moves * words,
        "moved bytes": band.moves * rest * band.aligned,
        "moved unaligned": band.moves * rest * (not band.aligned),
    }


def _expanded(channels: int, lanes: int) -> int:
    """Turns of nest_expand_pixel's loop."""
    return channels if lanes == 1 else channels // 4
