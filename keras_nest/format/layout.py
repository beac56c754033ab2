"""Where the direct kernels keep their inputs: what the offsets of a blob mean.

The same arithmetic as tflm_ops/src/inputs/nest_find_layout.c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_nest.format.operation import Geometry, Int64Array

# Encodings whose entries have the places of their inputs.
PLACED = ("offsets", "vectors")
# Offsets are uint16.
MAX_LAYOUT_BYTES = 1 << 16
# What a band may have beyond `scratch_rows` (tflm_ops/src/direct.h).
BAND_SPARE_BYTES = 1024
TILE = 4  # output pixels


@dataclass(frozen=True)
class Layout:
    """A band of padded input rows, split into planes of channels.

    A plane holds `lanes` adjacent channels of one row, `phase_width` pixels for
    each of its phases: the padded columns are sorted by their remainder modulo the
    phases, so that with the stride's phases the inputs of neighbouring output
    pixels are neighbours too. A value takes two bytes in the encoding "offsets"
    and one in "vectors".
    """

    lanes: int
    value_bytes: int
    phases: int
    phase_width: int
    rows: int
    planes: int

    @property
    def plane_bytes(self) -> int:
        """Bytes of a plane."""
        return self.phases * self.phase_width * self.lanes * self.value_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of a padded row."""
        return self.planes * self.plane_bytes

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole band."""
        return self.rows * self.row_bytes


def layout_of(g: Geometry, encoding: str, cols: int) -> Layout:
    """The layout of an op's inputs for blocks of `cols` columns.

    A single vector or pixel is kept as it is; other 1x1 kernels take four pixels
    at a time; larger kernels a band of as many rows as the kernel reaches over.
    Blocks of the encoding "vectors" with fewer than 16 columns leave rows as they are
    in the input: one plane of all channels, without phases.
    """
    narrow = encoding == "vectors" and cols != 16
    lanes = g.in_c if narrow else cols
    value_bytes = 1 if encoding == "vectors" else 2
    phase_width, phases, rows = TILE, 1, 1
    if encoding == "offsets" and cols == 1:
        phase_width = 2 * TILE
    if g.kernel_h == g.kernel_w == 1:
        if g.out_h * g.out_w == 1:
            phase_width = 1
    else:
        reach = (g.kernel_w - 1) * g.dilation_w + 1
        phases = 1 if narrow else g.stride_w
        phase_width = ((g.out_w - 1) * g.stride_w + reach - 1) // phases + 1
        rows = (g.kernel_h - 1) * g.dilation_h + 1
    return Layout(lanes, value_bytes, phases, phase_width, rows, g.in_c // lanes)


def offsets_of(g: Geometry, encoding: str, cols: int) -> Int64Array:
    """Byte offset of the inputs of each block of a row, in the order ky, kx, c."""
    layout = layout_of(g, encoding, cols)
    ky = np.arange(g.kernel_h)[:, None, None] * layout.row_bytes * g.dilation_h
    kx = np.arange(g.kernel_w)[:, None] * g.dilation_w
    channel = np.arange(0, g.in_c, cols)
    pixel = kx % layout.phases * layout.phase_width + kx // layout.phases
    offsets: Int64Array = (
        ky
        + channel // layout.lanes * layout.plane_bytes
        + (pixel * layout.lanes + channel % layout.lanes) * layout.value_bytes
    ).astype(np.int64)
    return offsets.ravel()


def columns_of_entry(encoding: str, block_cols: int) -> int:
    """Columns of what blocks of so many columns are stored as."""
    widths = (16, 4, 2, 1) if encoding == "vectors" else (4, 2, 1)
    return next(cols for cols in widths if block_cols % cols == 0)


def is_vector(g: Geometry) -> bool:
    """Whether the op is a matrix times one vector."""
    return g.out_h * g.out_w * g.kernel_h * g.kernel_w == 1


def allowed_blocks(g: Geometry, encoding: str) -> tuple[tuple[int, int], ...]:
    """The blocks that the kernels of the encoding have loops for."""
    over_rows = is_vector(g) and g.out_c % 4 == 0
    if encoding == "vectors":
        narrow = (1, 1), (1, 2), (1, 4), (1, 16)
        return (*narrow, (4, 4), (4, 16)) if over_rows else narrow
    if not is_vector(g):
        return (1, 1), (1, 2), (1, 4)
    return ((1, 2), (1, 4), (4, 4)) if over_rows else ((1, 2), (1, 4))


def scratch_rows(g: Geometry) -> int:
    """Bytes of (kernel height + 1) padded input rows as int16.

    What bounds the scratch of a convolution, but for a constant; the height is that
    of the dilated kernel.
    """
    width = (g.out_w - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1
    return ((g.kernel_h - 1) * g.dilation_h + 2) * width * g.in_c * 2


def fits(g: Geometry, encoding: str, cols: int) -> bool:
    """Whether uint16 offsets reach all inputs, and scratch stays within its bound.

    Strides round narrow rows up, and 1x1 kernels take tiles that may be wider than
    the image: a band may exceed `scratch_rows`.
    """
    limit = min(MAX_LAYOUT_BYTES, scratch_rows(g) + BAND_SPARE_BYTES)
    return layout_of(g, encoding, cols).total_bytes <= limit
