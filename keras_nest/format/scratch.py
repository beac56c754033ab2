"""Scratch memory of the kernels: what they ask for, and what bounds it.

The same arithmetic as the C functions `nest_*_get_buffer_size`; the formulas are
stated once, in tflm_ops/include/nest/nest.h.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest.format.bits import part_rows, unpacked_bytes
from keras_nest.format.decoded import strip_of
from keras_nest.format.header import Header
from keras_nest.format.layout import (
    BAND_SPARE_BYTES,
    PLACED,
    is_vector,
    layout_of,
    scratch_rows,
)
from keras_nest.format.narrow import (
    Kernels,
    Narrow,
    has_band,
    narrow,
    patch_bytes,
    whole,
)
from keras_nest.format.operation import Geometry
from keras_nest.format.widths import Widths

_TILE = 4
_MAX_PLANS, _PART_CHANNELS = 128, 64
_MOST_TILES, _MVE_MAX_TAPS, _MAX_SUMS = 8, 256, 1024
_MVE_PIXELS, _MAX_COPIED_WEIGHTS = 3, 1024


def scratch_bytes(
    blob: bytes, *, dsp: bool = False, mve: bool = False, pointer_bytes: int = 4
) -> int:
    """Bytes that the kernel of a packed op asks for, the same at all levels.

    Args:
        blob: The bytes of one packed op.
        dsp: Whether the core has the DSP extension (Cortex-M4, M7, M33 and M55).
        mve: Whether it has the vector extension MVE (Cortex-M55).
        pointer_bytes: 4 on microcontrollers, 8 on this machine.

    Raises:
        FormatError: `blob` does not start with a valid header.
    """
    header = Header.parse(blob)
    g = header.geometry
    simd = dsp and _has_common_shifts(blob, header)
    vector = mve and (header.folded or header.encoding == "vectors")
    plan = _plan_bytes(pointer_bytes)
    if g.op == "depthwise_conv_2d":
        return max(
            _depthwise(level.geometry, g.in_c == 1, simd, vector, plan, pointer_bytes)
            for level in _levels(blob, header, Kernels(dsp, simd, vector))
        )
    if header.bits:
        part = whole(dataclasses.replace(g, out_c=part_rows(g)))
        fast = _dense(part, simd, vector, plan)
        own = _patches(part.geometry) if fast is None else fast
        return unpacked_bytes(g) + own
    sparse = 0
    if header.encoding in PLACED:
        sparse = _placed(header, plan, mve)
    elif header.rings:
        strip = strip_of(blob, header, plan) if simd else None
        sparse = _patches(g) if strip is None else strip.scratch_bytes
    if header.encoding not in ("dense", "lists") and not header.dense_top:
        return sparse
    for level in _levels(blob, header, Kernels(dsp, simd, vector)):
        fast = _dense(level, simd, vector, plan)
        sparse = max(sparse, _patches(level.geometry) if fast is None else fast)
    return sparse


def _levels(blob: bytes, header: Header, kernels: Kernels) -> list[Narrow]:
    """What the dense kernels are given: the op, or with widths each level's."""
    g = header.geometry
    widths = Widths.of_blob(blob, header)
    if widths is None:
        return [whole(g)]
    return [narrow(g, widths, level, kernels) for level in range(header.levels)]


def scratch_limit(g: Geometry, *, pointer_bytes: int = 4) -> int:
    """Bytes that no kernel of this shape exceeds, in any encoding, on any core."""
    return scratch_rows(g) + 128 * _plan_bytes(pointer_bytes) + 2072


def _placed(header: Header, plan: int, mve: bool) -> int:
    """Of nest_run_vectors or nest_run_direct."""
    g = header.geometry
    if header.encoding == "vectors":
        if mve and not is_vector(g):
            return _mve_run(g, header.block[1])
        return layout_of(g, "vectors", header.block[1]).total_bytes
    if is_vector(g):
        return plan * min(g.out_c, 32) + 2 * g.in_c + 24
    return _walk(g, header.block[1], plan)


def _mve_run(g: Geometry, block_cols: int) -> int:
    """Of nest_mve_run: plans, outputs of no pixel, input rows or tiles, slack."""
    layout = layout_of(g, "vectors", block_cols)
    wide = g.out_w >= _TILE
    plans = min(-(-g.out_c // 4) * 4, 128 if wide else 64)
    unused = 0 if wide else plans
    spare = min(layout.total_bytes + 2048, scratch_rows(g) + 768)
    needed = (g.out_h - 1) * g.stride_h + layout.rows
    if g.kernel_h == g.kernel_w == 1:
        needed = -(-g.out_h * g.out_w // _TILE)
    held = min(max(spare // layout.row_bytes, layout.rows), needed)
    return 32 * plans + unused + held * layout.row_bytes + 48


def _depthwise(
    g: Geometry, single: bool, simd: bool, vector: bool, plan: int, pointer_bytes: int
) -> int:
    """Of nest_depthwise_conv_2d."""
    weights = g.columns * g.out_c
    if single and min(g.out_c, g.columns) > 1 and weights <= _MAX_COPIED_WEIGHTS:
        fast = _dense(whole(g), simd, vector, plan)
        if fast is not None:
            return fast + weights
    if vector and g.out_c == g.in_c and g.columns <= _MVE_MAX_TAPS:
        return 2 * pointer_bytes * g.columns + g.in_c
    if simd and g.out_c == g.in_c and g.out_c >= _TILE:
        return plan * min(g.out_c, _MAX_PLANS)
    return 4 * min(g.out_c, _MAX_SUMS)


def _dense(level: Narrow, simd: bool, vector: bool, plan: int) -> int | None:
    """Of nest_run_mve_dense or nest_run_dense; None where neither fits the op."""
    g = level.geometry
    if vector:
        return _mve_pixels(g) * g.columns
    if not simd:
        return None
    if is_vector(g):
        return 2 * g.in_c
    if has_band(g):
        return _walk(g, 4, plan) + 12 * g.kernel_h * g.kernel_w * level.table_runs
    patches = patch_bytes(g)
    if patches is None:
        return None
    return plan * min(g.out_c, _MAX_PLANS) + patches


def _mve_pixels(g: Geometry) -> int:
    """Output pixels whose patches are made at a time; 0 where they are not made."""
    if g.kernel_h == g.kernel_w == 1:
        return 0
    if g.out_h * g.out_w == 1 or _MVE_PIXELS * g.columns > scratch_rows(g) + 4096:
        return 1
    return _MVE_PIXELS


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
