"""From the results of runs to the cells of a table."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Result = dict[str, Any]

TITLES = {
    "tfmot": "tfmot, each alone",
    "separate": "ours, each alone",
    "separate-best": "Best's way, each alone",
    "us-net": "US-Net",
    "dress": "Dress",
    "lcs": "LCS",
    "reds": "REDS",
    "nested-sparse": "NestedSparse",
    "best": "Best",
}
ALONE = ("tfmot", "separate", "separate-best")
"""Columns that train a model for each level."""


@dataclasses.dataclass(frozen=True)
class Column:
    """What a table shows of one way to train.

    Attributes:
        name: Key of `TITLES`.
        levels: What was asked of each level, as in the table.
        seeds: The seeds of which all levels are there.
        results: For each level the results of the seeds; for columns out of `ALONE`
            those of the level's own runs, else the same ones again.
    """

    name: str
    levels: tuple[float, ...]
    seeds: tuple[int, ...]
    results: tuple[tuple[Result, ...], ...]

    def values(self, level: int, key: str) -> list[float | None]:
        """A figure of a level, for each seed."""
        index = 0 if self.name in ALONE else level
        return [result["results"][index][key] for result in self.results[level]]

    def whole(self, part: str, key: str) -> list[float]:
        """A figure of whole files or trainings, for each seed.

        Summed over the models of columns that train one for each level.
        """
        by_level = [[result[part][key] for result in level] for level in self.results]
        if self.name not in ALONE:
            return by_level[0]
        return [sum(of_seed) for of_seed in zip(*by_level, strict=True)]


def columns_of(
    results: Iterable[Result], levels: Sequence[float], order: Sequence[str]
) -> list[Column]:
    """The columns that results can fill, in this order."""
    found = [_column(list(results), name, tuple(levels)) for name in order]
    return [column for column in found if column is not None]


def _column(
    results: list[Result], name: str, levels: tuple[float, ...]
) -> Column | None:
    chosen = [result for result in results if result["column"] == name]
    wanted = [(level,) for level in levels] if name in ALONE else [levels] * len(levels)
    by_level = [
        {one["seed"]: one for one in chosen if tuple(one["levels"]) == of_level}
        for of_level in wanted
    ]
    seeds = sorted(set.intersection(*(set(level) for level in by_level)))
    if not seeds:
        return None
    rows = tuple(tuple(level[seed] for seed in seeds) for level in by_level)
    return Column(name, levels, tuple(seeds), rows)


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if len(known) == len(values) and known else None


def spread(values: Sequence[float | None]) -> float | None:
    """Standard deviation over the seeds; None of one seed."""
    known = [value for value in values if value is not None]
    return statistics.stdev(known) if len(known) > 1 else None
