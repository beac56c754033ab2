"""Features of the encoding vectors with vector instructions (MVE)."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import Features, Run
from keras_nest.converter.costs.shapes import TILE, is_1x1
from keras_nest.converter.costs.vectors import ENTRIES, in_place
from keras_nest.format.layout import Layout, is_vector, layout_of, scratch_rows
from keras_nest.format.operation import Geometry

_BYTES = 16  # a vector
_SPARE, _SPARE_ROWS = 2048, 768  # NEST_MVE_SPARE, NEST_MVE_SPARE_ROWS


def run(packed: Packed, level: int) -> Run:
    """nest_mve_run and nest_mve_run_vector."""
    g, (rows, cols) = packed.geometry, packed.header.block
    entries = packed.entries[level]
    # Records of two blocks, and one more; narrow ones by their last entry's lanes.
    records = entries // 2 if cols == 16 else -(-entries // ENTRIES[cols])
    odd = float((entries % 2).sum()) * (cols == 16)
    if is_vector(g):
        features = _vector(packed, level)
        features |= {"records": float(records.sum()), "odd": odd}
        kernel = "balanced" if packed.header.balanced else "vector"
        return Run(f"mve-{kernel}-{rows}x{cols}", features)
    in_fours = packed.common_shifts and g.out_c % 4 == 0
    layout = layout_of(g, "vectors", cols)
    plans = min(g.out_c, 128 if g.out_w >= TILE else 64)
    parts = -(-g.out_c // plans)
    tiles, calls = _tiles(g, _held(g, layout), in_place(packed))
    total = g.out_h * g.out_w
    walks = int(total >= TILE) + int(total % TILE > 0) if is_1x1(g) else 0
    features = {
        "constant": 1,
        "planned": -(-g.out_c // 4),
        "parts": parts,
        "walks": parts * walks,
        "calls": parts * calls,
        "tiles": parts * tiles,
        "rows": tiles * g.out_c,
        "records": tiles * float(records.sum()),
        "odd": tiles * odd,
    }
    copies = {} if in_place(packed) else _copies(g, layout)
    features |= {name: parts * value for name, value in copies.items()}
    kernel = "rows" if in_fours else "any"
    return Run(f"mve-{kernel}-{rows}x{cols}", features)


def _vector(packed: Packed, level: int) -> Features:
    g, (rows, _) = packed.geometry, packed.header.block
    rest = g.out_c % 4
    features: Features = {
        "constant": 1,
        "fours": g.out_c // 4,
        "rest": int(rest > 0),
        "rest rows": rest,
    }
    if packed.common_shifts:
        return features
    redone = np.repeat(packed.entries[level], rows)[: g.out_c]
    redone = redone[packed.left_shifts[level]]
    return features | {
        "scanned rows": g.out_c,
        "redone rows": redone.size,
        "redone entries": float(redone.sum()),
    }


def _held(g: Geometry, layout: Layout) -> int:
    """nest_mve_held: rows of input, or tiles of a 1x1 kernel, at a time."""
    size = min(layout.total_bytes + _SPARE, scratch_rows(g) + _SPARE_ROWS)
    held = max(size // layout.row_bytes, layout.rows)
    needed = (g.out_h - 1) * g.stride_h + layout.rows
    if is_1x1(g):
        needed = -(-g.out_h * g.out_w // TILE)
    return min(held, needed)


def _tiles(g: Geometry, held: int, whole: bool) -> tuple[int, int]:
    """Tiles, and calls of the kernel."""
    if not is_1x1(g):
        tiles, rest = g.out_w // TILE, int(g.out_w % TILE > 0)
        return g.out_h * (tiles + rest), g.out_h * (int(tiles > 0) + rest)
    tiles, rest = divmod(g.out_h * g.out_w, TILE)
    calls = int(tiles > 0) if whole else -(-tiles // held)
    return tiles + int(rest > 0), calls + int(rest > 0)


@dataclasses.dataclass
class _Pixels:
    """nest_mve_copy_pixels, so many times."""

    copies: int = 0  # in one piece, or pixel by pixel
    steps: int = 0
    in_planes: int = 0  # calls
    fours: int = 0
    ones: int = 0

    def add(self, times: int, g: Geometry, layout: Layout, pixels: int) -> None:
        whole = layout.phases * g.in_c == layout.lanes
        if whole:
            self.copies += times
            self.steps += times * -(-pixels * g.in_c // _BYTES)
        elif layout.lanes != _BYTES:
            self.copies += times * pixels
            self.steps += times * pixels * -(-layout.lanes // _BYTES)
        else:
            self.in_planes += times
            self.fours += times * (pixels // TILE)
            self.ones += times * (pixels % TILE)


def _copies(g: Geometry, layout: Layout) -> Features:
    """walk_band, or copy_tile."""
    done = _Pixels()
    if is_1x1(g):
        total, held = g.out_h * g.out_w, _held(g, layout) * TILE
        # Whole tiles, as many as are held; the rest as a tile that overlaps them.
        whole = total // TILE * TILE
        groups = [(whole // held, held), (1, whole % held)]
        groups.append((int(total % TILE > 0), min(total, TILE)))
        calls = strided = 0
        for times, pixels in groups:
            if times and pixels and g.stride_h == 1 and g.out_w == g.in_w:
                done.add(times, g, layout, pixels)
                calls += times
            elif times and pixels:
                done.add(times * pixels, g, layout, 1)
                calls += times
                strided += times * pixels
        return _named(done, layout) | {"copy calls": calls, "strided pixels": strided}
    moves, moved, rows, filled = _slides(g, layout)
    padded = (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1
    width = min(padded - g.pad_left, g.in_w)
    for x in range(min(layout.phases, width)):
        done.add(rows, g, layout, (width - x + layout.phases - 1) // layout.phases)
    held = _held(g, layout)
    return _named(done, layout) | {
        "output rows": g.out_h,
        "copied rows": rows,
        "copied phases": rows * min(layout.phases, width),
        "moves": moves,
        "moved": moved,
        "filled rows": filled,
        "filled": (filled + held) * -(-layout.row_bytes // _BYTES),
    }


def _named(done: _Pixels, layout: Layout) -> Features:
    return {
        "copies": done.copies,
        "copied steps": done.steps,
        "copies in planes": done.in_planes,
        "copied fours": done.fours,
        "copied fours' planes": done.fours * layout.planes,
        "copied ones": done.ones,
        "copied ones' planes": done.ones * layout.planes,
    }


def _slides(g: Geometry, layout: Layout) -> tuple[int, int, int, int]:
    """Times that rows held are moved, and steps of it; rows copied and filled."""
    held = _held(g, layout)
    moves = moved = rows = filled = begin = end = 0
    for oy in range(g.out_h):
        first = oy * g.stride_h
        if first + layout.rows > begin + held:
            moves += 1
            moved += -(-max(end - first, 0) * layout.row_bytes // _BYTES)
            begin = first
        end = max(end, first)
        while end < first + layout.rows:
            inside = 0 <= end - g.pad_top < g.in_h
            rows, filled = rows + inside, filled + (not inside)
            end += 1
    return moves, moved, rows, filled
