"""Packs a nested op, in the smallest encoding or in one that is asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_nest.format import streams
from keras_nest.format.checks import check_op
from keras_nest.format.header import Header
from keras_nest.format.layout import (
    allowed_blocks,
    fits,
    lanes_of,
    offsets_of,
)
from keras_nest.format.operation import (
    ENCODINGS,
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


def pack(op: NestedOp, encoding: str = "auto", optimize: str = "size") -> bytes:
    """Packs `op` into the bytes that the kernels read.

    `unpack` gives back an op that computes the same at every level. Blocks whose
    weights are all zero are not kept in a level: they compute nothing.

    Args:
        op: The op.
        encoding: `"dense"` (all levels have all weights), `"blocks"` (values and
            indices of the active blocks), `"lists"` (dense values once, index
            lists for the levels below the densest), `"offsets"` (values beside
            the places of their inputs), or `"auto"` for the best one that can
            hold `op`.
        optimize: What `"auto"` goes by: `"size"` takes the smallest, never
            `"offsets"`; `"speed"` takes `"offsets"` wherever it can hold `op`, as the
            kernels in SIMD run it and `"dense"` only, else the smallest.

    Returns:
        The packed bytes; the same bytes for the same op.

    Raises:
        FormatError: `op` is inconsistent, can overflow, or cannot be held by the
            encoding asked for.
    """
    check_op(op)
    if encoding not in ("auto", *ENCODINGS):
        raise FormatError(
            f"Expected encoding 'auto' or one of {ENCODINGS}. Received: {encoding!r}."
        )
    if optimize not in ("size", "speed"):
        raise FormatError(
            f"Expected optimize 'size' or 'speed'. Received: {optimize!r}."
        )
    asked: tuple[str, ...] = (encoding,)
    if encoding == "auto":
        asked = ENCODINGS if optimize == "speed" else ("dense", "blocks", "lists")
    candidates = [(name, blob) for name in asked for blob in _blobs(op, name)]
    if not candidates:
        masks = "no masks" if op.level_of is None else "masks"
        raise FormatError(
            f"Expected an op that the encoding {encoding!r} can hold. Received: "
            f"{op.geometry.op}, {op.levels} levels, {masks}, "
            f"block {op.block}.",
            hint="Use encoding='auto'.",
        )
    fast = [blob for name, blob in candidates if name == "offsets"]
    return min(fast or [blob for _, blob in candidates], key=len)


def _blobs(op: NestedOp, encoding: str) -> Iterator[bytes]:
    """Every way to write `op` in `encoding`, none if it cannot hold `op`."""
    if encoding == "dense":
        yield from _dense(op)
    elif op.level_of is not None and op.geometry.op != "depthwise_conv_2d":
        write = {"blocks": _blocks, "lists": _lists, "offsets": _offsets}[encoding]
        yield from write(op)


def _dense(op: NestedOp) -> Iterator[bytes]:
    same = op.level_of is None or not np.any(
        op.weights[(op.level_of > 0) & (op.level_of != NEVER)]
    )
    if same:
        yield _assemble(op, "dense", None, 0, op.weights)


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


def _offsets(op: NestedOp) -> Iterator[bytes]:
    g = op.geometry
    lanes = lanes_of(op.block[1])
    # Larger blocks are stored in parts of what one step of the kernels takes.
    rows = 4 if op.block[0] == 4 and (4, lanes) in allowed_blocks(g) else 1
    if (rows, lanes) not in allowed_blocks(g) or not fits(g, lanes):
        return
    op = dataclasses.replace(op, block=(rows, lanes))
    grid = block_levels(op)
    rings = rings_of(grid, op.levels)
    values = padded_rows(op.weights, rows)
    tiles = values.reshape(len(values) // rows, rows, -1, lanes).transpose(0, 2, 1, 3)
    section = streams.write(
        rings.counts.sum(1),
        offsets_of(g, lanes)[rings.source % grid.shape[1]],
        tiles.reshape(-1, rows, lanes)[rings.source],
    )
    yield _assemble(op, "offsets", rings, 0, np.frombuffer(section, np.int8))


def _assemble(
    op: NestedOp,
    encoding: str,
    rings: Rings | None,
    index_bytes: int,
    values: Int8Array,
) -> bytes:
    tables, level_table = _shared_tables(op)
    counts = np.zeros(0, np.int64) if rings is None else rings.counts
    if encoding == "offsets":
        counts = np.cumsum(counts, axis=1)
    if rings is not None and rings.balanced:
        counts = counts[:1]
    most = counts.max(initial=0)
    count_bytes = 0 if rings is None else next(n for n in (1, 2, 4) if most < 256**n)
    if encoding == "offsets":
        count_bytes = 2  # a band of 64 KiB has fewer than 2^16 blocks
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
    )
    sections = (
        b"".join(t.astype(t.dtype.newbyteorder("<")).tobytes() for t in tables),
        _unsigned(counts, count_bytes),
        b"" if rings is None else _unsigned(rings.deltas, index_bytes),
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
