"""Counting along a geometry: taps inside the input, tiles, what is expanded."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.format.layout import Layout, scratch_rows
from keras_nest.format.operation import Geometry

TILE = 4  # output pixels that share the decoding of indices (NEST_TILE)
# Output channels that are planned once, and those of a part where an op has more
# (NEST_MAX_PLANS, NEST_PART_CHANNELS).
MAX_PLANS, _PART = 128, 64
# nest_tile_of and nest_tiles_held
_PATCHES_SPARE, _MOST_TILES, _TILES_SPARE = 4096, 8, 64 * 24 + 1024 + 1000


@dataclasses.dataclass(frozen=True)
class Taps:
    """Kernel taps that see the input, summed over the output rows or columns."""

    down: int
    across: int


def taps_inside(g: Geometry) -> Taps:
    """Sums over output rows, and over output columns, of taps inside the input."""
    down = _inside(g.out_h, g.in_h, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top)
    across = _inside(g.out_w, g.in_w, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left)
    return Taps(down, across)


def _inside(
    out: int, size: int, kernel: int, stride: int, dilation: int, pad: int
) -> int:
    starts = np.arange(out)[:, None] * stride - pad
    places = starts + np.arange(kernel) * dilation
    return int(np.count_nonzero((places >= 0) & (places < size)))


def is_1x1(g: Geometry) -> bool:
    return g.kernel_h == g.kernel_w == 1


@dataclasses.dataclass(frozen=True)
class Visits:
    """Tiles that a row kernel computes, and the pixels in all of them."""

    tiles: int
    pixels: int


def visits(g: Geometry, most: int) -> Visits:
    """The tiles of an op, of at most `most` pixels.

    The last tile of a row overlaps the one before it; rows shorter than a tile are
    taken in 4, 2 and 1 pixels.
    """
    total, rows = (g.out_h * g.out_w, 1) if is_1x1(g) else (g.out_w, g.out_h)
    pixels = min(total, most)
    parts = 1 if pixels == most else pixels // TILE + (pixels % TILE).bit_count()
    tiles = rows * -(-total // pixels)
    return Visits(tiles * parts, tiles * pixels)


def patch_pixels(g: Geometry) -> int:
    """nest_tile_of: output pixels whose patches are gathered together."""
    four = 2 * TILE * g.columns
    if g.out_h * g.out_w == 1 or four > scratch_rows(g) + _PATCHES_SPARE:
        return 1
    return TILE


@dataclasses.dataclass(frozen=True)
class Plans:
    """How often the channels are planned, and in how many parts each time."""

    times: int
    parts: int


def plans_of(g: Geometry, row_bytes: int, tile: int) -> Plans:
    """nest_walk_tiles: once, or in parts for each band of rows or some tiles.

    Args:
        g: The op's shape.
        row_bytes: Of its layout.
        tile: Output pixels of a tile, at most.
    """
    if g.out_c <= MAX_PLANS:
        return Plans(1, 1)
    parts = -(-g.out_c // _PART)
    if not is_1x1(g):
        return Plans(g.out_h, parts)
    total = g.out_h * g.out_w
    held = min(_MOST_TILES, (scratch_rows(g) + _TILES_SPARE) // row_bytes)
    held = min(held, -(-total // tile))
    return Plans(-(-total // (min(total, tile) * held)), parts)


@dataclasses.dataclass(frozen=True)
class Band:
    """What filling the band of padded input rows takes.

    Attributes:
        slides: Times that the band moves on (1x1 kernels: tiles that are filled).
        rows: Input rows (1x1 kernels: tiles) that are expanded.
        pixels: Pixels in each of them.
        scattered: Whether a row's pixels are expanded one by one into phases.
        moves: Times that bytes are moved within the band.
        moved: Bytes of one move.
        aligned: Whether they come from a multiple of 4.
        zeroed_rows: Rows of padding that are set.
        zeroed: Bytes of padding that are set.
    """

    slides: int
    rows: int
    pixels: int
    scattered: bool
    moves: int
    moved: int
    aligned: bool
    zeroed_rows: int
    zeroed: int


def band_of(g: Geometry, layout: Layout, tile: int, strip: int = 1) -> Band:
    """The work of nest_slide_band (or of filling tiles of `tile` pixels).

    Args:
        g: The op's shape.
        layout: Of the band for one output row.
        tile: Output pixels of a tile, at most.
        strip: Output rows that a band is for.
    """
    if is_1x1(g):
        total = g.out_h * g.out_w
        pixels = min(total, tile)
        tiles = -(-total // pixels)
        strided = g.stride_h != 1 or g.out_w != g.in_w
        return Band(tiles, tiles, pixels, strided, 0, 0, True, 0, 0)
    slide = strip * g.stride_h
    rows = layout.rows + slide - g.stride_h
    kept_rows = max(rows - slide, 0)
    slides = -(-g.out_h // strip)
    expanded = zeroed_rows = 0
    for oy in range(0, g.out_h, strip):
        kept = kept_rows if oy else 0
        first = oy * g.stride_h - g.pad_top
        inside = sum(0 <= first + r < g.in_h for r in range(kept, rows))
        expanded += inside
        zeroed_rows += rows - kept - inside
    padded = (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1
    width = min(padded - g.pad_left, g.in_w)
    return Band(
        slides=slides,
        rows=expanded,
        pixels=width,
        scattered=g.stride_w > 1,
        moves=(slides - 1) * (kept_rows > 0),
        moved=kept_rows * layout.row_bytes,
        aligned=slide * layout.row_bytes % 4 == 0,
        zeroed_rows=zeroed_rows,
        zeroed=(rows + zeroed_rows) * layout.row_bytes,
    )
