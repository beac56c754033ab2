"""Writes a nested op in one encoding: every way that the format has for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_nest.format import bits, streams
from keras_nest.format.folded import folded_biases
from keras_nest.format.header import Header
from keras_nest.format.layout import (
    PLACED,
    allowed_blocks,
    columns_of_entry,
    fits,
    offsets_of,
)
from keras_nest.format.operation import (
    NEVER,
    FormatError,
    Int8Array,
    NestedOp,
    block_levels,
    padded_rows,
)
from keras_nest.format.rings import (
    Rings,
    rings_of,
    with_escapes,
    with_fillers,
)


def blobs(
    op: NestedOp, encoding: str, dense_top: bool, folded: bool
) -> Iterator[bytes]:
    """Every way to write `op` in `encoding`, none if it cannot hold `op`.

    Args:
        op: A checked op.
        encoding: One of `ENCODINGS`.
        dense_top: See `pack`.
        folded: See `pack`.
    """
    if op.bits is not None:
        if encoding == "dense" and not dense_top:
            values = bits.planes(op.weights, max(op.bits) == bits.WIDTHS[1])
            yield _assemble(op, "dense", None, 0, values, folded=folded)
    elif op.widths is not None:
        if encoding == "dense" and not dense_top:
            yield _assemble(op, "dense", None, 0, op.weights, folded=folded)
    elif encoding == "dense":
        if not dense_top:
            yield from _dense(op, folded)
    elif op.level_of is None or op.geometry.op == "depthwise_conv_2d" or folded:
        return
    elif encoding in PLACED:
        if op.levels > dense_top:
            yield from _placed(op, encoding, dense_top)
    elif not dense_top:
        yield from (_blocks if encoding == "blocks" else _lists)(op)


def _dense(op: NestedOp, folded: bool) -> Iterator[bytes]:
    same = op.level_of is None or not np.any(
        op.weights[(op.level_of > 0) & (op.level_of != NEVER)]
    )
    if same:
        yield _assemble(op, "dense", None, 0, op.weights, folded=folded)


def _blocks(op: NestedOp) -> Iterator[bytes]:
    rows, cols = op.block
    values = padded_rows(op.weights, rows)
    tiles = values.reshape(len(values) // rows, rows, -1, cols).transpose(0, 2, 1, 3)
    # One zero block at the end, for ZERO_BLOCK == -1 to pick.
    flat = np.pad(tiles.reshape(-1, rows * cols), ((0, 1), (0, 0)))
    plain = rings_of(block_levels(op), op.levels)
    for index_bytes in (1, 2):
        rings = with_escapes(plain, 256**index_bytes - 1)
        for version in (rings, with_fillers(rings)):
            yield _assemble(op, "blocks", version, index_bytes, flat[version.source])


def _lists(op: NestedOp) -> Iterator[bytes]:
    if op.levels == 1:
        return
    values = padded_rows(op.weights, op.block[0])
    for keep_zeros in (False, True):
        grid = block_levels(op, keep_zeros)
        rings = rings_of(grid, op.levels - 1)
        largest = int(rings.deltas.max(initial=0))
        if largest < 1 << 16:
            yield _assemble(op, "lists", rings, 1 + (largest > 255), values)


def _placed(op: NestedOp, encoding: str, dense_top: bool) -> Iterator[bytes]:
    g = op.geometry
    cols = columns_of_entry(encoding, op.block[1])
    # Larger blocks are stored in parts of what one step of the kernels takes.
    allowed = allowed_blocks(g, encoding)
    rows = 4 if op.block[0] == 4 and (4, cols) in allowed else 1
    if (rows, cols) not in allowed or not fits(g, encoding, cols):
        return
    op = dataclasses.replace(op, block=(rows, cols))
    grid = block_levels(op)
    rings = rings_of(grid, op.levels - dense_top)
    per_group = rings.counts.sum(1)
    if per_group.max() >= 1 << 16:
        return
    values = padded_rows(op.weights, rows)
    tiles = values.reshape(len(values) // rows, rows, -1, cols).transpose(0, 2, 1, 3)
    section = streams.write(
        encoding,
        per_group,
        offsets_of(g, encoding, cols)[rings.source % grid.shape[1]],
        tiles.reshape(-1, rows, cols)[rings.source],
    )
    if dense_top:
        section += op.weights.tobytes()
    yield _assemble(
        op, encoding, rings, 0, np.frombuffer(section, np.int8), dense_top=dense_top
    )


def _assemble(
    op: NestedOp,
    encoding: str,
    rings: Rings | None,
    index_bytes: int,
    values: Int8Array,
    *,
    dense_top: bool = False,
    folded: bool = False,
) -> bytes:
    tables, level_table = _shared_tables(op)
    counts = np.zeros(0, np.int64) if rings is None else rings.counts
    if op.widths is not None:
        counts = np.array(op.widths.numbers(), np.int64)
    if encoding in PLACED:
        counts = np.cumsum(counts, axis=1)
    if rings is not None and rings.balanced:
        counts = counts[:1]
    most = counts.max(initial=0)
    count_bytes = next(n for n in (1, 2, 4) if most < 256**n) if counts.size else 0
    if encoding in PLACED or op.widths is not None:
        count_bytes = 2
    header = Header(
        geometry=op.geometry,
        encoding=encoding,
        levels=op.levels,
        block=(1, 1) if rings is None else op.block,
        index_bytes=index_bytes,
        count_bytes=count_bytes,
        balanced=rings is not None and rings.balanced,
        tables=len(tables[0]),
        level_table=level_table,
        input_zero_point=op.input_zero_point,
        output_zero_point=op.output_zero_point,
        act_min=op.act_min,
        act_max=op.act_max,
        offsets=(0, 0, 0, 0),
        total_bytes=0,
        dense_top=dense_top,
        folded=folded,
        widths=op.widths is not None,
        segments=0 if op.widths is None else len(op.widths.segments),
        sets=0 if op.widths is None else op.widths.sets,
        four_bit_levels=bits.four_bit_levels(op.bits or ()),
    )
    indices = b"" if rings is None else _unsigned(rings.deltas, index_bytes)
    if encoding == "vectors" or (folded and (op.widths or op.bits)):
        indices = folded_biases(op).astype("<i4").tobytes()
    elif folded:
        first = [level_table.index(table) for table in range(header.tables)]
        indices = folded_biases(op)[first].astype("<i4").tobytes()
    sections = (
        b"".join(t.astype(t.dtype.newbyteorder("<")).tobytes() for t in tables),
        _unsigned(counts, count_bytes),
        indices,
        values.tobytes(),
    )
    return _concatenate(header, sections)


def _concatenate(header: Header, sections: tuple[bytes, ...]) -> bytes:
    body = bytearray()
    offsets = []
    start = len(header.to_bytes())
    for section in sections:
        body.extend(bytes(-len(body) % 4))
        offsets.append(start + len(body))
        body.extend(section)
    total = start + len(body)
    if total >= 1 << 31:
        raise FormatError(f"Expected a packed op below 2 GiB. Received: {total} bytes.")
    fields = {**vars(header), "offsets": tuple(offsets), "total_bytes": total}
    return Header(**fields).to_bytes() + bytes(body)


def _shared_tables(
    op: NestedOp,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], tuple[int, ...]]:
    """The distinct requantization tables, and which one each level has."""
    parts = (op.multiplier, op.bias, op.shift)
    first: dict[bytes, int] = {}
    keys = [b"".join(p[level].tobytes() for p in parts) for level in range(op.levels)]
    level_table = tuple(first.setdefault(key, len(first)) for key in keys)
    levels = [level_table.index(t) for t in range(len(first))]
    return (parts[0][levels], parts[1][levels], parts[2][levels]), level_table


def _unsigned(values: np.ndarray, width: int) -> bytes:
    return values.astype(f"<u{width}").tobytes() if width else b""
