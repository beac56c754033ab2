"""The header of a packed op: 128 bytes, parsed and written in one place.

Field offsets: tflm_ops/include/nest/format.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from keras_nest.format.bits import plane_bytes
from keras_nest.format.layout import PLACED, allowed_blocks, fits
from keras_nest.format.operation import (
    ENCODINGS,
    MAX_BLOCK_COLS,
    MAX_BLOCK_ROWS,
    MAX_DIM,
    MAX_LEVELS,
    MAX_TENSOR,
    MAX_WEIGHTS,
    OPS,
    FormatError,
    Geometry,
)
from keras_nest.format.streams import record_dtype

MAGIC = b"NEST"
VERSION = 1
HEADER_BYTES = 128
BALANCED, DENSE_TOP, FOLDED, WIDTHS, BITS = 1, 2, 4, 8, 16  # flags
TABLE_BYTES = 9  # per channel: int32 multiplier, int32 bias, int8 shift

_LAYOUT = struct.Struct("<4s 10B 4b 2B I 6I 8H 4I 32s I 12s")
assert _LAYOUT.size == HEADER_BYTES


@dataclass(frozen=True)
class Header:
    """The header's fields; `offsets` are those of the four sections."""

    geometry: Geometry
    encoding: str
    levels: int
    block: tuple[int, int]
    index_bytes: int
    count_bytes: int
    balanced: bool
    tables: int
    level_table: tuple[int, ...]
    input_zero_point: int
    output_zero_point: int
    act_min: int
    act_max: int
    offsets: tuple[int, int, int, int]
    total_bytes: int
    dense_top: bool = False
    folded: bool = False
    widths: bool = False
    segments: int = 0
    sets: int = 0
    four_bit_levels: int = 0

    @property
    def variant(self) -> str:
        """The encoding with its flags: `"offsets + dense"`, `"folded dense"`, `"dense
        widths"`, `"dense bits"`."""
        name = "folded " * self.folded + self.encoding + " + dense" * self.dense_top
        return name + " widths" * self.widths + " bits" * self.bits

    @property
    def bits(self) -> bool:
        """Whether levels are bits of the weights."""
        return self.four_bit_levels > 0

    @property
    def row_groups(self) -> int:
        """Groups of `block[0]` rows that the weights are stored in."""
        rows = self.geometry.weights_shape[0]
        return -(-rows // self.block[0])

    @property
    def blocks_per_row(self) -> int:
        """Blocks that a row group has when all its weights are active."""
        return self.geometry.weights_shape[1] // self.block[1]

    @property
    def rings(self) -> int:
        """Rings that have counts and entries."""
        if self.encoding == "dense":
            return 0
        return self.levels - (self.encoding == "lists" or self.dense_top)

    @property
    def count_entries(self) -> int:
        """Entries of the counts section."""
        if self.widths:
            return self.levels + self.segments * (self.levels + 1)
        return self.rings * (1 if self.balanced else self.row_groups)

    @property
    def block_size(self) -> int:
        """Weights in a block."""
        return self.block[0] * self.block[1]

    @property
    def folded_rows(self) -> int:
        """Rows of folded biases in the indices section."""
        if self.encoding == "vectors":
            return self.levels
        by_level = self.widths or self.bits
        return (self.levels if by_level else self.tables) * self.folded

    @property
    def dense_bytes(self) -> int:
        """Bytes of weights that are stored whole, or of their planes."""
        if self.bits:
            planes = 1 + (self.four_bit_levels < self.levels)
            return planes * plane_bytes(self.geometry)
        if self.encoding in ("blocks", *PLACED) and not self.dense_top:
            return 0
        if self.geometry.op == "depthwise_conv_2d":
            return self.geometry.columns * self.geometry.out_c
        return self.row_groups * self.block[0] * self.geometry.columns

    def entry_bytes(self, entries: int, records: int) -> int:
        """Bytes of `entries` blocks with their values, in so many `records`."""
        if self.encoding == "blocks":
            return entries * self.block_size
        if self.encoding in PLACED:
            return records * record_dtype(self.encoding, *self.block).itemsize
        return 0

    def section_ends(self, entries: int, records: int = 0) -> tuple[int, int, int, int]:
        """Where the sections end (unaligned) if there are `entries` blocks.

        `records` is what the encodings "offsets" and "vectors" store them in.
        """
        tables = HEADER_BYTES + TABLE_BYTES * self.tables * self.geometry.out_c
        counts = aligned(tables) + self.count_bytes * self.count_entries
        indices = aligned(counts) + self.index_bytes * entries
        indices += 4 * self.folded_rows * self.geometry.out_c
        values = self.entry_bytes(entries, records)
        if self.dense_top:
            values = aligned(values)
        return tables, counts, indices, aligned(indices) + values + self.dense_bytes

    def to_bytes(self) -> bytes:
        """The header as it stands in the blob."""
        g = self.geometry
        return _LAYOUT.pack(
            MAGIC,
            VERSION,
            OPS.index(g.op) + 1,
            ENCODINGS.index(self.encoding),
            self.levels,
            *self.block,
            self.index_bytes,
            self.count_bytes,
            BALANCED * self.balanced
            + DENSE_TOP * self.dense_top
            + FOLDED * self.folded
            + WIDTHS * self.widths
            + BITS * self.bits,
            self.tables,
            self.input_zero_point,
            self.output_zero_point,
            self.act_min,
            self.act_max,
            self.segments,
            self.four_bit_levels,
            self.total_bytes,
            *(g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c),
            *(g.kernel_h, g.kernel_w, g.stride_h, g.stride_w),
            *(g.dilation_h, g.dilation_w, g.pad_top, g.pad_left),
            *self.offsets,
            bytes(self.level_table),
            self.sets,
            b"",
        )

    @classmethod
    def parse(cls, blob: bytes) -> Header:
        """Reads and checks the header of `blob`.

        Raises:
            FormatError: not a packed op, or a field is out of range.
        """
        if len(blob) < HEADER_BYTES:
            raise FormatError(
                f"Expected a packed op of at least {HEADER_BYTES} bytes. "
                f"Received: {len(blob)} bytes."
            )
        fields = _LAYOUT.unpack_from(blob)
        if fields[0] != MAGIC:
            raise FormatError(
                f"Expected a packed op, which starts with {MAGIC!r}. "
                f"Received: {fields[0]!r}."
            )
        if fields[1] != VERSION:
            raise FormatError(
                f"Expected packed format version {VERSION}. Received: {fields[1]}.",
                hint="It was written by a newer keras-nest: update this one."
                if fields[1] > VERSION
                else "Convert the model again.",
            )
        if fields[17] != len(blob):
            raise FormatError(
                f"Expected a packed op of {fields[17]} bytes, as its header says. "
                f"Received: {len(blob)} bytes."
            )
        op, encoding, levels, rows, cols, index, count, flags, tables = fields[2:11]
        level_table, segments, sets = fields[36], fields[15], fields[37]
        _require(1 <= op <= len(OPS), "op kind", op)
        _require(encoding < len(ENCODINGS), "encoding", encoding)
        _require(1 <= levels <= MAX_LEVELS, "number of levels", levels)
        _require(1 <= rows <= MAX_BLOCK_ROWS, "block rows", rows)
        _require(1 <= cols <= MAX_BLOCK_COLS, "block columns", cols)
        sparse = encoding != 0
        indexed = ENCODINGS[encoding] in ("blocks", "lists")
        _require(index in ((1, 2) if indexed else (0,)), "index bytes", index)
        one_size = 2 if sparse or flags & WIDTHS else 0
        sizes: tuple[int, ...] = (1, 2, 4) if indexed else (one_size,)
        _require(count in sizes, "count bytes", count)
        _require(_has_flags(flags, ENCODINGS[encoding], levels, op), "flags", flags)
        fours, most = fields[16], levels if flags & BITS else 0
        in_range = min(most, 1) <= fours <= most
        _require(in_range, "number of levels of 4 bits", fours)
        _require(sparse or (rows, cols) == (1, 1), "dense block", (rows, cols))
        _require(OPS[op - 1] != "depthwise_conv_2d" or not sparse, "encoding", encoding)
        _require(1 <= tables <= levels, "number of tables", tables)
        _require(max(level_table[:levels]) < tables, "level table", level_table)
        reserved = (level_table[levels:], fields[38])
        unused = not flags & WIDTHS and (segments or sets)
        _require(not unused, "reserved bytes", (segments, sets))
        _require(not any(map(any, reserved)), "reserved bytes", reserved)
        _require(fields[13] <= fields[14], "activation bounds", fields[13:15])
        geometry = Geometry(OPS[op - 1], *fields[18:32])
        check_geometry(geometry)
        if sparse:
            _require(geometry.in_c % cols == 0, "block columns", cols)
        if ENCODINGS[encoding] in PLACED:
            block = (rows, cols)
            allowed = allowed_blocks(geometry, ENCODINGS[encoding])
            _require(block in allowed, "block for such an encoding", block)
            reached = fits(geometry, ENCODINGS[encoding], cols)
            _require(reached, "input size for such an encoding", geometry)
        input_zero_point, output_zero_point, act_min, act_max = fields[11:15]
        return cls(
            geometry=geometry,
            encoding=ENCODINGS[encoding],
            levels=levels,
            block=(rows, cols),
            index_bytes=index,
            count_bytes=count,
            balanced=bool(flags & BALANCED),
            dense_top=bool(flags & DENSE_TOP),
            folded=bool(flags & FOLDED),
            widths=bool(flags & WIDTHS),
            segments=segments,
            sets=sets,
            four_bit_levels=fours,
            tables=tables,
            level_table=tuple(level_table[:levels]),
            input_zero_point=input_zero_point,
            output_zero_point=output_zero_point,
            act_min=act_min,
            act_max=act_max,
            offsets=fields[32:36],
            total_bytes=fields[17],
        )


def aligned(offset: int) -> int:
    """The first multiple of 4 from `offset` on."""
    return (offset + 3) & ~3


def check_geometry(g: Geometry) -> None:
    """Raises FormatError if the shapes of `g` do not fit together."""
    sizes: tuple[int, ...] = (g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c)
    sizes += (g.kernel_h, g.kernel_w, g.stride_h, g.stride_w)
    sizes += (g.dilation_h, g.dilation_w)
    _require(g.op in OPS, "op", g.op)
    _require(all(1 <= s <= MAX_DIM for s in sizes), "shape (a size out of range)", g)
    small = (*sizes[6:], g.pad_top, g.pad_left)
    _require(max(small) < 1 << 16, "shape (a size out of range)", g)
    _require(g.columns <= MAX_DIM, "shape (too many weights a channel)", g)
    for size in (g.in_h * g.in_w * g.in_c, g.out_h * g.out_w * g.out_c):
        _require(size <= MAX_TENSOR, "shape (a tensor of more than 1 GiB)", g)
    for in_, out, kernel, stride, dilation, pad in (
        (g.in_h, g.out_h, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top),
        (g.in_w, g.out_w, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left),
    ):
        reach = (kernel - 1) * dilation + 1
        _require(reach <= MAX_DIM, "shape (kernel reaches too far)", g)
        # Each window overlaps the input: holds for SAME and VALID padding.
        _require(0 <= pad < reach, "padding (a window beside the input)", g)
        _require((out - 1) * stride - pad < in_, "output size (too large)", g)
    weights = g.out_c * g.columns
    _require(weights <= MAX_WEIGHTS, "shape (too many weights)", g)
    if g.op == "depthwise_conv_2d":
        _require(g.out_c % g.in_c == 0, "channels (not a depth multiple)", g)
    if g.op == "fully_connected":
        plain = Geometry(g.op, 1, g.in_w, g.in_c, 1, g.in_w, g.out_c)
        _require(g == plain, "shape (fully connected)", g)


def _has_flags(flags: int, encoding: str, levels: int, op: int) -> bool:
    """Whether an op of this encoding, levels and kind may have these flags."""
    if encoding != "dense":
        top = DENSE_TOP * (encoding in PLACED and levels > 1)
        return not flags & ~(BALANCED | top)
    if flags & BITS:
        return not flags & ~(FOLDED | BITS) and OPS[op - 1] != "depthwise_conv_2d"
    return not flags & ~(FOLDED | WIDTHS)


def _require(condition: bool, what: str, value: object) -> None:
    if not condition:
        raise FormatError(f"Expected a valid {what} in a packed op. Received: {value}.")
