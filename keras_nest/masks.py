"""From scores to masks: which weights each level keeps (numpy only).

The nesting itself is one uint8 array, `level_of`: the lowest level at which a weight is
active, 255 for never. The mask of level l is `level_of <= l`, so that the masks of
different levels are nested by construction.

Kernels are ranked as rows: one row per output channel, columns ordered ky, kx, input
channel, the order in which an NHWC kernel reads its input.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.levels import one_for_each

Array = np.ndarray[Any, Any]

NEVER = 255
"""`level_of` of a weight that no level keeps."""

_SHAPES = {
    "element": (1, 1),
    "1x2": (1, 2),
    "1x4": (1, 4),
    "1x16": (1, 16),
    "4x4": (4, 4),
    "4x16": (4, 16),
}
PATTERNS = tuple(_SHAPES)
"""The names of all patterns, narrow ones first."""

_NAMES = {shape: name for name, shape in _SHAPES.items()}
_NARROWER = {
    "4x16": "4x4",
    "4x4": "1x4",
    "1x16": "1x4",
    "1x4": "1x2",
    "1x2": "element",
}
_BALANCED = "-balanced"


@dataclasses.dataclass(frozen=True)
class Pattern:
    """What is kept or left out together: a block of output rows x input columns.

    Args:
        rows: Output channels of a block (1 or 4).
        cols: Neighbouring input channels of a block (1, 2, 4 or 16).
        balanced: Whether every row (every group of `rows` rows) keeps the same number
            of blocks. Otherwise the blocks of the whole layer are ranked together.
    """

    rows: int = 1
    cols: int = 1
    balanced: bool = False

    def __post_init__(self) -> None:
        if (self.rows, self.cols) not in _NAMES:
            raise NestError(
                f"Expected a block shape out of {sorted(_NAMES)}. "
                f"Received: {(self.rows, self.cols)}"
            )

    def __str__(self) -> str:
        name = _NAMES[self.rows, self.cols]
        return name + _BALANCED if self.balanced else name

    @classmethod
    def parse(cls, name: str | Pattern, balanced: bool | None = None) -> Pattern:
        """Reads a pattern's name.

        Args:
            name: "element", "1x2", "1x4", "1x16", "4x4" or "4x16" (output rows x input
                columns), each maybe with "-balanced" behind it; or a `Pattern`.
            balanced: Overrides what the name says.

        Raises:
            NestError: If there is no such pattern.
        """
        if isinstance(name, Pattern):
            pattern = name
        else:
            stem = str(name).removesuffix(_BALANCED)
            if stem not in _SHAPES:
                raise NestError(
                    f"Expected a pattern out of {sorted(_SHAPES)}, each maybe followed "
                    f"by '{_BALANCED}'. Received: pattern={name!r}",
                    hint="The words mean output rows x input channels of a block.",
                )
            pattern = cls(*_SHAPES[stem], balanced=str(name).endswith(_BALANCED))
        if balanced is None:
            return pattern
        return dataclasses.replace(pattern, balanced=balanced)

    def narrower(self) -> Pattern | None:
        """The next narrower pattern, None for single weights."""
        name = _NARROWER.get(_NAMES[self.rows, self.cols])
        return None if name is None else Pattern.parse(name, self.balanced)

    def units(self, rows: int, columns: int) -> tuple[int, int]:
        """How many rankings a layer has, and how many blocks are in each of them."""
        groups, blocks = -(-rows // self.rows), columns // self.cols
        return (groups, blocks) if self.balanced else (1, groups * blocks)

    def fitting(
        self,
        rows: int,
        columns: int,
        input_channels: int,
        sparsities: Sequence[float],
    ) -> Pattern:
        """This pattern, or the widest narrower one that the layer can take.

        A layer can take a pattern if its input channels are a multiple of the block's
        columns and if each ranking has blocks enough for the sparsest level to keep
        one and for different sparsities to keep different numbers of them.
        """
        pattern = self
        while (narrower := pattern.narrower()) is not None:
            counts = kept_counts(pattern.units(rows, columns)[1], sparsities)
            distinct = len(set(counts)) == len(set(sparsities))
            if input_channels % pattern.cols == 0 and distinct and counts[0] > 0:
                break
            pattern = narrower
        return pattern


def check_sparsities(sparsities: Sequence[float], strict: bool = True) -> list[float]:
    """Checks the sparsities of the levels, sparsest first.

    Args:
        sparsities: Share of the weights that each level leaves out, each in [0, 1).
        strict: Whether they must fall from level to level; otherwise they may repeat.

    Returns:
        The sparsities as floats.

    Raises:
        NestError: If there are none or too many, or if one is out of range or order.
    """
    hint = "Level 0 is the sparsest: write for example sparsities=(0.9, 0.7, 0.0)."
    values = list(one_for_each("sparsities", sparsities, hint))
    if not all(0 <= value < 1 for value in values):
        raise NestError(
            "Expected every sparsity to be at least 0 and below 1. "
            f"Received: sparsities={tuple(values)}",
            hint=hint,
        )
    for sparser, denser in itertools.pairwise(values):
        if sparser < denser or (strict and sparser == denser):
            raise NestError(
                "Expected the sparsities to fall from level to level. "
                f"Received: sparsities={tuple(values)}",
                hint=hint,
            )
    return values


def check_layer_sparsities(
    sparsities: Mapping[str, Sequence[float]],
) -> dict[str, tuple[float, ...]]:
    """Checks the sparsities of the levels of each layer, sparsest level first.

    Args:
        sparsities: Layer name -> sparsity at each level, not rising; may repeat.

    Raises:
        NestError: If there are none, one is out of range or order, layers differ in
            their numbers of levels, or two levels are the same in every layer.
    """
    if not sparsities:
        raise NestError(
            "Expected `sparsities` to name at least one layer. Received: {}",
            hint="A plan that keeps every layer dense has no levels.",
        )
    checked: dict[str, tuple[float, ...]] = {}
    for name, values in sparsities.items():
        try:
            checked[name] = tuple(check_sparsities(values, strict=False))
        except NestError as error:
            raise NestError(f"Layer {name!r}: {error.message}", error.hint) from None
    counts = {len(values) for values in checked.values()}
    if len(counts) > 1:
        raise NestError(
            "Expected every layer to have as many sparsities as there are levels. "
            f"Received: layers with {sorted(counts)} of them"
        )
    of_levels = list(zip(*checked.values(), strict=True))
    for level, (sparser, denser) in enumerate(itertools.pairwise(of_levels)):
        if sparser == denser:
            raise NestError(
                f"Expected levels {level} and {level + 1} to differ in a layer. "
                "Received: the same sparsities in all layers"
            )
    return checked


def kept_counts(blocks: int, sparsities: Sequence[float]) -> list[int]:
    """How many of `blocks` blocks each level keeps, rounded to the nearest."""
    return [int(np.floor((1 - value) * blocks + 0.5)) for value in sparsities]


def rows_of_kernel(kernel: Array) -> Array:
    """The kernel as rows.

    Args:
        kernel: [kh, kw, I, O] (Conv2D), [k, I, O] (Conv1D) or [I, O] (Dense).

    Returns:
        [O, kh * kw * I], columns ordered ky, kx, input channel.
    """
    return np.ascontiguousarray(kernel.reshape(-1, kernel.shape[-1]).T)


def kernel_of_rows(rows: Array, shape: Sequence[int]) -> Array:
    """The inverse of `rows_of_kernel` for a kernel of this shape."""
    return np.ascontiguousarray(rows.T).reshape(tuple(shape))


def level_of(
    scores: Array,
    sparsities: Sequence[float],
    pattern: Pattern,
    held: Array | None = None,
) -> Array:
    """Ranks the weights of a layer, once for all levels.

    A block's score is the mean square of its weights' scores (Yu et al., "Scalpel",
    ISCA 2017, rank blocks by their root mean square). Ties go to the block that comes
    first, so that the same scores always give the same masks.

    Args:
        scores: [rows, columns] importance of each weight, for example its magnitude.
        sparsities: Sparsity of each level, not rising; may repeat.
        pattern: Block shape; `columns` must be a multiple of its columns. A last group
            of fewer than `pattern.rows` rows counts as whole blocks.
        held: `level_of` so far, uint8 [rows, columns], constant within each block.
            A block that a sparser level holds then goes before one that only a denser
            level holds, whatever their scores: as sparsities rise, levels lose blocks
            and gain none.

    Returns:
        uint8 [rows, columns]: the lowest level that keeps the weight, 255 for none.
    """
    rows, columns = scores.shape
    if columns % pattern.cols:
        raise NestError(
            f"Expected a multiple of {pattern.cols} columns for pattern {pattern}. "
            f"Received: scores of shape {scores.shape}"
        )
    blocks = block_scores(scores, pattern)
    rankings, length = pattern.units(rows, columns)
    keys = [-blocks.reshape(rankings, length)]
    if held is not None:
        corners = held[:: pattern.rows, :: pattern.cols]
        keys.append(corners.reshape(rankings, length))
    order = np.lexsort(keys, axis=1)
    level_of_rank = np.searchsorted(
        np.asarray(kept_counts(length, sparsities)), np.arange(length), side="right"
    )
    level_of_rank[level_of_rank == len(sparsities)] = NEVER
    levels = np.empty((rankings, length), np.uint8)
    np.put_along_axis(levels, order, level_of_rank[None].astype(np.uint8), axis=1)
    levels = levels.reshape(blocks.shape)
    return levels.repeat(pattern.cols, axis=1).repeat(pattern.rows, axis=0)[:rows]


def block_scores(scores: Array, pattern: Pattern) -> Array:
    """Mean square of each block, [row groups, blocks in a row]."""
    rows, columns = scores.shape
    groups = -(-rows // pattern.rows)
    squares = np.zeros((groups * pattern.rows, columns))
    squares[:rows] = np.square(scores, dtype=np.float64)
    sums = squares.reshape(groups, pattern.rows, -1, pattern.cols).sum(axis=(1, 3))
    present = np.full((groups, 1), pattern.rows)
    present[-1] = rows - (groups - 1) * pattern.rows
    return sums / (present * pattern.cols)


def achieved_sparsities(levels: Array, count: int) -> tuple[float, ...]:
    """The sparsity of each of `count` levels of a `level_of` array."""
    return tuple(float(np.mean(levels > level)) for level in range(count))
