"""Trains what a comparison table needs and makes the table from it.

Every run leaves one file in docs/results/runs; what is there is not done again. A run
that was stopped goes on after its last whole epoch: call the same command.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import sys
from pathlib import Path

from keras_nest.errors import NestError
from reproduce import plans, queue, tables
from reproduce.runs import Run

QUICK = Path("out/reproduce/quick")


def main() -> None:
    parser = argparse.ArgumentParser(prog="reproduce", description=__doc__)
    parser.add_argument("table", choices=plans.TABLES)
    parser.add_argument(
        "--only", nargs="+", metavar="COLUMN", help="these columns only"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="default: 1")
    parser.add_argument("--epochs", type=int, help="default: those of the table")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--out", type=Path, help="default: docs/results")
    parser.add_argument(
        "--quick", action="store_true", help="few samples, one epoch, to try the code"
    )
    parser.add_argument(
        "--tables", action="store_true", help="make the tables only, from what is there"
    )
    options = parser.parse_args()
    table = plans.TABLES[options.table]
    todo = [_changed(run, options) for run in table.of_seeds(options.seeds)]
    if options.only:
        todo = [run for run in todo if {run.column, run.variant} & set(options.only)]
    out = options.out or (QUICK if options.quick else Path("docs/results"))
    folders = queue.Folders(
        cache=options.cache,
        checkpoints=(QUICK if options.quick else Path("out/reproduce")) / "checkpoints",
        results=out / "runs" / options.table,
    )
    failed = 0
    try:
        if not options.tables:
            command = _command(options)
            failed = queue.work_off(todo, folders, options.jobs, command)
        print(tables.write(options.table, out))
    except (NestError, ValueError) as error:
        sys.exit(f"Error: {error}")
    sys.exit(f"Error: {failed} runs failed; see their logs" if failed else 0)


def _changed(run: Run, options: argparse.Namespace) -> Run:
    if options.quick:
        run = dataclasses.replace(run, quick=True, epochs=1)
    if options.epochs:
        run = dataclasses.replace(run, epochs=options.epochs)
    return run


def _command(options: argparse.Namespace) -> str:
    """What makes the same runs anywhere: without this machine's folders."""
    script = "ablate" if options.table == "ablations" else f"reproduce_{options.table}"
    words = [f"scripts/{script}"]
    if options.only:
        words += ["--only", *options.only]
    words += ["--seeds", *map(str, options.seeds)]
    if options.epochs:
        words += ["--epochs", str(options.epochs)]
    return shlex.join([*words, *(["--quick"] if options.quick else [])])


if __name__ == "__main__":
    main()
