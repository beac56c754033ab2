"""Where the direct kernels keep their inputs: what the offsets of a blob mean.

The same arithmetic as tflm_ops/src/nest_find_layout.c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_nest.format.operation import Geometry, Int64Array

# Offsets are uint16.
MAX_LAYOUT_BYTES = 1 << 16
# What a band may have beyond `scratch_rows` (tflm_ops/src/direct.h).
BAND_SPARE_BYTES = 1024


@dataclass(frozen=True)
class Layout:
    """A band of padded input rows as int16, split into planes of channels.

    A plane holds `lanes` adjacent channels of one row, `width` pixels of them;
    the padded columns are sorted by their remainder modulo the stride, so that
    the inputs of neighbouring output pixels are neighbours too.
    """

    plane_bytes: int
    row_bytes: int
    rows: int
    phase_width: int

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole band."""
        return self.rows * self.row_bytes


def layout_of(g: Geometry, lanes: int) -> Layout:
    """The layout of an op's inputs, `lanes` channels to a plane.

    A single vector or pixel is kept as it is; other 1x1 kernels take four pixels
    at a time; larger kernels a band of as many rows as the kernel reaches over.
    """
    phase_width, phases, rows = (8 if lanes == 1 else 4), 1, 1
    if g.kernel_h == g.kernel_w == 1:
        if g.out_h * g.out_w == 1:
            phase_width = 1
    else:
        reach = (g.kernel_w - 1) * g.dilation_w + 1
        phases = g.stride_w
        phase_width = ((g.out_w - 1) * phases + reach - 1) // phases + 1
        rows = (g.kernel_h - 1) * g.dilation_h + 1
    plane_bytes = phases * phase_width * lanes * 2
    return Layout(plane_bytes, plane_bytes * (g.in_c // lanes), rows, phase_width)


def offsets_of(g: Geometry, lanes: int) -> Int64Array:
    """Byte offset of the inputs of each block of a row, in the order ky, kx, c."""
    layout = layout_of(g, lanes)
    ky = np.arange(g.kernel_h)[:, None, None] * g.dilation_h
    kx = np.arange(g.kernel_w)[:, None] * g.dilation_w
    plane = np.arange(g.in_c // lanes)
    pixel = kx % g.stride_w * layout.phase_width + kx // g.stride_w
    offsets: Int64Array = (
        ky * layout.row_bytes + plane * layout.plane_bytes + pixel * (2 * lanes)
    ).astype(np.int64)
    return offsets.ravel()


def lanes_of(block_cols: int) -> int:
    """The plane's channels for blocks of so many columns."""
    return next(lanes for lanes in (4, 2, 1) if block_cols % lanes == 0)


def is_vector(g: Geometry) -> bool:
    """Whether the op is a matrix times one vector."""
    return g.out_h * g.out_w * g.kernel_h * g.kernel_w == 1


def allowed_blocks(g: Geometry) -> tuple[tuple[int, int], ...]:
    """The blocks that the direct kernels have loops for."""
    if not is_vector(g):
        return (1, 1), (1, 2), (1, 4)
    return ((1, 2), (1, 4), (4, 4)) if g.out_c % 4 == 0 else ((1, 2), (1, 4))


def scratch_rows(g: Geometry) -> int:
    """Bytes of (kernel height + 1) padded input rows as int16.

    What bounds the scratch of a convolution, but for a constant; the height is that
    of the dilated kernel.
    """
    width = (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1
    return ((g.kernel_h - 1) * g.dilation_h + 2) * width * g.in_c * 2


def fits(g: Geometry, lanes: int) -> bool:
    """Whether uint16 offsets reach all inputs, and scratch stays within its bound.

    Strides round narrow rows up, and 1x1 kernels take tiles that may be wider than
    the image: a band may exceed `scratch_rows`.
    """
    limit = min(MAX_LAYOUT_BYTES, scratch_rows(g) + BAND_SPARE_BYTES)
    return layout_of(g, lanes).total_bytes <= limit
