"""Features of blocks and lists where rows are decoded for the direct kernels."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.costs.direct import expansion, in_rows
from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import Features, Run, always
from keras_nest.converter.costs.shapes import TILE, is_1x1, visits
from keras_nest.format.decoded import Strip, strip_of
from keras_nest.format.layout import is_vector
from keras_nest.format.operation import Int64Array

_PLAN_BYTES = 24
_ROWS = 16  # NEST_DECODED_ROWS


def run(packed: Packed, level: int, simd: str) -> Run | None:
    """nest_run_decoded; None where it does not fit."""
    header = packed.header
    strip = strip_of(packed.blob, header, _PLAN_BYTES)
    if strip is None:
        return None
    rows, cols = header.block
    path = f"{header.encoding}-{rows}x{cols}"
    if is_vector(packed.geometry):
        return Run(f"decoded-vector-{path}", _vector(packed, level))
    return Run(f"decoded-{path}", _strips(packed, level, strip, simd))


def _vector(packed: Packed, level: int) -> Features:
    """nest_run_decoded_vector: a row at a time, of 4x4 blocks four."""
    g, (rows, cols) = packed.geometry, packed.header.block
    rings = packed.rings[: level + 1]
    together = 1 if (rows, cols) == (4, 4) else rows
    groups = packed.header.row_groups
    return always(packed) | {
        "expanded": -(-g.in_c // 4) if cols > 1 else g.in_c,
        "groups": groups,
        "counts": 1 if packed.header.balanced else groups * packed.header.rings,
        "rows": g.out_c,
        "summed rows": groups * together,
        "rings": groups * together * (level + 1),
        "fours": together * float((rings // 4).sum()),
        "ones": together * float((rings % 4).sum()),
        "odd": together * float((rings % 2).sum()),
    }


def _strips(packed: Packed, level: int, strip: Strip, simd: str) -> Features:
    g, (_, cols) = packed.geometry, packed.header.block
    lanes = min(cols, 4)
    tile = 2 * TILE if lanes == 1 else TILE
    tiles = visits(g, tile)
    unit = -(-g.out_h * g.out_w // tile) if is_1x1(g) else g.out_h
    strips = -(-unit // strip.rows)
    entries = packed.entries[level]
    per_row = np.repeat(entries, packed.header.block[0])[: g.out_c]
    parts = _parts(per_row, cols, strip.pair_bytes)
    # Rows that all fit at once are decoded once.
    times = strips if parts > 1 else 1
    counted = 1 if packed.header.balanced else packed.header.row_groups
    rings = packed.rings[: level + 1]
    of_row = np.repeat(rings, packed.header.block[0], axis=1)[:, : g.out_c]
    counts = in_rows(per_row * (cols // lanes))
    features = always(packed) | {
        "taps": g.kernel_h * g.kernel_w,
        "blocks in a row": g.columns // cols,
        "tiles": tiles.tiles * parts,
        "rows": tiles.tiles * g.out_c,
        **{name: tiles.tiles * count for name, count in counts.items()},
        "strips": strips,
        "strip parts": strips * parts,
        "parts": times * parts,
        "groups": times * packed.header.row_groups,
        # nest_most_entries for the scratch, and nest_next_group.
        "counts": counted,
        "loaded counts": times * counted,
        "decoded rows": times * g.out_c,
        "decoded rings": times * g.out_c * (level + 1),
        "decoded pairs": times * float((of_row // 2).sum()),
        "decoded odd": times * float((of_row % 2).sum()),
    }
    return features | expansion(packed, lanes, simd, strip.rows)


def _parts(per_row: Int64Array, cols: int, room: int) -> int:
    """nest_run_decoded's plan: how often as many rows as fit are decoded."""
    sizes = _pair_bytes(per_row, cols)
    last = room - int(sizes.max(initial=0))
    parts = row = 0
    while row < len(sizes):
        parts += 1
        to = done = 0
        while row < len(sizes) and done < _ROWS and (done == 0 or to <= last):
            to += int(sizes[row])
            row, done = row + 1, done + 1
    return parts


def _pair_bytes(entries: Int64Array, cols: int) -> Int64Array:
    """nest_decoded_bytes."""
    if cols == 1:
        return 4 * entries
    if cols == 2:
        return (entries + 1) // 2 * 8
    return (entries * (cols // 4) + 1) // 2 * 12
