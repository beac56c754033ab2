"""unpack gives back what pack was given, at every level, in every encoding."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_nest.format import (
    ENCODINGS,
    NEVER,
    FormatError,
    Geometry,
    NestedOp,
    candidates,
    encoding_of,
    pack,
    section_sizes,
    unpack,
)
from keras_nest.format.header import Header
from tests.kernels.random_ops import (
    BLOCKS,
    random_op,
    random_tables,
    random_vector_op,
)

FIELDS = (
    "geometry",
    "levels",
    "input_zero_point",
    "output_zero_point",
    "act_min",
    "act_max",
)
TABLES = ("multiplier", "shift", "bias")


def assert_same(read: NestedOp, op: NestedOp) -> None:
    """Equal but for what computes nothing: the level of all-zero blocks."""
    for name in FIELDS:
        assert getattr(read, name) == getattr(op, name), name
    for name in TABLES:
        np.testing.assert_array_equal(getattr(read, name), getattr(op, name))
    for level in range(op.levels):
        np.testing.assert_array_equal(
            read.weights * read.mask(level), op.weights * op.mask(level)
        )


def grid_op(
    seed: int,
    block: tuple[int, int],
    out_c: int,
    blocks: int,
    balanced: bool,
    levels: int = 3,
    shares: tuple[float, ...] | None = None,
) -> NestedOp:
    rng = np.random.default_rng(seed)
    rows, cols = block
    geometry = Geometry("fully_connected", 1, 1, blocks * cols, 1, 1, out_c)
    groups = -(-out_c // rows)
    values = np.array([*range(levels), NEVER], np.uint8)
    grid = rng.choice(values, (1 if balanced else groups, blocks), p=shares)
    grid = rng.permuted(np.repeat(grid, groups // len(grid), 0), axis=1)
    level_of = np.repeat(np.repeat(grid, rows, 0)[:out_c], cols, 1)
    return random_tables(rng, geometry, levels, level_of, block)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), make=st.sampled_from((random_op, random_vector_op)))
def test_every_way_to_pack_an_op(
    seed: int, make: Callable[[np.random.Generator], NestedOp]
) -> None:
    op = make(np.random.default_rng(seed))
    kinds = set()
    for found in candidates(op):
        kind = (found.encoding, found.dense_top, found.folded)
        kinds.add(kind)
        header = Header.parse(found.blob)
        assert (header.encoding, header.dense_top, header.folded) == kind
        read = unpack(found.blob)
        assert_same(read, op)
        again = pack(
            read, found.encoding, dense_top=found.dense_top, folded=found.folded
        )
        assert again == found.blob
    masked = op.level_of is not None
    assert masked == (("blocks", False, False) in kinds)
    assert (("offsets", True, False) in kinds) <= (op.levels > 1)
    assert (("dense", False, True) in kinds) == (("dense", False, False) in kinds)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), encoding=st.sampled_from(("auto", *ENCODINGS)))
def test_any_op(seed: int, encoding: str) -> None:
    op = random_op(np.random.default_rng(seed))
    try:
        blob = pack(op, encoding)
    except FormatError as error:
        assert encoding != "auto" and "can hold" in str(error)
        return
    assert_same(unpack(blob), op)
    assert pack(op, encoding) == blob
    # What was read can be packed again, to the same bytes.
    read = unpack(blob)
    assert pack(read, encoding_of(blob)) == blob


@pytest.mark.parametrize(
    ("block", "balanced", "encoding", "odd"),
    list(itertools.product(BLOCKS, (True, False), ("blocks", "lists"), (True, False))),
)
def test_every_encoding_and_block(
    block: tuple[int, int], balanced: bool, encoding: str, odd: bool
) -> None:
    op = grid_op(3, block, 13 if odd else 12, 30, balanced)
    # Weights away from zero, so that no block of a balanced op drops out.
    assert op.level_of is not None
    op.weights[(op.weights == 0) & (op.level_of != NEVER)] = 1
    blob = pack(op, encoding)
    assert encoding_of(blob) == encoding
    assert_same(unpack(blob), op)
    assert Header.parse(blob).balanced == balanced
    np.testing.assert_array_equal(unpack(blob).level_of, densest(op, encoding))


def densest(op: NestedOp, encoding: str) -> np.ndarray:
    """level_of as `encoding` keeps it: lists do not know unused blocks."""
    assert op.level_of is not None
    if encoding == "blocks":
        return op.level_of
    return np.minimum(op.level_of, op.levels - 1)


@pytest.mark.parametrize("gap", [254, 255, 256, 509, 510, 511, 766, 70_000])
@pytest.mark.parametrize("block", [(1, 1), (1, 2), (4, 4)])
def test_gaps_beyond_an_index(gap: int, block: tuple[int, int]) -> None:
    cols = block[1]
    op = grid_op(0, block, 5, gap + 2, True, 2, (0.0, 0.0, 1.0))
    assert op.level_of is not None
    for start, level in ((gap * cols, 0), (0, 1), ((gap + 1) * cols, 1)):
        op.level_of[:, start : start + cols] = level
        op.weights[:, start : start + cols] = 7
    blob = pack(op, "blocks")
    assert_same(unpack(blob), op)
    if gap < 1 << 16:
        lists = pack(op, "lists")
        assert_same(unpack(lists), op)
        assert Header.parse(lists).index_bytes == (1 if gap < 256 else 2)
    else:
        with pytest.raises(FormatError, match="can hold"):
            pack(op, "lists")


def test_escapes_and_fillers_cost_less_than_wide_indices() -> None:
    # One far block among many: an escape is cheaper than two bytes for each.
    op = grid_op(1, (1, 1), 4, 900, True, 1, (0.0, 1.0))
    assert op.level_of is not None
    op.level_of[:, :100] = op.level_of[0, 899] = 0
    op.weights[op.level_of == 0] = 5
    header = Header.parse(pack(op))
    assert (header.index_bytes, header.balanced) == (1, False)
    # Rows of nearly equal counts: fillers are cheaper than counts for each row.
    op = grid_op(1, (1, 1), 64, 16, True, 3)
    assert op.level_of is not None
    op.weights[op.level_of != NEVER] = 5
    row = np.flatnonzero(op.level_of[0] != NEVER)[0]
    op.level_of[0, row], op.weights[0, row] = NEVER, 0
    assert Header.parse(pack(op, "blocks")).balanced
    assert_same(unpack(pack(op, "blocks")), op)


@pytest.mark.parametrize("most", [255, 256, 65_535, 65_536])
def test_counts_take_the_bytes_they_need(most: int) -> None:
    op = grid_op(2, (1, 1), 2, 65_540, True, 1, (0.0, 1.0))
    assert op.level_of is not None
    op.level_of[0, :most] = 0
    op.weights[0, :most] = 1
    blob = pack(op, "blocks")
    assert_same(unpack(blob), op)
    width = 1 if most < 256 else 2 if most < 65_536 else 4
    assert Header.parse(blob).count_bytes == width


def test_equal_tables_are_stored_once() -> None:
    op = grid_op(5, (1, 1), 10, 20, False, 5)
    op.bias[:] = op.bias[0]
    op.multiplier[:] = op.multiplier[0]
    op.shift[:] = op.shift[0]
    op.bias[3] += 1
    header = Header.parse(pack(op))
    assert header.level_table == (0, 0, 0, 1, 0)
    assert section_sizes(pack(op))["tables"] == 9 * 2 * 10
    assert_same(unpack(pack(op)), op)


def test_all_weights_at_all_levels_is_dense() -> None:
    rng = np.random.default_rng(0)
    geometry = Geometry("conv_2d", 5, 5, 3, 5, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1)
    op = random_tables(rng, geometry, 3, None)
    assert encoding_of(pack(op)) == "dense"
    op.level_of = np.zeros_like(op.weights, np.uint8)
    assert encoding_of(pack(op)) == "dense"
    assert unpack(pack(op)).level_of is None


def test_sections_are_aligned_and_add_up() -> None:
    for seed in range(50):
        blob = pack(random_op(np.random.default_rng(seed)))
        assert all(offset % 4 == 0 for offset in Header.parse(blob).offsets)
        sizes = section_sizes(blob)
        assert sizes.pop("total") == sum(sizes.values()) == len(blob)
