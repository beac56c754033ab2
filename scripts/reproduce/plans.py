"""Which runs the tables are made of, the most needed first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reproduce import ablations
from reproduce.runs import Run

NETWORKS = {
    "resnet8": "ResNet-8 (MLPerf Tiny)",
    "ds_cnn": "DS-CNN-S",
    "quickstart": "The quickstart's net",
}
SPARSITIES = ((0.9, 0.8, 0.7), (0.95, 0.8, 0.5))
MACS = (0.25, 0.5, 0.75, 1.0)
ABLATED = (0.9, 0.7, 0.0)
JOINT = ("nested-sparse", "us-net", "dress", "lcs", "reds")
EPOCHS = {
    "fashion_mnist": 6,
    "cifar10": 6,
    "ds_cnn": 6,
    "spoken_digits": 24,  # of 2,400 samples
    "ablations": 6,
}


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of the comparison.

    Attributes:
        title: What stands above it.
        runs: All of its runs for one seed.
        one_seed: Columns that are trained with the first seed only.
    """

    title: str
    runs: tuple[Run, ...]
    one_seed: tuple[str, ...] = ()

    def of_seeds(self, seeds: Sequence[int]) -> list[Run]:
        return [
            dataclasses.replace(run, seed=seed)
            for seed in seeds
            for run in self.runs
            if seed == seeds[0] or run.column not in self.one_seed
        ]


def _sparsity_table(data: str, title: str, joint: Sequence[str]) -> Table:
    def run(column: str, *levels: float) -> Run:
        return Run("resnet8", data, column, levels, epochs=EPOCHS[data])

    found = []
    for levels in SPARSITIES:
        found += [run("separate", level) for level in levels]
        found.append(run("best", *levels))
        if levels == SPARSITIES[0]:
            found.append(run("dense", 0.0))
            found += [run(column, *levels) for column in joint]
    if data == "fashion_mnist":
        found += [run("separate-best", level) for level in SPARSITIES[0]]
    distinct = tuple(dict.fromkeys(found))  # 0.8 is in both
    return Table(title, distinct, one_seed=("dense", "separate-best", *joint))


def _ablations() -> Table:
    runs = [
        Run(
            network="quickstart",
            data="fashion_mnist",
            column="ablation",
            variant=name,
            levels=ABLATED,
            epochs=EPOCHS["ablations"],
            train_samples=20_000,
            validation=10_000,
        )
        for name in ablations.VARIANTS
        if name
    ]
    return Table("Ablations", tuple(runs))


def _ds_cnn() -> Table:
    runs = [
        Run(
            network="ds_cnn",
            data="fashion_mnist",
            column=column,
            levels=MACS,
            unit="macs",
            epochs=EPOCHS["ds_cnn"],
        )
        for column in ("best", "reds")
    ]
    return Table("DS-CNN-S on Fashion-MNIST", tuple(runs))


def _spoken_digits() -> Table:
    runs = [
        Run(
            network="ds_cnn",
            data="spoken_digits",
            column=column,
            levels=levels,
            epochs=EPOCHS["spoken_digits"],
            validation=300,  # of 300 for the test too
        )
        for column, levels in (
            *(("separate", (level,)) for level in SPARSITIES[0]),
            ("best", SPARSITIES[0]),
            ("dense", (0.0,)),
        )
    ]
    return Table("DS-CNN-S on spoken digits", tuple(runs))


TABLES = {
    "fashion_mnist": _sparsity_table(
        "fashion_mnist", "ResNet-8 on Fashion-MNIST", JOINT
    ),
    "cifar10": _sparsity_table("cifar10", "ResNet-8 on CIFAR-10", ("nested-sparse",)),
    "ds_cnn": _ds_cnn(),
    "spoken_digits": _spoken_digits(),
    "ablations": _ablations(),
}
