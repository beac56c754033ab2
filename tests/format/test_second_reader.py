"""A reader that was written from docs/format.md alone reads what this package packs.

Where the two disagree, the page or the package is wrong.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import convert
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import (
    ENCODINGS,
    OPS,
    FormatError,
    NestedOp,
    candidates,
    unpack,
    variant_of,
)
from keras_nest.format.header import HEADER_BYTES, Header
from tests.converter.nets import inputs_for, nested_random_net, random_net
from tests.format import second_reader
from tests.kernels.random_bits import random_bits_op
from tests.kernels.random_ops import BLOCKS, random_op, random_vector_op
from tests.kernels.random_widths import random_widths_op
from tests.runtime import one_op, random_ops

FOLDED = 4  # the flag


def test_it_knows_nothing_of_the_package() -> None:
    tree = ast.parse(Path(second_reader.__file__).read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").partition(".")[0])
    assert names <= {"__future__", "ai_edge_litert", "dataclasses", "numpy", "struct"}


def assert_same(read: second_reader.Op, blob: bytes) -> NestedOp:
    op, header = unpack(blob), Header.parse(blob)
    known: dict[str, Any] = {**vars(header), **vars(header.geometry)}
    known |= {"op": OPS.index(op.geometry.op) + 1, "version": 1, "flags": blob[12]}
    known |= {"encoding": ENCODINGS.index(header.encoding)}
    known |= zip(("block_rows", "block_cols"), header.block, strict=True)
    known |= {"segments": blob[18], "four_bit_levels": blob[19]}
    known |= {"sets": int.from_bytes(blob[112:116], "little")}
    names = ("tables", "counts", "indices", "values")
    known |= zip((f"{name}_offset" for name in names), header.offsets, strict=True)
    assert len(read.fields) > 30
    assert {name: known[name] for name in read.fields} == read.fields
    assert len(read.levels) == op.levels
    for number, level in enumerate(read.levels):
        for array, expected in (
            (level.weights, op.at(number)),
            (level.bias, op.bias[number]),
            (level.multiplier, op.multiplier[number]),
            (level.shift, op.shift[number]),
        ):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)
    return op


def makers() -> list[Callable[[np.random.Generator], NestedOp]]:
    """What makes random ops: sparse ones, bits, and widths of each kind."""
    of_kinds = [functools.partial(random_widths_op, kind=kind) for kind in OPS]
    return [random_op, random_vector_op, random_bits_op, *of_kinds]


def test_every_kind_pattern_and_encoding() -> None:
    seen = set()
    for seed in range(40):
        for make in makers():
            op = make(np.random.default_rng(seed))
            block = op.block if op.level_of is not None else (1, 1)
            for found in candidates(op):
                assert_same(second_reader.read_op(found.blob), found.blob)
                seen.add((op.geometry.op, block, variant_of(found.blob)))
    kinds = {kind for kind, _, _ in seen}
    assert kinds == set(OPS)
    for encoding in ("blocks", "lists"):
        blocks = {block for _, block, variant in seen if variant == encoding}
        assert blocks == set(BLOCKS)
    variants = {variant for _, _, variant in seen}
    placed = {
        name for one in ("offsets", "vectors") for name in (one, f"{one} + dense")
    }
    assert variants == {
        *("dense", "folded dense", "dense widths", "folded dense widths"),
        *("dense bits", "folded dense bits"),
        *("blocks", "lists", *placed),
    }


def test_files_of_one_op() -> None:
    for seed in range(20):
        case = random_ops.random_case(np.random.default_rng(seed))
        blob = case.packed()
        for entry in (None, (2, 3)):
            tflite = one_op.nested_model(case, blob, entry=entry)
            (read,) = second_reader.read_file(tflite)
            assert read.custom_code == one_op.NESTED[case.op.geometry.op]
            assert read.entry == (entry and entry[0])
            assert_same(read.op, blob)


@pytest.mark.parametrize(
    ("pattern", "target"), [("1x4-balanced", "cortex-m4"), ("4x4", "cortex-m55")]
)
def test_converted_nets(pattern: str, target: str) -> None:
    model = nested_random_net(4, pattern)
    x = inputs_for(random_net(4), 20)
    tflite = convert(model, x, target=target, per_layer_level=True)
    known = nested_operators(flatbuffer.load(tflite))
    found = second_reader.read_file(tflite)
    assert len(found) == len(known) > 3
    for read, nested in zip(found, known, strict=True):
        assert read.entry == nested.entry
        assert_same(read.op, nested.blob)


def refused_by(blob: bytes) -> tuple[bool, bool]:
    """Whether the second reader and unpack refuse a blob."""
    verdicts = []
    for read, error in (
        (second_reader.read_op, second_reader.RefusedError),
        (unpack, FormatError),
    ):
        try:
            read(blob)
            verdicts.append(False)
        except error:
            verdicts.append(True)
    return verdicts[0], verdicts[1]


def small_blobs() -> list[bytes]:
    """One for each kind and variant."""
    found: dict[tuple[str, str], bytes] = {}
    for seed in range(20):
        for make in makers():
            for one in candidates(make(np.random.default_rng(seed))):
                blob = one.blob
                key = (Header.parse(blob).geometry.op, variant_of(blob))
                if len(blob) < len(found.get(key, bytes(1000))):
                    found[key] = blob
    assert len(found) > 12
    return list(found.values())


def test_it_refuses_what_the_package_refuses() -> None:
    rng = np.random.default_rng(0)
    refused = taken = 0
    for blob in small_blobs():
        changes = [(at, blob[at] ^ 1) for at in range(HEADER_BYTES)]
        changes += [(at, int(rng.choice((0, 255)))) for at in range(80)]
        for at in rng.integers(HEADER_BYTES, len(blob), 40).tolist():
            changes.append((at, blob[at] ^ (1 << int(rng.integers(8)))))
        for at, value in changes:
            changed = bytearray(blob)
            changed[at] = value
            second, first = refused_by(bytes(changed))
            assert second == first, (at, value, variant_of(blob))
            refused += first
            taken += not first
        for size in range(0, len(blob), 23):
            total = size.to_bytes(4, "little")
            for short in (blob[:size], blob[:20] + total + blob[24:size]):
                assert refused_by(short) == (True, True)
        assert refused_by(blob + b"\0") == (True, True)
    assert refused > 1000
    assert taken > 300


def test_equal_tables_are_taken() -> None:
    """Writers share them; nothing refuses a blob that does not."""
    blob = next(
        found.blob
        for seed in range(40)
        for found in candidates(random_op(np.random.default_rng(seed)))
        if Header.parse(found.blob).tables > 1 and not found.blob[12] & FOLDED
    )
    header = Header.parse(blob)
    channels, changed = header.geometry.out_c, bytearray(blob)
    at = header.offsets[0]
    for width in (4, 4, 1):  # multipliers, biases, shifts
        size = width * channels
        changed[at + size : at + 2 * size] = changed[at : at + size]
        at += header.tables * size
    assert bytes(changed) != blob
    assert refused_by(bytes(changed)) == (False, False)
