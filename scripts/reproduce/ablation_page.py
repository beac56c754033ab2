"""The page of the ablations: each variant beside "Best", seed by seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from reproduce.ablations import VARIANTS
from reproduce.gather import Result
from reproduce.report import asked_text, markdown

BASE = "base"
BY_SEED = dict[int, Result]


def page(results: Sequence[Result], title: str) -> str:
    by_variant: dict[str, BY_SEED] = {}
    for result in results:
        by_variant.setdefault(result["variant"], {})[result["seed"]] = result
    base = by_variant.get(BASE, {})
    levels = results[0]["levels"]
    header = ["changed", "to", "seeds"]
    header += [f"at {asked_text(level, 'sparsity')}" for level in levels]
    header += ["mean", *[f"M4 at {asked_text(level, 'sparsity')}" for level in levels]]
    header += ["packed bytes", "CPU s"]
    lines = [
        _line(name, by_variant[name], base, len(levels))
        for name in VARIANTS
        if name in by_variant
    ]
    return (
        "\n\n".join(
            [
                "<!-- Made by: scripts/ablate --tables -->",
                f"# {title}",
                _how(results[0]),
                markdown(header, lines),
            ]
        )
        + "\n"
    )


def _how(first: Result) -> str:
    return (
        f"The quickstart's net on {first['training']['samples']:,} images of "
        f"Fashion-MNIST, {first['epochs']} epochs; accuracy in % on "
        f"{first['validation']:,} held out images, in float. The first line is Best "
        "as it is; the others the difference from it in points, of the same seeds, "
        "and its standard error. M4: instructions of all convolutions and dense "
        "layers, by the cost table, over those of the first line."
    )


def _line(name: str, found: BY_SEED, base: BY_SEED, levels: int) -> list[str]:
    variant = VARIANTS[name]
    seeds = sorted(set(found) & set(base)) if name != BASE else sorted(found)
    rows = [
        [_accuracy(found[seed], level) for level in range(levels)] for seed in seeds
    ]
    if name != BASE:
        rows = [
            [value - _accuracy(base[seed], level) for level, value in enumerate(row)]
            for seed, row in zip(seeds, rows, strict=True)
        ]
    rows = [[*row, statistics.fmean(row)] for row in rows]
    cells = [_cell(list(column), name == BASE) for column in zip(*rows, strict=True)]
    some, reference = (next(iter(of.values()), None) for of in (found, base))
    ratios = [""] * levels
    if some is not None and reference is not None:
        pairs = zip(some["results"], reference["results"], strict=True)
        ratios = [f"{a['instructions'] / b['instructions']:.2f}" for a, b in pairs]
    bytes_ = f"{some['file']['packed_bytes']:,}" if some else ""
    times = [one["training"]["cpu_seconds"] for one in found.values()]
    counted = [*cells, *ratios, bytes_, f"{statistics.fmean(times):.0f}"]
    return [variant.group, variant.title, str(len(seeds)), *counted]


def _accuracy(result: Result, level: int) -> float:
    return 100 * result["results"][level]["validation"]


def _cell(values: list[float], plain: bool) -> str:
    value = statistics.fmean(values)
    text = f"{value:.2f}" if plain else f"{value:+.2f}"
    if len(values) < 2:
        return text
    error = statistics.stdev(values) / math.sqrt(len(values))
    return f"{text} ± {error:.2f}"
