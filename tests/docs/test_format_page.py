"""What docs/format.md says of the packed format is what the code does."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from keras_nest.format import ENCODINGS, OPS, FormatError, pack, unpack
from keras_nest.format import header as header_module
from keras_nest.format.header import HEADER_BYTES, VERSION, Header
from keras_nest.format.layout import allowed_blocks, layout_of, offsets_of
from keras_nest.format.operation import Geometry
from keras_nest.format.streams import record_dtype, record_entries
from tests.docs import format_examples
from tests.docs.format_page import PAGE, table

ROOT = Path(__file__).parents[2]
EXAMPLES = (ROOT / "docs/format_examples.md").read_text()
HEADER = (ROOT / "tflm_ops/include/nest/format.h").read_text()
CONTRACT = (ROOT / "tflm_ops/include/nest/nest.h").read_text()
SIZES = {"u8": 1, "i8": 1, "u16": 2, "u32": 4}


def fields() -> list[tuple[int, str, str]]:
    rows = table("| at | type | field | valid |")
    return [(int(at), kind, name) for at, kind, name, _ in rows]


def test_header_fields_are_those_of_the_c_header() -> None:
    pattern = r"#define NEST_HEADER_(?!BYTES)([A-Z0-9_]+?)(?:_([UI]\d+))? (\d+)\b"
    found = [
        (int(at), kind.lower(), name.lower())
        for name, kind, at in re.findall(pattern, HEADER)
    ]
    assert len(found) > 35
    assert fields() == found


def test_header_fields_follow_each_other_to_the_end() -> None:
    listed = fields()
    ends = [at for at, _, _ in listed[1:]] + [HEADER_BYTES]
    wide = {"magic": 4, "level_table": 32}
    for (at, kind, name), end in zip(listed, ends, strict=True):
        size = wide.get(name) or SIZES.get(kind)
        if size is None:
            stated = next(row for row in table("| at | type |") if row[2] == name)
            size = int(stated[3].split()[0])
        assert at + size == end, name


def test_header_fields_are_where_python_puts_them() -> None:
    blob = pack(format_examples.first_op(), "blocks")
    header = Header.parse(blob)
    g = header.geometry
    known = {
        **vars(header),
        **vars(g),
        "version": VERSION,
        "op": OPS.index(g.op) + 1,
        "encoding": ENCODINGS.index(header.encoding),
        "block_rows": header.block[0],
        "block_cols": header.block[1],
        "tables_offset": header.offsets[0],
        "counts_offset": header.offsets[1],
        "indices_offset": header.offsets[2],
        "values_offset": header.offsets[3],
        "flags": 0,
        "level_table": header.level_table[0],
    }
    formats = {"u8": "<B", "i8": "<b", "u16": "<H", "u32": "<I"}
    for at, kind, name in fields():
        if kind:
            assert struct.unpack_from(formats[kind], blob, at)[0] == known[name], name


def test_encodings_flags_and_kinds() -> None:
    said = next(row for row in table("| at | type |") if row[2] == "encoding")[3]
    assert said == ", ".join(f"{i} {name}" for i, name in enumerate(ENCODINGS))
    for index, name in enumerate(ENCODINGS):
        assert f"**{name}** ({index})." in PAGE
        assert f"NEST_{name.upper()} = {index}" in CONTRACT
    flags = {name: int(flag) for flag, name, _ in table("| flag |")}
    for name, flag in flags.items():
        macro = name.upper().replace(" ", "_")
        assert f"#define NEST_FLAG_{macro} {flag}\n" in HEADER
        assert getattr(header_module, macro) == flag
    assert len(flags) == HEADER.count("#define NEST_FLAG_")
    kinds = [(f"NESTED_{op.upper()}", str(i)) for i, op in enumerate(OPS, 1)]
    assert table("| custom code | op kind |") == [list(kind) for kind in kinds]


def test_which_flags_an_encoding_has() -> None:
    for flag, _, encodings in table("| flag |"):
        for encoding in ENCODINGS:
            op = format_examples.numbered_op((4, 4))
            if encoding == "dense":
                op.level_of = None
            blob = bytearray(pack(op, encoding))
            blob[12] |= int(flag)
            if encoding == "dense" and int(flag) == header_module.WIDTHS:
                blob[11] = 2  # bytes a count: widths have some
            if encoding == "dense" and int(flag) == header_module.BITS:
                blob[19] = 1  # levels of 4 bits
            try:
                Header.parse(bytes(blob))
                allowed = True
            except FormatError as error:
                assert "valid flags" in str(error)
                allowed = False
            assert allowed == bool(re.search(rf"\b{encoding}\b", encodings))


def test_limits() -> None:
    macros = dict(re.findall(r"#define NEST_MAX_(\w+) (.+?)(?: /\*.*)?\n", HEADER))
    limits = [
        *("DIM", "WEIGHTS", "TENSOR", "LEVELS"),
        *("BLOCK_ROWS", "BLOCK_COLS", "BAND"),
    ]
    assert sorted(limits) == sorted(macros)
    said = ", ".join(value for _, value in table("| limit | |")).split(", ")
    found = []
    for limit in limits:
        shifted = re.match(r"\(1 << (\d+)\)", macros[limit])
        found.append(f"2^{shifted[1]}" if shifted else macros[limit])
    assert said == found
    assert f"version {VERSION}" in PAGE.splitlines()[0]
    assert f"#define NEST_FORMAT_VERSION {VERSION}\n" in HEADER


VECTOR = Geometry("fully_connected", 1, 1, 16, 1, 1, 4)


@pytest.mark.parametrize(
    ("encoding", "heading"),
    [("offsets", "| block | record | bytes |"), ("vectors", "| block | n | bytes |")],
)
def test_records(encoding: str, heading: str) -> None:
    said = {}
    for block, entries, size in table(heading):
        rows, cols = (int(side) for side in block.split("x"))
        said[rows, cols] = int(size)
        assert record_dtype(encoding, rows, cols).itemsize == int(size)
        if encoding == "vectors":
            assert record_entries(encoding, cols) == int(entries)
    vector = set(allowed_blocks(VECTOR, encoding))
    other = set(allowed_blocks(format_examples.strided(), encoding))
    assert vector | other == set(said)
    assert {block for block in vector - other} == {b for b in said if b[0] == 4}
    assert other - vector == ({(1, 1)} if encoding == "offsets" else set())


def test_where_offsets_lead() -> None:
    rows = table("| encoding | block | `in_c` | plane | row |")
    assert len(rows) == 4
    for encoding, block, in_c, *numbers in rows:
        g, cols = format_examples.strided(int(in_c)), int(block[2:])
        layout = layout_of(g, encoding, cols)
        offsets = offsets_of(g, encoding, cols).reshape(3, 3, -1)
        places = (0, 1, 0), (0, 2, 0), (1, 0, 0), (2, 2, 16 // cols)
        found = [layout.plane_bytes, layout.row_bytes, *(offsets[at] for at in places)]
        assert [int(number) for number in numbers] == found


def test_the_whole_blob() -> None:
    op = format_examples.first_op()
    blob = pack(op, "blocks")
    shown = format_examples.dump(blob)
    assert f"```text\n{shown}```\n" in EXAMPLES, shown
    read = unpack(blob)
    for level in range(op.levels):
        np.testing.assert_array_equal(
            read.weights * read.mask(level), op.weights * op.mask(level)
        )
    # The words beside it: each row begins with bytes that are there.
    told = re.findall(r"^\| ([0-9a-f]{2}) \| (`[^|]*) \|", EXAMPLES, re.MULTILINE)
    assert len(told) > 12
    for at, quoted in told:
        told_bytes = re.findall(r"\b[0-9a-f]{2}\b|\.\.", quoted.replace("...", ""))
        start = int(at, 16)
        width = 4 if ".." in told_bytes else 1
        known = [b for b in told_bytes if b != ".."]
        found = [f"{blob[start + width * i]:02x}" for i in range(len(known))]
        assert known == found, at


def test_the_other_examples() -> None:
    assert format_examples.numbered() in EXAMPLES, format_examples.numbered()
    assert format_examples.single() in EXAMPLES, format_examples.single()
    assert format_examples.widths() in EXAMPLES, format_examples.widths()
    assert format_examples.bits() in EXAMPLES, format_examples.bits()
