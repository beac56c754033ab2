"""Scratch memory of the kernels: what they ask for, and what bounds it.

The same arithmetic as the C functions `nest_*_get_buffer_size`; the formulas are
stated once, in tflm_ops/include/nest/nest.h.
"""

from __future__ import annotations

import numpy as np

from keras_nest.format.header import Header
from keras_nest.format.layout import (
    BAND_SPARE_BYTES,
    PLACED,
    fits,
    is_vector,
    layout_of,
    scratch_rows,
)
from keras_nest.format.operation import Geometry

_TILE = 4
_MAX_PLANS, _PART_CHANNELS = 128, 64
_MOST_TILES, _MAX_TAPS, _MAX_SUMS = 8, 256, 1024


def scratch_bytes(blob: bytes, *, dsp: bool = False, pointer_bytes: int = 4) -> int:
    """Bytes that the kernel of a packed op asks for, the same at all levels.

    Args:
        blob: The bytes of one packed op.
        dsp: Whether the core has the DSP extension (Cortex-M4, M7 and M33).
        pointer_bytes: 4 on microcontrollers, 8 on this machine.

    Raises:
        FormatError: `blob` does not start with a valid header.
    """
    header = Header.parse(blob)
    g = header.geometry
    simd = dsp and _has_common_shifts(blob, header)
    plan = _plan_bytes(pointer_bytes)
    if g.op == "depthwise_conv_2d":
        if simd and g.out_c == g.in_c and g.out_c % 4 == 0:
            return plan * min(g.out_c, _MAX_PLANS)
        return 4 * min(g.out_c, _MAX_SUMS)
    if header.encoding not in PLACED:
        return _others(header, simd, plan)
    sparse = _placed(header, plan)
    return max(sparse, _others(header, simd, plan)) if header.dense_top else sparse


def scratch_limit(g: Geometry, *, pointer_bytes: int = 4) -> int:
    """Bytes that no kernel of this shape exceeds, in any encoding, on any core."""
    return scratch_rows(g) + 128 * _plan_bytes(pointer_bytes) + 2072


def _placed(header: Header, plan: int) -> int:
    """Of nest_run_vectors or nest_run_direct."""
    g = header.geometry
    if header.encoding == "vectors":
        return layout_of(g, "vectors", header.block[1]).total_bytes
    if is_vector(g):
        return plan * min(g.out_c, 32) + 2 * g.in_c + 24
    return _walk(g, header.block[1], plan)


def _others(header: Header, simd: bool, plan: int) -> int:
    """Of a level that is dense, and of the encodings without places."""
    g = header.geometry
    taps = g.kernel_h * g.kernel_w
    fitting = g.in_c % 4 == 0 and fits(g, "offsets", 4) and taps <= _MAX_TAPS
    if simd and fitting and (header.encoding == "dense" or header.dense_top):
        return 2 * g.in_c if is_vector(g) else _walk(g, 4, plan) + 4 * taps
    return _patches(g)


def _plan_bytes(pointer_bytes: int) -> int:
    """sizeof(nest_row), tflm_ops/src/direct.h."""
    return 16 + 2 * pointer_bytes


def _has_common_shifts(blob: bytes, header: Header) -> bool:
    """Whether nest_has_common_shifts: the requantization in six instructions."""
    entries = header.tables * header.geometry.out_c
    shift = np.frombuffer(blob, np.int8, entries, header.offsets[0] + 8 * entries)
    return bool(np.all((shift >= -23) & (shift <= -1)))


def _patches(g: Geometry) -> int:
    """Of nest_run_tiles: an im2col of four output pixels, or of one."""
    four = 2 * _TILE * g.columns
    if g.out_h * g.out_w == 1 or four > scratch_rows(g) + 4096:
        return 2 * g.columns
    return four


def _walk(g: Geometry, lanes: int, plan: int) -> int:
    """Of nest_walk_tiles: the plans of the channels, the band or some tiles of it."""
    band = layout_of(g, "offsets", lanes).total_bytes
    if g.out_c <= _MAX_PLANS:
        return plan * g.out_c + band + 24
    held = 1
    if g.kernel_h == g.kernel_w == 1:
        tiles = -(-g.out_h * g.out_w // (8 if lanes == 1 else _TILE))
        unused = (_MAX_PLANS - _PART_CHANNELS) * plan + BAND_SPARE_BYTES + 1000
        held = min(_MOST_TILES, tiles, (scratch_rows(g) + unused) // band)
    return plan * _PART_CHANNELS + held * band + 24
