"""Trains a net nested, and once for each level with tfmot; see scripts/compare_tfmot.

All levels train for the same number of epochs on the same samples, with the same
optimizer and the same layers pruned along the same ramp: ours in one training, tfmot's
(prune_low_magnitude, strip_pruning, TFLiteConverter to int8) one after the other in a
process with tf-keras. What is finished is not done again: call the same command.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reproduce import queue
from reproduce.runs import Run

from keras_nest.errors import NestError
from keras_nest.files import write_atomic

BEST = "best"
QUICK_LEVELS = (0.9, 0.0)
OWN = "tfmot"  # folder of runs that no table of scripts/reproduce_* has a column for


@dataclasses.dataclass(frozen=True)
class Network:
    """A network of the comparison.

    Attributes:
        title: What it is called.
        levels: Sparsities that it is compared at.
        table: Folder of runs, that of the table that has tfmot as a column.
    """

    title: str
    levels: tuple[float, ...]
    table: str


NETWORKS = {
    "quickstart": Network("the quickstart's net", (0.9, 0.7, 0.0), OWN),
    "resnet8": Network("ResNet-8", (0.9, 0.8, 0.7), "fashion_mnist"),
}
SCHEDULES = {"polynomial": "", "constant": "constant"}


def main() -> None:
    options = parse(sys.argv[1:])
    # One thread on both sides, as in the tables; before TensorFlow is imported.
    os.environ.update(queue.THREADS)
    command = shlex.join(["scripts/compare_tfmot", *sys.argv[1:]])
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress
            text = compare(options, command)
    except (NestError, ValueError) as error:
        sys.exit(f"Error: {error}")
    print(text)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="compare_tfmot", description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, default="quickstart")
    parser.add_argument(
        "--levels", type=float, nargs="+", help="sparsities, falling; default: by net"
    )
    parser.add_argument("--epochs", type=int, default=6, help="default: 6")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument(
        "--recipe", default=BEST, help="of the nested model; default: best"
    )
    parser.add_argument(
        "--schedule",
        choices=SCHEDULES,
        default="polynomial",
        help="of tfmot: PolynomialDecay (the default) or ConstantSparsity",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few samples, one epoch, to try the code"
    )
    parser.add_argument(
        "--only-tfmot",
        action="store_true",
        help="no nested model and no table: results for those of scripts/reproduce_*",
    )
    parser.add_argument(
        "--no-instructions", action="store_true", help="needs no compiler and no QEMU"
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("out/compare_tfmot"),
        help="folder of checkpoints and models",
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the results; default: docs/results"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.epochs, options.work = 1, options.work / "quick"
    options.out = options.out or (
        options.work / "results" if options.quick else Path("docs/results")
    )
    levels = QUICK_LEVELS if options.quick else NETWORKS[options.network].levels
    options.levels = tuple(options.levels or levels)
    return options


def compare(options: argparse.Namespace, command: str) -> str:
    """Trains what is missing and saves results and table.

    Returns:
        The table with what it was made of, as Markdown.
    """
    from reproduce import data
    from reproduce.training import BATCH, LEARNING_RATE

    from compare_pruned import nested, table, tfmot
    from compare_pruned.results import Scorer

    common: dict[str, Any] = {
        "network": options.network,
        "data": "fashion_mnist",
        "seed": options.seed,
        "epochs": options.epochs,
        "quick": options.quick,
    }
    joint = Run(column=options.recipe, levels=options.levels, **common)
    alone = [
        Run(
            column=tfmot.COLUMN,
            variant=SCHEDULES[options.schedule],
            levels=(level,),
            **common,
        )
        for level in options.levels
    ]
    pruned = nested.pruned_layers(options.network, options.levels)
    asked = tfmot.requests(alone, pruned, BATCH, LEARNING_RATE)
    loaded = data.load("fashion_mnist", options.cache, quick=options.quick)
    table_of_runs = NETWORKS[options.network].table
    scorer = Scorer(
        options.out / "runs" / (OWN if alone[0].variant else table_of_runs),
        command,
        count=not options.no_instructions,
    )
    if not all(scorer.is_done(run) for run in alone):
        tfmot.train(asked, options.cache, options.work)
    theirs = [
        scorer.result(
            request.run,
            loaded,
            lambda request=request: tfmot.trained(request, options.work),
        )
        for request in asked
    ]
    if options.only_tfmot:
        return f"{len(theirs)} results of tfmot are in {scorer.folder}"
    ours = dataclasses.replace(scorer, folder=options.out / "runs" / OWN).result(
        joint, loaded, lambda: nested.trained(joint, loaded, options.work)
    )
    title = f"{NETWORKS[options.network].title} on Fashion-MNIST"
    text = "\n\n".join(
        [
            f"# tfmot level by level beside one nested model: {title}",
            table.about(theirs, ours),
            table.comparison(theirs, ours),
            table.runtimes(theirs),
            table.LEGEND,
        ]
    )
    named = "".join(
        f"_{value}"
        for value, default in (
            (options.schedule, "polynomial"),
            (options.recipe, BEST),
        )
        if value != default
    )
    path = options.out / f"tfmot_{options.network}{named}_seed{options.seed}.md"
    write_atomic(path, f"<!-- Made by: {command} -->\n\n{text}\n".encode())
    return text


if __name__ == "__main__":
    main()
