"""Features of the encoding vectors in plain C."""

from __future__ import annotations

from keras_nest.converter.costs.direct import moves
from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.patches import requantized
from keras_nest.converter.costs.run import Features, Run, always
from keras_nest.converter.costs.shapes import TILE, band_of, is_1x1, visits
from keras_nest.format.layout import is_vector, layout_of

ENTRIES = {16: 2, 4: 4, 2: 8, 1: 8}  # entries of a record, by columns


def portable(packed: Packed, level: int) -> Run:
    """nest_run_vectors with nest_rows_vectors."""
    g, (rows, cols) = packed.geometry, packed.header.block
    tiles = visits(g, TILE)
    entries = float(packed.entries[level].sum()) * rows
    records = float((-(-packed.entries[level] // ENTRIES[cols])).sum()) * rows
    per_pixel = tiles.pixels / (g.out_h * g.out_w)
    stored = requantized(packed, level)
    features = always(packed) | {
        "tiles": tiles.tiles,
        "groups": tiles.tiles * packed.header.row_groups,
        "rows": tiles.tiles * g.out_c,
        "records": tiles.tiles * records,
        "entries": tiles.tiles * entries,
        "products": tiles.pixels * entries,
        **{name: per_pixel * value for name, value in stored.items()},
    }
    path = "vectors-portable-one" if is_vector(g) else "vectors-portable"
    return Run(f"{path}-{rows}x{cols}", features | _copies(packed))


def in_place(packed: Packed) -> bool:
    """nest_is_in_place: kernels with vector instructions need no copy of the input."""
    g = packed.geometry
    narrow = packed.header.block[1] != 16
    unmoved = narrow and g.stride_h == 1 and g.out_w == g.in_w
    return is_1x1(g) and (is_vector(g) or unmoved)


def _copies(packed: Packed) -> Features:
    """nest_slide_band with nest_copy_row, or copy_1x1."""
    g, cols = packed.geometry, packed.header.block[1]
    layout = layout_of(g, "vectors", cols)
    band = band_of(g, layout, TILE)
    whole_rows = layout.planes == 1 and layout.phases == 1 and not is_1x1(g)
    pixels = 0 if whole_rows else band.rows * band.pixels
    return {
        "slides": band.slides,
        "copied rows": band.rows,
        "copied pixels": pixels,
        "copied planes": pixels * layout.planes,
        "copied bytes": band.rows * band.pixels * g.in_c,
        **moves(band),
        "padded rows": band.zeroed_rows,
        "padded": band.zeroed,
    }
