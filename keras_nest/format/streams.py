"""The encodings "offsets" and "vectors": records of entries, which hold the places of
some blocks' inputs and then the values of these blocks."""

from __future__ import annotations

import numpy as np

from keras_nest.format.operation import FormatError, Int8Array, Int64Array


def record_entries(encoding: str, cols: int) -> int:
    """Entries of a record."""
    if encoding == "offsets":
        return 2
    return {16: 2, 4: 4}.get(cols, 8)


def record_dtype(encoding: str, rows: int, cols: int) -> np.dtype:
    """A record as stored: the offsets of its entries, then the values of all."""
    entries = record_entries(encoding, cols)
    if encoding == "offsets" and rows * cols == 1:
        return np.dtype([("entries", [("offset", "<u2"), ("value", "<i2")], entries)])
    values = entries * rows * cols
    return np.dtype([("offsets", "<u2", (entries,)), ("values", "i1", (values,))])


def records_of(per_group: Int64Array, entries: int) -> int:
    """Records of `entries` that row groups of so many take; each starts a new one."""
    return int(np.sum(-(-per_group // entries)))


def slots_of(per_group: Int64Array, entries: int) -> tuple[Int64Array, Int64Array]:
    """For each entry, its record and its place in the record."""
    records = -(-per_group // entries)
    starts = np.cumsum(records) - records
    before = np.cumsum(per_group) - per_group
    index = np.arange(int(per_group.sum())) - np.repeat(before, per_group)
    return np.repeat(starts, per_group) + index // entries, index % entries


def write(
    encoding: str, per_group: Int64Array, offsets: Int64Array, blocks: Int8Array
) -> bytes:
    """The records.

    Args:
        encoding: "offsets" or "vectors".
        per_group: int64 `[row groups]`, entries of each.
        offsets: int64 `[entries]`.
        blocks: int8 `[entries, rows, cols]`.
    """
    _, rows, cols = blocks.shape
    entries = record_entries(encoding, cols)
    record, place = slots_of(per_group, entries)
    stored = np.zeros(
        records_of(per_group, entries), record_dtype(encoding, rows, cols)
    )
    if "entries" in (stored.dtype.names or ()):
        stored["entries"]["offset"][record, place] = offsets
        stored["entries"]["value"][record, place] = blocks[:, 0, 0]
        return stored.tobytes()
    stored["offsets"][record, place] = offsets
    values = np.zeros((len(stored), entries, rows, cols), np.int8)
    values[record, place] = blocks
    in_order = values.transpose(_order(encoding, cols))
    stored["values"] = in_order.reshape(stored["values"].shape)
    return stored.tobytes()


def read(
    encoding: str, section: bytes, per_group: Int64Array, block: tuple[int, int]
) -> tuple[Int64Array, Int8Array]:
    """The inverse of `write`: offsets and blocks.

    Raises:
        FormatError: what a last record has behind its entries is not zero.
    """
    rows, cols = block
    entries = record_entries(encoding, cols)
    stored = np.frombuffer(section, record_dtype(encoding, rows, cols))
    if "entries" in (stored.dtype.names or ()):
        singles = stored["entries"]["value"]
        if np.any((singles < -128) | (singles > 127)):
            raise FormatError(
                "Expected int8 weights in a packed op. "
                f"Received: {singles.min()} to {singles.max()}."
            )
        places = stored["entries"]["offset"]
        values = singles.astype(np.int8).reshape(len(stored), entries, 1, 1)
    else:
        places = stored["offsets"]
        order = _order(encoding, cols)
        sizes = (len(stored), entries, rows, cols)
        in_order = stored["values"].reshape([sizes[axis] for axis in order])
        values = in_order.transpose([order.index(axis) for axis in range(4)])
    record, place = slots_of(per_group, entries)
    unused = np.ones(places.shape, bool)
    unused[record, place] = False
    if np.any(places[unused]) or np.any(values[unused]):
        raise FormatError(
            "Expected zeros after the last entry of a row in a packed op. "
            "Received: others."
        )
    return places[record, place].astype(np.int64), values[record, place]


def _order(encoding: str, cols: int) -> tuple[int, int, int, int]:
    """How values[record, entry, row, col] are stored."""
    if encoding == "vectors":
        return 0, 2, 1, 3
    # a0 b0 a1 b1: every second byte is one block's.
    return (0, 2, 3, 1) if cols == 2 else (0, 1, 2, 3)
