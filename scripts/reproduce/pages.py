"""Whole pages: the tables of a comparison with what one must know to read them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from reproduce import report
from reproduce.gather import TITLES, Column, Result, columns_of, mean
from reproduce.plans import NETWORKS

DATA = {
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "spoken_digits": "the Free Spoken Digit Dataset (v1.0.10)",
}


# Corti et al., "REDS" (arXiv 2311.13349), tables 7 and 8 of the extended appendix.
PUBLISHED = {
    ("ds_cnn", "fashion_mnist"): ("REDS as published", (89.22, 90.75, 91.51, 91.6)),
    ("ds_cnn", "cifar10"): ("REDS as published", (68.66, 76.72, 80.17, 81.07)),
}
PUBLISHED_NOTE = (
    "As published: trained for 250 epochs, float, multiply-accumulates of 25, 50, 75 "
    "and 100 %."
)


# What is claimed of a method stands beside what it is claimed over.
COMPARED = (
    ("best", "separate", ""),
    ("best", "separate-best", ""),
    ("best", "tfmot", ""),
    ("best", "reds", ""),
    ("dress", "lcs", " (Dress is said to be above at equal non-zeros)"),
    ("dress", "us-net", " (Dress is said to be above at equal non-zeros)"),
    (
        "nested-sparse",
        "us-net",
        " (NestedSparse is said to give more accuracy for the same time)",
    ),
)


def comparison(results: Sequence[Result], name: str, title: str) -> str:
    """The page of one network on one data set.

    Args:
        results: Of all of its runs.
        name: Of the page's files, for the links.
        title: Its heading.
    """
    parts = [
        f"<!-- Made by: scripts/reproduce_{name} --tables -->",
        f"# {title}",
        _how(results),
        *_dense(results),
    ]
    shown = sections(results)
    if shown:
        what = "Accuracy against multiply-accumulates and instructions"
        parts.append(f"![{what}]({name}.png)")
    for columns in shown:
        unit = columns[0].results[0][0]["unit"]
        asked = ", ".join(report.asked_text(one, unit) for one in columns[0].levels)
        words = "Sparsities" if unit == "sparsity" else "Multiply-accumulates"
        parts += [f"## {words} {asked}", *_section(columns, unit)]
    return "\n\n".join(parts) + "\n"


def sections(results: Sequence[Result]) -> list[list[Column]]:
    """The columns of every set of levels that one training or more has all of."""
    sets = {tuple(r["levels"]) for r in results if len(r["levels"]) > 1}
    # The milder of the sets first: 0.9/0.8/0.7 before 0.95/0.8/0.5.
    return [columns_of(results, levels, list(TITLES)) for levels in sorted(sets)]


def _dense(results: Sequence[Result]) -> list[str]:
    """What the plain model gives that was trained alone, where a run has it."""
    return [
        f"The plain model, trained alone (seed {found['seed']}): "
        f"{100 * level['int8']:.2f} % in int8, {100 * level['test']:.2f} % in float, "
        f"{level['macs']:,} multiply-accumulates, {level['instructions']:,} "
        f"instructions, {found['training']['cpu_seconds']:.0f} CPU seconds."
        for found in results
        if found["column"] == "dense"
        for level in found["results"]
    ]


def _section(columns: list[Column], unit: str) -> list[str]:
    first = columns[0].results[0][0]
    published = PUBLISHED.get((first["network"], first["data"]))
    parts = []
    for key, words in (
        ("int8", "Accuracy on test data in %, int8 in TensorFlow Lite Micro:"),
        ("test", "The same in float, in Keras:"),
        ("macs", "Multiply-accumulates of one image, none for masked weights:"),
        (
            "instructions",
            "Instructions of the Cortex-M4 for all convolutions and dense layers, by "
            "the measured cost table:",
        ),
    ):
        percent = key in ("int8", "test")
        other = published if key == "test" else None
        parts += [words, report.by_level(columns, unit, key, percent, other)]
        parts += [PUBLISHED_NOTE] if other else []
    for one, rival, claim in COMPARED:
        if (table := report.against(columns, unit, one, rival)) is not None:
            names = f"{TITLES[one]} beside {TITLES[rival]}"
            parts += [f"{names}, means{claim}:", table]
    parts += [
        "Files and trainings; of columns that train a model for each level, the sums:",
        report.costs(columns),
    ]
    if (ratio := _time_ratio(columns)) is not None:
        parts.append(
            f"One joint training took {ratio:.2f} of the processor time of the "
            "separate ones together."
        )
    return parts


def _time_ratio(columns: list[Column]) -> float | None:
    by_name = {column.name: column for column in columns}
    if not {"best", "separate"} <= set(by_name):
        return None
    joint, alone = (
        mean(by_name[name].whole("training", "cpu_seconds"))
        for name in ("best", "separate")
    )
    return None if joint is None or not alone else joint / alone


def _how(results: Sequence[Result]) -> str:
    first = results[0]
    versions = first["made_by"]["versions"]
    epochs = sorted({result["epochs"] for result in results})
    samples = sorted({result["training"]["samples"] for result in results})
    spread = "± is the standard deviation over the seeds."
    return (
        f"{NETWORKS[first['network']]} on {DATA[first['data']]}: "
        f"{_all(epochs)} epochs of {_all(samples)} samples for every level of every "
        f"column, the last {first['validation']:,} of the training samples held out, "
        "the accuracy that of the last epoch, on all test data; nothing was chosen "
        f"on test data. Adam, cosine decay from 4e-3, batches of 128. {spread} "
        "Columns that start from a trained dense model have its epochs counted in. "
        f"Keras {versions['keras']} on TensorFlow {versions['tensorflow']}, one "
        f"processor thread a run; "
        f"made by `{shlex.split(first['made_by']['command'])[0]}`, each run in "
        "[runs](runs)."
    )


def _all(values: Sequence[int]) -> str:
    return " or ".join(f"{value:,}" for value in values)
