"""Other bytes: an error that says so, or an op that is safe to run; Python and C
agree on which."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from keras_nest.format import ENCODINGS, FormatError, Geometry, NestedOp, pack, unpack
from keras_nest.format.header import HEADER_BYTES, Header
from keras_nest.runtime import core
from tests.kernels.random_ops import random_input, random_op, random_tables

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
    found = []
    for seed in range(count):
        for encoding in ENCODINGS:
            try:
                found.append(pack(small_op(seed, kind), encoding))
            except FormatError:
                continue  # not an encoding for this op
    return found


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
