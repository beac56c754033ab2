"""Masks: nested, as sparse as asked, blocks kept whole, ties broken the same way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_nest import masks
from keras_nest.errors import NestError
from keras_nest.masks import NEVER, Pattern

NAMES = ["element", "1x2", "1x4", "1x16", "4x4", "4x16"]
SPARSITIES = (0.9, 0.7, 0.2)


def scores(rows: int, columns: int, seed: int = 0) -> masks.Array:
    return np.abs(np.random.default_rng(seed).normal(size=(rows, columns)))


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_name_reads_back(name: str) -> None:
    for balanced, suffix in ((False, ""), (True, "-balanced")):
        pattern = Pattern.parse(name + suffix)
        assert str(pattern) == name + suffix
        assert Pattern.parse(pattern) == pattern
        assert Pattern.parse(name, balanced=balanced) == pattern


def test_an_unknown_pattern_is_refused() -> None:
    with pytest.raises(NestError, match=r"Expected a pattern out of.*'2x2'"):
        Pattern.parse("2x2")
    with pytest.raises(NestError, match=r"Expected a block shape.*\(2, 2\)"):
        Pattern(2, 2)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [16, 13])
def test_level_of(name: str, balanced: bool, rows: int) -> None:
    pattern = Pattern.parse(name, balanced)
    columns = 320
    level_of = masks.level_of(scores(rows, columns), SPARSITIES, pattern)
    assert level_of.dtype == np.uint8 and level_of.shape == (rows, columns)
    # constant within each block, the partial last row group included
    first = np.arange(rows) // pattern.rows * pattern.rows
    corners = level_of[first][:, :: pattern.cols].repeat(pattern.cols, axis=1)
    np.testing.assert_array_equal(level_of, corners)
    groups = -(-rows // pattern.rows)
    blocks = level_of[:: pattern.rows, :: pattern.cols]
    for level, sparsity in enumerate(SPARSITIES):
        kept = blocks <= level
        if balanced:
            exact = (1 - sparsity) * kept.shape[1]
            counts = kept.sum(axis=1)
            assert len(set(counts)) == 1
        else:
            exact, counts = (1 - sparsity) * groups * kept.shape[1], [kept.sum()]
        # rounded to the nearest number of blocks
        assert all(abs(count - exact) <= 0.5 for count in counts)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.booleans(),
    st.integers(1, 21),
    st.integers(1, 6),
    st.lists(st.floats(0, 0.99), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_kept_blocks_score_no_less_than_dropped_ones(
    name: str,
    balanced: bool,
    rows: int,
    blocks: int,
    sparsities: list[float],
    seed: int,
) -> None:
    pattern = Pattern.parse(name, balanced)
    values = scores(rows, blocks * pattern.cols, seed)
    sparsities = sorted(sparsities, reverse=True)
    level_of = masks.level_of(values, sparsities, pattern)
    assert set(np.unique(level_of)) <= {*range(len(sparsities)), NEVER}
    for group in range(-(-rows // pattern.rows)) if balanced else [None]:
        part = slice(None)
        if group is not None:
            part = slice(group * pattern.rows, (group + 1) * pattern.rows)
        mean_squares = block_means(values[part], pattern).ravel()
        levels = level_of[part][:: pattern.rows, :: pattern.cols].ravel()
        order = np.argsort(levels, kind="stable")
        assert np.all(np.diff(levels[order]) >= 0)
        for level in range(len(sparsities)):
            inside, outside = levels <= level, levels > level
            if inside.any() and outside.any():
                assert mean_squares[inside].min() >= mean_squares[outside].max()


def block_means(values: masks.Array, pattern: Pattern) -> masks.Array:
    """Mean squares of the blocks, written the slow way."""
    rows, columns = values.shape
    return np.array(
        [
            [
                np.mean(values[r : r + pattern.rows, c : c + pattern.cols] ** 2)
                for c in range(0, columns, pattern.cols)
            ]
            for r in range(0, rows, pattern.rows)
        ]
    )


def test_ties_go_to_the_first_block() -> None:
    level_of = masks.level_of(np.ones((2, 4)), (0.75, 0.5, 0.0), Pattern())
    np.testing.assert_array_equal(level_of, [[0, 0, 1, 1], [2, 2, 2, 2]])


@pytest.mark.parametrize("name", ["element", "1x4", "4x4-balanced"])
def test_what_is_held_goes_before_what_scores_more(name: str) -> None:
    pattern = Pattern.parse(name)
    held = masks.level_of(scores(16, 64), (0.5, 0.25), pattern)
    # Other scores: without `held` the masks would be others.
    other = scores(16, 64, seed=1)
    level_of = masks.level_of(other, (0.75, 0.5), pattern, held)
    for level in range(2):
        assert not np.any((level_of <= level) & (held > level))
    assert np.mean(level_of == 0) == pytest.approx(0.25, abs=0.01)
    # Among what level 0 holds, the scores decide.
    groups = range(0, 16, pattern.rows) if pattern.balanced else [None]
    for row in groups:
        part = slice(row, None if row is None else row + pattern.rows)
        means = block_means(other[part], pattern)
        kept, lost = (
            (values[part][:: pattern.rows, :: pattern.cols] == 0)
            for values in (level_of, held)
        )
        assert means[kept].min() >= means[lost & ~kept].max()


def test_equal_sparsities_share_a_level() -> None:
    level_of = masks.level_of(scores(4, 10), (0.5, 0.5), Pattern())
    assert set(np.unique(level_of)) == {0, NEVER}


def test_columns_must_fit_the_block() -> None:
    with pytest.raises(NestError, match=r"multiple of 4 columns.*\(2, 6\)"):
        masks.level_of(np.ones((2, 6)), (0.5,), Pattern.parse("1x4"))


@pytest.mark.parametrize("shape", [(3, 3, 4, 5), (7, 4, 5), (6, 5)])
def test_kernels_become_rows_and_back(shape: tuple[int, ...]) -> None:
    kernel = np.arange(np.prod(shape)).reshape(shape)
    rows = masks.rows_of_kernel(kernel)
    assert rows.shape == (shape[-1], np.prod(shape[:-1]))
    # Row o, column (ky * kw + kx) * channels + c, as the kernels read their input.
    last = tuple(size - 1 for size in shape[:-1])
    assert rows[2, -1] == kernel[(*last, 2)]
    np.testing.assert_array_equal(masks.kernel_of_rows(rows, shape), kernel)


@pytest.mark.parametrize(
    ("asked", "rows", "columns", "channels", "fits"),
    [
        ("1x16", 8, 144, 16, "1x16"),
        ("1x16", 8, 72, 8, "1x4"),  # channels are no multiple of 16
        ("1x2", 8, 27, 3, "element"),
        ("4x16", 8, 72, 8, "4x4"),
        ("4x4", 8, 54, 6, "1x2"),
        ("1x16-balanced", 8, 16, 16, "1x2-balanced"),  # one block a row keeps none
        ("1x16", 8, 16, 16, "1x16"),  # eight blocks: the levels keep 1, 2 and 8
        ("1x16", 4, 16, 16, "1x4"),  # four blocks: the sparsest would keep none
        ("4x4", 4, 16, 4, "1x4"),
        ("element", 1, 3, 1, "element"),
    ],
)
def test_a_pattern_falls_to_one_that_fits(
    asked: str, rows: int, columns: int, channels: int, fits: str
) -> None:
    pattern = Pattern.parse(asked).fitting(rows, columns, channels, (0.9, 0.7, 0.0))
    assert str(pattern) == fits


@pytest.mark.parametrize(
    ("sparsities", "message"),
    [
        ((), "Expected 1 to 32 sparsities.*Received: 0"),
        ([0.5 - i / 100 for i in range(33)], "Expected 1 to 32 sparsities.*33"),
        ((1.0, 0.5), r"at least 0 and below 1.*\(1.0, 0.5\)"),
        ((0.5, -0.1), "at least 0 and below 1"),
        ((float("nan"),), "at least 0 and below 1"),
        ((0.5, 0.7), r"fall from level to level.*\(0.5, 0.7\)"),
        ((0.5, 0.5), "fall from level to level"),
        ("dense", "sequence of numbers.*'dense'"),
        (0.9, "sequence of numbers"),
    ],
)
def test_bad_sparsities_are_refused(sparsities: object, message: str) -> None:
    with pytest.raises(NestError, match=message):
        masks.check_sparsities(sparsities)  # type: ignore[arg-type]


def test_layers_may_repeat_a_sparsity() -> None:
    assert masks.check_sparsities((0.5, 0.5), strict=False) == [0.5, 0.5]
    with pytest.raises(NestError, match="fall from level to level"):
        masks.check_sparsities((0.4, 0.5), strict=False)


def test_achieved_sparsities() -> None:
    level_of = np.array([[0, 1], [2, NEVER]], np.uint8)
    assert masks.achieved_sparsities(level_of, 3) == (0.75, 0.5, 0.25)


@pytest.mark.parametrize(
    ("name", "rows", "cols"),
    [
        ("element", 1, 1),
        ("1x2", 1, 2),
        ("1x4", 1, 4),
        ("1x16", 1, 16),
        ("4x4", 4, 4),
        ("4x16", 4, 16),
    ],
)
def test_a_name_means_rows_and_columns(name: str, rows: int, cols: int) -> None:
    assert Pattern.parse(name) == Pattern(rows, cols, balanced=False)
    # A Pattern is itself, unless balance is asked for.
    assert Pattern.parse(Pattern(rows, cols, True), balanced=False).balanced is False


def test_each_pattern_has_its_next_narrower_one() -> None:
    chain = {name: str(Pattern.parse(name).narrower()) for name in NAMES}
    assert chain == {
        "4x16": "4x4",
        "4x4": "1x4",
        "1x16": "1x4",
        "1x4": "1x2",
        "1x2": "element",
        "element": "None",
    }


@pytest.mark.parametrize(
    ("sparsities", "message"),
    [
        ({}, "name at least one layer"),
        ({"a": (0.5, 0.2), "b": (0.5,)}, r"layers with \[1, 2\] of them"),
        ({"a": (0.5, 0.7)}, "Layer 'a': Expected the sparsities to fall"),
        (
            {"a": (0.9, 0.5, 0.5, 0.1), "b": (0.9, 0.6, 0.6, 0.6)},
            "Expected levels 1 and 2 to differ in a layer",
        ),
    ],
)
def test_bad_sparsities_of_layers(
    sparsities: dict[str, tuple[float, ...]], message: str
) -> None:
    with pytest.raises(NestError, match=message):
        masks.check_layer_sparsities(sparsities)


def test_layers_may_repeat_what_another_layer_changes() -> None:
    sparsities = {"a": [0.9, 0.9, 0.5], "b": [0.8, 0.6, 0.6]}
    checked = masks.check_layer_sparsities(sparsities)
    assert checked == {"a": (0.9, 0.9, 0.5), "b": (0.8, 0.6, 0.6)}


def test_kept_counts_are_the_nearest() -> None:
    # 1.49 of 10, 1.5, 2.5 and 9.5: halves go up.
    assert masks.kept_counts(10, (0.851, 0.85, 0.75, 0.05, 0.0)) == [1, 2, 3, 10, 10]


@pytest.mark.parametrize("rows", [8, 9, 10, 11])
def test_a_last_group_of_fewer_rows_has_the_mean_of_those_it_has(rows: int) -> None:
    values = scores(rows, 8)
    pattern = Pattern(4, 4)
    np.testing.assert_allclose(
        masks.block_scores(values, pattern), block_means(values, pattern)
    )
