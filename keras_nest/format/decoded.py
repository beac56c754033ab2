"""Scratch memory of blocks and lists on cores with the DSP extension.

The same arithmetic as tflm_ops/src/decoded/nest_decoded_buffer_size.c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_nest.format.header import Header
from keras_nest.format.layout import fits, is_vector, layout_of, scratch_rows

# tflm_ops/src/decoded/decode.h
_ROWS, _PAIRS, _TILES, _INPUTS = 16, 1024, 8, 3072
_BLOCKS = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16))
_SLACK = 24


@dataclass(frozen=True)
class Strip:
    """Output pixels that rows are decoded for at a time.

    Attributes:
        rows: Output rows; of 1x1 kernels tiles. 0 for a single vector.
        pair_bytes: What the pairs of the decoded rows may take.
        scratch_bytes: Scratch memory of all.
    """

    rows: int
    pair_bytes: int
    scratch_bytes: int


def strip_of(blob: bytes, header: Header, plan: int) -> Strip | None:
    """How the levels with rings are run; None where rows are not decoded.

    Args:
        blob: The bytes of a packed op of the encoding "blocks" or "lists", with common
            shifts.
        header: Its header.
        plan: Bytes of an output channel's plan.
    """
    g = header.geometry
    lanes = min(header.block[1], 4)
    if header.index_bytes != 1 or header.block not in _BLOCKS:
        return None
    if not fits(g, "offsets", lanes):
        return None
    if is_vector(g):
        return Strip(0, 0, 2 * g.in_c)
    layout = layout_of(g, "offsets", lanes)
    table = (g.columns // header.block[1] + 1) // 2 * 4
    pairs = max(_pair_bytes(blob, header), _PAIRS)
    fixed = _ROWS * plan + pairs + table + _SLACK
    left = scratch_rows(g) + 128 * plan + 2072 - fixed - layout.total_bytes
    if left < 0:
        return None
    pixels = 8 if lanes == 1 else 4
    step = layout.row_bytes
    if g.kernel_h == g.kernel_w == 1:
        rows = min(_TILES, -(-g.out_h * g.out_w // pixels))
    else:
        rows = min(g.out_h, -(-_TILES // -(-g.out_w // pixels)))
        step *= g.stride_h
    rows = min(rows, 1 + min(left, _INPUTS) // step)
    return Strip(rows, pairs, fixed + layout.total_bytes + (rows - 1) * step)


def _pair_bytes(blob: bytes, header: Header) -> int:
    """Of the largest row, decoded."""
    counts = np.frombuffer(
        blob, f"<u{header.count_bytes}", header.count_entries, header.offsets[1]
    )
    entries = int(counts.reshape(-1, header.rings).sum(1, dtype=np.int64).max())
    cols = header.block[1]
    if cols == 1:
        return 4 * entries
    if cols == 2:
        return (entries + 1) // 2 * 8
    return (entries * (cols // 4) + 1) // 2 * 12
