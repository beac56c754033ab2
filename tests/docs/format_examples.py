"""The packed ops that docs/format_examples.md shows byte by byte."""

from __future__ import annotations

import itertools

import numpy as np

from keras_nest.format import NEVER, Geometry, NestedOp, Segment, Widths, pack
from keras_nest.format.header import Header


def first_op() -> NestedOp:
    """A matrix of 2 x 600 in blocks of 1x2, with a gap that one byte cannot say."""
    level_of = np.full((2, 600), NEVER, np.uint8)
    weights = np.zeros((2, 600), np.int8)
    row_0 = {1: (0, 7, -8), 299: (1, 100, -100)}
    row_1 = {0: (0, 1, 2), 2: (0, 3, 0), 4: (1, 5, 6), 5: (1, 7, 8)}
    row_1 |= {7: (1, 9, 10), 8: (1, 11, 12), 10: (1, 13, 14), 12: (1, 15, 16)}
    for row, blocks in enumerate((row_0, row_1)):
        for block, (level, *pair) in blocks.items():
            level_of[row, 2 * block : 2 * block + 2] = level
            weights[row, 2 * block : 2 * block + 2] = pair
    return NestedOp(
        geometry=Geometry("fully_connected", 1, 1, 600, 1, 1, 2),
        levels=3,
        input_zero_point=-128,
        output_zero_point=-3,
        act_min=-3,
        act_max=127,
        weights=weights,
        level_of=level_of,
        multiplier=np.asarray(
            [[1 << 30, -(1 << 30)], [1288490189, -1503238554], [1 << 30, -(1 << 30)]],
            np.int32,
        ),
        shift=np.asarray([[-7, -6], [-8, -6], [-7, -6]], np.int8),
        bias=np.asarray([[1000, -2], [-70000, 5], [1000, -2]], np.int32),
        block=(1, 2),
    )


def numbered_op(block: tuple[int, int]) -> NestedOp:
    """The weights are 1 to 32 row by row; level 0 has the left half, level 1 all."""
    level_of = np.repeat(np.asarray([[0, 1]], np.uint8), 4, 1).repeat(4, 0)
    return NestedOp(
        geometry=Geometry("fully_connected", 1, 1, 8, 1, 1, 4),
        levels=2,
        input_zero_point=-1,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=np.arange(1, 33, dtype=np.int8).reshape(4, 8),
        level_of=level_of,
        multiplier=np.full((2, 4), 1 << 30, np.int32),
        shift=np.full((2, 4), -5, np.int8),
        bias=np.full((2, 4), 256, np.int32),
        block=block,
    )


def single_op() -> NestedOp:
    """A 2x2 convolution with blocks of 1x1: row 0 has an odd number of entries."""
    level_of = np.asarray([[1, 0, 0, NEVER], [NEVER, NEVER, 0, 1]], np.uint8)
    weights = np.asarray([[-1, 2, -3, 0], [0, 0, 4, 5]], np.int8)
    return NestedOp(
        geometry=Geometry("conv_2d", 3, 4, 1, 2, 3, 2, 2, 2),
        levels=2,
        input_zero_point=0,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=weights,
        level_of=level_of,
        multiplier=np.full((2, 2), 1 << 30, np.int32),
        shift=np.full((2, 2), -5, np.int8),
        bias=np.zeros((2, 2), np.int32),
        block=(1, 1),
    )


def widths_op() -> NestedOp:
    """The weights are 1 to 24 row by row; the inputs are those of a Concatenate."""
    g = Geometry("fully_connected", 1, 1, 6, 1, 1, 4)
    widths = Widths((2, 4), (Segment(0, (1, 4)), Segment(4, (1, 2))))
    return NestedOp(
        geometry=g,
        levels=2,
        input_zero_point=-1,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=np.arange(1, 25, dtype=np.int8).reshape(4, 6),
        level_of=widths.level_of(g),
        widths=widths,
        multiplier=np.full((2, 4), 1 << 30, np.int32),
        shift=np.full((2, 4), -5, np.int8),
        bias=np.full((2, 4), 256, np.int32),
    )


def bits_op() -> NestedOp:
    """Ten weights: both ends, and where rounding goes the one way and the other."""
    weights = [[119, -120, 7, 8, -8], [-9, 0, 100, -50, 1]]
    return NestedOp(
        geometry=Geometry("fully_connected", 1, 1, 5, 1, 1, 2),
        levels=2,
        input_zero_point=-1,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=np.asarray(weights, np.int8),
        level_of=None,
        multiplier=np.full((2, 2), 1 << 30, np.int32),
        shift=np.full((2, 2), -5, np.int8),
        bias=np.full((2, 2), 256, np.int32),
        bits=(4, 8),
    )


def strided(in_c: int = 32) -> Geometry:
    """The convolution whose offsets the page lists."""
    return Geometry("conv_2d", 9, 9, in_c, 4, 4, 1, 3, 3, 2, 2)


def dump(data: bytes) -> str:
    """As `hexdump` prints it: 16 bytes a line."""
    lines = (
        f"{at:02x}  {data[at : at + 16].hex(' ')}" for at in range(0, len(data), 16)
    )
    return "\n".join(lines) + "\n"


def sections(blob: bytes, widths: tuple[int, ...], entries: int) -> str:
    """Counts, indices and values as the page lists them.

    Args:
        blob: A packed op.
        widths: Bytes of values in a line, line by line and then again from the first.
        entries: Indices that it has.
    """
    header = Header.parse(blob)
    counts, indices, values = header.offsets[1:]
    size = header.count_bytes * header.count_entries
    rows = (header.rings,)
    if header.widths:
        rows = (header.levels, *[header.levels + 1] * header.segments)
    row = tuple(header.count_bytes * entries for entries in rows)
    lines = _lines("counts", blob[counts : counts + size], row)
    lines += _lines("indices", blob[indices : indices + entries], (entries,))
    if header.folded_rows:
        lines += _lines("folded", blob[indices:values], (4 * header.geometry.out_c,))
    return "\n".join(lines + _lines("values", blob[values:], widths)) + "\n"


def _lines(title: str, data: bytes, widths: tuple[int, ...]) -> list[str]:
    lines: list[str] = []
    at = 0
    for width in itertools.cycle(widths):
        if at >= len(data):
            return lines
        lines.append(f"{title:9}{data[at : at + width].hex(' ')}")
        title, at = "", at + width
    raise AssertionError("no widths")


def numbered() -> str:
    """The second example."""
    found = []
    for title, block, encoding, widths, entries in (
        ("blocks, 4x4", (4, 4), "blocks", (16,), 2),
        ("lists, 4x4", (4, 4), "lists", (8,), 1),
        ("offsets, 1x2", (1, 2), "offsets", (8,), 0),
        ("offsets, 4x4", (4, 4), "offsets", (4, 16, 16), 0),
        ("offsets, 4x4, dense top", (4, 4), "offsets", (4, 16, 16, 8, 8, 8, 8), 0),
        ("vectors, 1x2", (1, 2), "vectors", (16,), 0),
        ("vectors, 4x4", (4, 4), "vectors", (8, 16, 16, 16, 16), 0),
    ):
        blob = pack(numbered_op(block), encoding, dense_top=len(widths) == 7)
        shown = sections(blob, widths, entries)
        found.append(f"{title}:\n\n```text\n{shown}```\n")
    return "\n".join(found)


def widths() -> str:
    """The fourth example."""
    return f"```text\n{sections(pack(widths_op(), 'dense', folded=True), (6,), 0)}```\n"


def bits() -> str:
    """The last example."""
    return f"```text\n{sections(pack(bits_op(), 'dense', folded=True), (4,), 0)}```\n"


def single() -> str:
    """The third example."""
    return f"```text\n{sections(pack(single_op(), 'offsets'), (8,), 0)}```\n"
