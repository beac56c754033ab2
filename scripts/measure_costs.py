"""Writes the cost tables that the converter predicts instructions from.

Synthetic ops of awkward shapes run in QEMU in every encoding at every level
(keras_nest/bench/grid.py); the counts are fitted, for each path through the kernels, to
how often its parts run (keras_nest/converter/costs/features.py). A minute
for each core. To be run again when a kernel or the compiler changes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from keras_nest import reporting
from keras_nest.bench import costs
from keras_nest.bench.grid import samples
from keras_nest.converter.costs import table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cores", nargs="*", metavar="CORE", help=", ".join(costs.CORES))
    parser.add_argument("--output", type=Path, default=table.FOLDER)
    parser.add_argument(
        "--worst", type=int, default=0, help="show that many of the worst predictions"
    )
    options = parser.parse_args()
    unknown = [core for core in options.cores if core not in costs.CORES]
    if unknown:
        parser.error(f"expected cores among {', '.join(costs.CORES)}; got {unknown}")
    ops = list(samples())
    for core in options.cores or costs.CORES:
        counts = costs.measure(core, ops)
        made = costs.make_table(core, counts, ops)
        path = options.output / f"{core}.json"
        path.write_text(json.dumps(made.as_dict(), indent=1) + "\n")
        show(made, path)
        if options.worst:
            show_worst(made, counts, options.worst)


def show(made: table.CostTable, path: Path) -> None:
    shown = reporting.table(
        f"{path}: {made.ops} ops on {made.measured_on}, {made.compiler}",
        *("path", "features", "counts", "typical error", "worst error"),
    )
    for name, one in made.paths.items():
        sizes = (str(len(one.coefficients)), str(one.counts))
        shown.add_row(name, *sizes, *percent(one.typical_error, one.worst_error))
    shown.add_section()
    total = str(sum(one.counts for one in made.paths.values()))
    errors = percent(made.typical_error, made.worst_error)
    shown.add_row("all", "", total, *errors, style="bold")
    reporting.output().print(shown)


def percent(*values: float) -> list[str]:
    return [f"{100 * value:.2f} %" for value in values]


def show_worst(made: table.CostTable, counts: list[costs.Count], most: int) -> None:
    shown = reporting.table("Worst", "path", "op", "counted", "predicted")
    predicted = np.asarray([made.cost(count.run) for count in counts])
    counted = np.asarray([count.instructions for count in counts])
    for i in np.argsort(-np.abs(predicted / counted - 1))[:most]:
        numbers = (f"{counted[i]:,}", f"{predicted[i]:,.0f}")
        shown.add_row(counts[i].run.path, counts[i].name, *numbers)
    reporting.output().print(shown)


if __name__ == "__main__":
    main()
