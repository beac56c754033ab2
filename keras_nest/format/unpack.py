"""Reads packed bytes back, checking everything that the C side checks."""

from __future__ import annotations

import numpy as np

from keras_nest.format import bits, streams
from keras_nest.format.checks import (
    check_accumulators,
    check_tables,
    check_zero_point,
)
from keras_nest.format.folded import folded_biases
from keras_nest.format.header import HEADER_BYTES, Header, aligned
from keras_nest.format.layout import MAX_LAYOUT_BYTES, PLACED, offsets_of
from keras_nest.format.operation import (
    NEVER,
    FormatError,
    Int8Array,
    Int64Array,
    NestedOp,
    UInt8Array,
)
from keras_nest.format.rings import ZERO_BLOCK, Rings, columns_of, grid_of
from keras_nest.format.widths import Widths, check_widths


def unpack(blob: bytes) -> NestedOp:
    """Reads a packed op.

    Bytes that `unpack` accepts are accepted by `nest_open` in C. The reverse holds
    but for two things that no `NestedOp` can say: a block that is named twice, which
    the kernel adds twice, and a table that no level uses, which it never reads.

    Args:
        blob: The bytes of one packed op.

    Returns:
        The op; `level_of` is None for the encoding `"dense"` without widths.

    Raises:
        FormatError: the bytes are not a valid packed op.
    """
    header = Header.parse(blob)
    counts = _read_counts(blob, header)
    entries = int(counts.sum())
    records = _records(header, counts)
    _check_sections(blob, header, entries, records)
    multiplier, bias, shift = _read_tables(blob, header)
    check_tables(multiplier, shift)
    level_of, weights = None, _read_dense(blob, header)
    if header.encoding != "dense":
        level_of, weights = _read_rings(blob, header, counts, weights)
    widths = Widths.of_blob(blob, header)
    if widths is not None:
        check_widths(widths, header.geometry, header.levels)
        level_of = widths.level_of(header.geometry)
    levels = list(header.level_table)
    fours = header.four_bit_levels
    op = NestedOp(
        geometry=header.geometry,
        levels=header.levels,
        input_zero_point=header.input_zero_point,
        output_zero_point=header.output_zero_point,
        act_min=header.act_min,
        act_max=header.act_max,
        weights=weights,
        level_of=level_of,
        multiplier=multiplier[levels],
        shift=shift[levels],
        bias=bias[levels],
        block=header.block,
        widths=widths,
        bits=(4,) * fours + (8,) * (header.levels - fours) if header.bits else None,
    )
    if widths is not None:
        check_zero_point(op)
    check_accumulators(op)
    _check_folded(blob, header, op)
    return op


def _records(header: Header, counts: Int64Array) -> int:
    """What the entries are stored in; 0 where that is not in records."""
    if header.encoding not in PLACED:
        return 0
    each = streams.record_entries(header.encoding, header.block[1])
    return streams.records_of(counts.sum(1), each)


def _read_counts(blob: bytes, header: Header) -> Int64Array:
    """Counts as int64 `[row groups, rings]`."""
    if header.encoding == "dense":
        return np.zeros((header.row_groups, 0), np.int64)
    _, end, _, _ = header.section_ends(0)
    if end > len(blob):
        raise FormatError(
            f"Expected {end} bytes or more, up to the end of the counts. "
            f"Received: a packed op of {len(blob)} bytes."
        )
    start = end - header.count_bytes * header.count_entries
    dtype = np.dtype(f"<u{header.count_bytes}")
    counts = np.frombuffer(blob, dtype, header.count_entries, start).astype(np.int64)
    if counts.max(initial=0) > len(blob):
        raise FormatError(
            f"Expected counts that fit a packed op of {len(blob)} bytes. "
            f"Received: {counts.max()}."
        )
    rows = 1 if header.balanced else header.row_groups
    counts = counts.reshape(rows, header.rings)
    if header.encoding in PLACED:
        counts = np.diff(counts, axis=1, prepend=0)
        if counts.min(initial=0) < 0:
            raise FormatError(
                "Expected counts that grow with the level in a packed op. "
                f"Received: a ring of {counts.min()} entries."
            )
    return np.broadcast_to(counts, (header.row_groups, header.rings))


def _check_sections(blob: bytes, header: Header, entries: int, records: int) -> None:
    ends = header.section_ends(entries, records)
    starts = (HEADER_BYTES, *(aligned(end) for end in ends[:3]))
    if header.offsets != starts or len(blob) != ends[3]:
        raise FormatError(
            f"Expected sections at {starts}, ending at {ends[3]}. "
            f"Received: {header.offsets}, ending at {len(blob)}."
        )
    gaps = [*zip(ends[:3], starts[1:], strict=True)]
    # Before a dense top; else nothing.
    end = starts[3] + header.entry_bytes(entries, records)
    gaps.append((end, ends[3] - header.dense_bytes))
    if any(any(blob[end:start]) for end, start in gaps):
        raise FormatError(
            "Expected zero bytes between the sections of a packed op. Received: others."
        )


def _read_tables(
    blob: bytes, header: Header
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    size = header.tables * header.geometry.out_c
    shape = (header.tables, header.geometry.out_c)
    start = header.offsets[0]
    multiplier = np.frombuffer(blob, "<i4", size, start)
    bias = np.frombuffer(blob, "<i4", size, start + 4 * size)
    shift = np.frombuffer(blob, np.int8, size, start + 8 * size)
    return (
        multiplier.astype(np.int32).reshape(shape),
        bias.astype(np.int32).reshape(shape),
        shift.reshape(shape),
    )


def _read_dense(blob: bytes, header: Header) -> Int8Array:
    """The weights stored whole, without filling rows; zeros where there are none."""
    rows, columns = header.geometry.weights_shape
    if header.dense_bytes == 0:
        return np.zeros((rows, columns), np.int8)
    start = header.total_bytes - header.dense_bytes
    if header.bits:
        both = header.four_bit_levels < header.levels
        return bits.read_planes(blob[start:], header.geometry, both)
    values = np.frombuffer(blob, np.int8, header.dense_bytes, start)
    values = values.reshape(-1, columns)
    if np.any(values[rows:]):
        raise FormatError(
            "Expected zero weights in the filling rows of a packed op. "
            "Received: others."
        )
    return values[:rows].copy()


def _read_rings(
    blob: bytes, header: Header, counts: Int64Array, dense: Int8Array
) -> tuple[UInt8Array, Int8Array]:
    """`level_of` and weights of an op with rings."""
    rows, cols = header.block
    entries = int(counts.sum())
    if header.encoding in PLACED:
        end = header.offsets[3] + header.entry_bytes(entries, _records(header, counts))
        section = blob[header.offsets[3] : end]
        offsets, blocks = streams.read(
            header.encoding, section, counts.sum(1), header.block
        )
        columns = _columns_at(offsets, header)
        rings = Rings(counts, columns, np.zeros(entries, np.int64))
        if header.dense_top:
            _check_nested(header, rings, columns, blocks, dense)
        return _place(header, rings, columns, blocks, dense)
    dtype = f"<u{header.index_bytes}"
    deltas = np.frombuffer(blob, dtype, entries, header.offsets[2]).astype(np.int64)
    rings = Rings(counts, deltas, np.zeros(entries, np.int64))
    columns = columns_of(rings, header.blocks_per_row)
    if header.encoding == "lists":
        grid = grid_of(rings, columns, header.blocks_per_row)
        grid[grid == NEVER] = header.levels - 1
        return _spread(grid, header), dense
    values = np.frombuffer(blob, np.int8, entries * rows * cols, header.offsets[3])
    return _place(header, rings, columns, values.reshape(entries, rows, cols), dense)


def _columns_at(offsets: Int64Array, header: Header) -> Int64Array:
    """The block columns whose inputs are at `offsets`."""
    column_of = np.full(MAX_LAYOUT_BYTES, -1, np.int64)
    known = offsets_of(header.geometry, header.encoding, header.block[1])
    column_of[known] = np.arange(known.size)
    columns: Int64Array = column_of[offsets]
    if np.any(columns < 0):
        raise FormatError(
            "Expected offsets of inputs of a packed op. "
            f"Received: {offsets[columns < 0][0]}."
        )
    return columns


def _place(
    header: Header,
    rings: Rings,
    columns: Int64Array,
    blocks: Int8Array,
    dense: Int8Array,
) -> tuple[UInt8Array, Int8Array]:
    """`level_of` and weights of the blocks at `columns`; `dense` are those of a dense
    top, which has the rest, or all zero."""
    rows, cols = header.block
    empty = ~np.any(blocks, axis=(1, 2))
    rings.source[empty] = ZERO_BLOCK
    grid = grid_of(rings, columns, header.blocks_per_row)
    group = np.repeat(np.arange(len(grid)), rings.counts.sum(1))
    if header.dense_top:
        grid[grid == NEVER] = header.levels - 1
        return _spread(grid, header), dense
    tiles = np.zeros((*grid.shape, rows, cols), np.int8)
    tiles[group[~empty], columns[~empty]] = blocks[~empty]
    weights = tiles.transpose(0, 2, 1, 3).reshape(len(grid) * rows, -1)
    if np.any(weights[len(dense) :]):
        raise FormatError(
            "Expected zero weights in the filling rows of a packed op. "
            "Received: others."
        )
    return _spread(grid, header), weights[: len(dense)].copy()


def _check_nested(
    header: Header,
    rings: Rings,
    columns: Int64Array,
    blocks: Int8Array,
    dense: Int8Array,
) -> None:
    rows, cols = header.block
    tiles = dense.reshape(header.row_groups, rows, -1, cols).transpose(0, 2, 1, 3)
    group = np.repeat(np.arange(len(tiles)), rings.counts.sum(1))
    if not np.array_equal(tiles[group, columns], blocks):
        raise FormatError(
            "Expected the same weights at all levels of a packed op. "
            "Received: others at its dense level."
        )


def _check_folded(blob: bytes, header: Header, op: NestedOp) -> None:
    size = header.folded_rows * header.geometry.out_c
    if size == 0:
        return
    stored = np.frombuffer(blob, "<i4", size, header.offsets[2])
    stored = stored.reshape(header.folded_rows, -1)
    if header.encoding == "dense" and not (header.widths or header.bits):
        stored = stored[list(header.level_table)]
    if not np.array_equal(stored, folded_biases(op)):
        raise FormatError(
            "Expected folded biases of the weights of a packed op. Received: others."
        )


def _spread(grid: UInt8Array, header: Header) -> UInt8Array:
    rows, cols = header.block
    spread = np.repeat(np.repeat(grid, rows, 0), cols, 1)
    return spread[: header.geometry.out_c].copy()
