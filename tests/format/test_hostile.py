"""Other bytes: an error that says so, or an op that is safe to run; Python and C
agree on which."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from keras_nest.format import (
    FormatError,
    Geometry,
    NestedOp,
    candidates,
    pack,
    unpack,
    variant_of,
)
from keras_nest.format.header import HEADER_BYTES, Header
from keras_nest.runtime import core
from tests.kernels import random_bits
from tests.kernels.random_ops import (
    random_input,
    random_op,
    random_tables,
    random_vector_op,
)
from tests.kernels.random_widths import random_widths_op

TWICE = "named twice"


def verdicts(blob: bytes) -> tuple[str | None, str | None]:
    """The errors of unpack and of nest_open, None where there is none."""
    errors: list[str | None] = []
    for check in (unpack, core.check):
        try:
            check(blob)
            errors.append(None)
        except FormatError as error:
            errors.append(str(error))
    return errors[0], errors[1]


def assert_agreed(blob: bytes) -> bool:
    """Whether the blob is valid, which both sides must say alike."""
    python, c = verdicts(blob)
    if python is not None and TWICE in python:
        assert c is None
        return False
    assert (python is None) == (c is None), (python, c)
    return python is None


def small_op(seed: int, kind: str) -> NestedOp:
    """A random op whose geometry is small enough to run after any change of it."""
    return random_op(np.random.default_rng(seed), kind)


def blobs(kind: str, count: int) -> list[bytes]:
    ops = [small_op(seed, kind) for seed in range(count)]
    if kind == "fully_connected":  # blocks over rows, which others split
        rng = np.random.default_rng(0)
        ops += [random_vector_op(rng) for _ in range(count)]
    ops += [random_widths_op(np.random.default_rng(n), kind) for n in range(count)]
    if kind in random_bits.KINDS:
        rngs = [np.random.default_rng(n) for n in range(count)]
        ops += [random_bits.random_bits_op(rng, kind) for rng in rngs]
    return [found.blob for op in ops for found in candidates(op)]


KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_header_bytes(kind: str) -> None:
    rng = np.random.default_rng(0)
    valid = 0
    for blob in blobs(kind, 4):
        for at in range(HEADER_BYTES):
            for value in {0, 1, 255, blob[at] ^ 1, int(rng.integers(256))}:
                changed = bytearray(blob)
                changed[at] = value
                valid += assert_agreed(bytes(changed))
    assert valid > 0  # zero points and bounds may be anything


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_behind_the_header(kind: str) -> None:
    rng = np.random.default_rng(1)
    for blob in blobs(kind, 8):
        for at in rng.integers(HEADER_BYTES, len(blob), 40):
            changed = bytearray(blob)
            changed[at] ^= 1 << int(rng.integers(8))
            if not assert_agreed(bytes(changed)):
                continue
            header = Header.parse(bytes(changed))
            x = random_input(rng, header.geometry)
            core.run(bytes(changed), x, header.levels - 1)


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_and_extended(kind: str) -> None:
    for blob in blobs(kind, 3):
        for size in [*range(0, len(blob), 7), len(blob) - 1]:
            assert not assert_agreed(blob[:size])
            if size >= HEADER_BYTES:  # also when the header agrees
                total = size.to_bytes(4, "little")
                assert not assert_agreed(blob[:20] + total + blob[24:size])
        assert not assert_agreed(blob + b"\0")


@pytest.mark.parametrize(
    ("field", "value"),
    [(24 + 4 * i, v) for i in range(6) for v in (0, 1 << 24, (1 << 31) - 1, 2**32 - 1)]
    + [(48 + 2 * i, v) for i in range(8) for v in (0, 0xFFFF)],
)
def test_dimensions_whose_products_overflow(field: int, value: int) -> None:
    for kind in KINDS:
        blob = bytearray(pack(small_op(2, kind)))
        width = 4 if field < 48 else 2
        blob[field : field + width] = value.to_bytes(width, "little")
        assert_agreed(bytes(blob))


def test_a_block_named_twice_adds_twice_in_the_kernel_and_is_refused_here() -> None:
    geometry = Geometry("fully_connected", 1, 1, 8, 1, 1, 1)
    level_of = np.zeros((1, 8), np.uint8)
    op = random_tables(np.random.default_rng(0), geometry, 1, level_of)
    op.weights[:] = 3
    blob = bytearray(pack(op, "blocks"))
    blob[Header.parse(bytes(blob)).offsets[2] + 4] = 0
    python, c = verdicts(bytes(blob))
    assert python is not None and TWICE in python and c is None


def test_a_small_blob_cannot_take_much_memory() -> None:
    geometry = Geometry("fully_connected", 1, 1, 8, 1, 1, 4)
    level_of = np.zeros((4, 8), np.uint8)
    blob = pack(
        random_tables(np.random.default_rng(0), geometry, 2, level_of), "blocks"
    )
    largest = blob[:32] + (1 << 22).to_bytes(4, "little") + blob[36:]
    tracemalloc.start()
    assert unpack(largest).weights.size == 1 << 24
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 16 MiB of weights, as much level_of, and a few temporaries of that size.
    assert peak < 160 << 20


def test_counts_that_run_past_the_end() -> None:
    for seed in range(40):
        op = small_op(seed, "fully_connected")
        if op.level_of is None:
            continue
        blob = bytearray(pack(op, "blocks"))
        blob[Header.parse(bytes(blob)).offsets[1]] = 255
        assert not assert_agreed(bytes(blob))


def test_a_delta_past_the_row_end() -> None:
    geometry = Geometry("fully_connected", 1, 1, 8, 1, 1, 2)
    level_of = np.zeros((2, 8), np.uint8)
    op = random_tables(np.random.default_rng(0), geometry, 2, level_of)
    op.weights[:] = 3
    blob = bytearray(pack(op, "blocks"))
    blob[Header.parse(bytes(blob)).offsets[2] + 7] = 2
    python, c = verdicts(bytes(blob))
    assert python is not None and "block 8" in python
    assert c is not None and "past the end of its row" in c


def vectors_op(block: tuple[int, int] = (1, 4), out_c: int = 4) -> NestedOp:
    """Two levels of four blocks a row group; half of them are in the sparser one."""
    geometry = Geometry("fully_connected", 1, 1, 4 * block[1], 1, 1, out_c)
    grid = np.array([[0, 1, 0, 1]] * (out_c // block[0]), np.uint8)
    level_of = np.repeat(np.repeat(grid, block[0], 0), block[1], 1)
    op = random_tables(np.random.default_rng(0), geometry, 2, level_of, block)
    op.weights[:] = np.arange(1, 1 + op.weights.size).reshape(op.weights.shape) % 100
    op.input_zero_point = -7
    return op


def both_refuse(blob: bytearray, message: str, c_message: str) -> None:
    python, c = verdicts(bytes(blob))
    assert python is not None and message in python, python
    assert c is not None and c_message in c, c


@pytest.mark.parametrize("block", [(1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16)])
@pytest.mark.parametrize("encoding", ["vectors", "offsets"])
def test_offsets_of_no_input(block: tuple[int, int], encoding: str) -> None:
    op = vectors_op(block)
    try:
        blob = pack(op, encoding)
    except FormatError:
        assert encoding == "offsets" and block[1] == 1
        return
    header = Header.parse(blob)
    cols = header.block[1]
    step = cols if encoding == "vectors" else 2 * cols
    for offset in (op.geometry.columns * step // cols, 65535, cols // 2 or 999):
        changed = bytearray(blob)
        at = header.offsets[3]
        changed[at : at + 2] = offset.to_bytes(2, "little")
        both_refuse(changed, "offsets of inputs", "past the end of its row")


@pytest.mark.parametrize("encoding", ["vectors", "offsets"])
def test_a_dense_top_with_other_weights(encoding: str) -> None:
    op = vectors_op()
    blob = pack(op, encoding, dense_top=True)
    assert variant_of(blob) == f"{encoding} + dense"
    # The first weight is in the sparser level, too.
    changed = bytearray(blob)
    changed[len(blob) - op.weights.size] ^= 1
    both_refuse(changed, "same weights at all levels", "do not add up")


def test_folded_biases_of_other_weights() -> None:
    op = vectors_op()
    dense = random_tables(np.random.default_rng(0), op.geometry, 3, None)
    depthwise = random_op(np.random.default_rng(3), "depthwise_conv_2d")
    for blob in (
        pack(op, "vectors"),
        pack(op, "vectors", dense_top=True),
        pack(dense, "dense", folded=True),
        pack(depthwise, "dense", folded=True),
    ):
        header = Header.parse(blob)
        size = 4 * header.folded_rows * header.geometry.out_c
        assert size > 0
        for at in range(header.offsets[2], header.offsets[2] + size):
            changed = bytearray(blob)
            changed[at] ^= 128
            both_refuse(changed, "folded biases", "do not add up")


def test_what_fills_up_a_record_is_zero() -> None:
    op = vectors_op((1, 2), 1)  # four entries in a record of eight
    blob = pack(op, "vectors")
    start = Header.parse(blob).offsets[3]
    assert len(blob) == start + 32
    for at in (*range(8, 16), *range(24, 32)):
        changed = bytearray(blob)
        changed[start + at] = 1
        both_refuse(changed, "zeros after the last entry", "do not add up")


@pytest.mark.parametrize("block", [(1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16)])
def test_a_dense_top_follows_the_records(block: tuple[int, int]) -> None:
    """Records are multiples of four bytes, so that its weights are words too."""
    op = vectors_op(block, 4)
    for found in (found for found in candidates(op) if found.dense_top):
        blob = found.blob
        records = len(blob) - Header.parse(blob).offsets[3] - op.weights.size
        assert records > 0
        assert records % 4 == 0
    assert any(found.dense_top for found in candidates(op))


@pytest.mark.parametrize(
    ("encoding", "flags"),
    [
        *(("dense", flag) for flag in (1, 2, 32, 128)),
        *((indexed, flag) for indexed in ("blocks", "lists") for flag in (2, 4, 8, 16)),
        *((placed, flag) for placed in ("offsets", "vectors") for flag in (4, 8, 16)),
    ],
)
def test_flags_of_other_encodings(encoding: str, flags: int) -> None:
    op = vectors_op()
    if encoding == "dense":
        op = random_tables(np.random.default_rng(0), op.geometry, 2, None)
    blob = bytearray(pack(op, encoding))
    blob[12] |= flags
    both_refuse(blob, "valid flags", "packed field")


def test_a_dense_top_of_one_level() -> None:
    op = vectors_op()
    op.levels, op.level_of = 1, np.zeros_like(op.weights, np.uint8)
    op.multiplier, op.shift, op.bias = op.multiplier[:1], op.shift[:1], op.bias[:1]
    blob = bytearray(pack(op, "vectors"))
    blob[12] |= 2
    both_refuse(blob, "valid flags", "packed field")
    with pytest.raises(FormatError, match="can hold"):
        pack(op, "vectors", dense_top=True)
