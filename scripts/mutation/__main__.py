"""The command: mutants of Python or C, tested one after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from mutation import c_build, c_run, python_run, results
from mutation.c_mutants import c_mutants
from mutation.forked import Outcome, limits_of
from mutation.mutant import Mutant, sample
from mutation.python_mutants import python_mutants
from mutation.subjects import C_FILES, PYTHON, ROOT

console = Console()


def options(function: Any) -> Any:
    """What both commands take."""
    for option in (
        click.option("--sample", "count", type=int, help="So many, at random."),
        click.option("--seed", default=0, show_default=True, help="Of the sample."),
        click.option("--only", default="", help="Files with this in their path."),
        click.option(
            "--survivors", is_flag=True, help="Test those again that survived."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            default=ROOT / "out" / "mutation",
            help="Folder of the results, from which a run is resumed.",
        ),
    ):
        function = option(function)
    return function


@click.group()
def main() -> None:
    """Mutation testing of the format, the masks, the quantization and the kernels."""


@main.command()
@options
def python(count: int | None, seed: int, only: str, survivors: bool, out: Path) -> None:
    """Mutants of the format, the masks and the quantization."""
    files = [p for s in PYTHON for p in s.files if only in p]
    every = [m for p in files for m in python_mutants(p, (ROOT / p).read_text())]
    chosen = every if count is None else sample(every, count, seed)
    console.print(f"{len(chosen)} of {len(every)} mutants, seed {seed}")
    todo, known = _open(out / "python.jsonl", chosen, survivors)
    for subject in PYTHON:
        mine = [m for m in todo if m.path in subject.files]
        if mine:
            limits = limits_of(python_run.time_of(subject))
            python_run.import_once(subject)
            run = functools.partial(python_run.run_mutant, subject, limits=limits)
            _run_all(mine, run, known, out / "python.jsonl")
    _finish(chosen, known)


@main.command()
@options
def c(count: int | None, seed: int, only: str, survivors: bool, out: Path) -> None:
    """Mutants of the portable kernels."""
    found = c_build.builds(out / "build")
    for build in found:
        build.prepare()
    alive = c_build.alive_lines(found)
    every = [
        m
        for p in C_FILES
        if only in p
        for m in c_mutants(p, (ROOT / p).read_text(), alive[p])
    ]
    chosen = every if count is None else sample(every, count, seed)
    console.print(f"{len(chosen)} of {len(every)} mutants, seed {seed}")
    todo, known = _open(out / "c.jsonl", chosen, survivors)
    if todo:
        for build in found:
            c_run.record(build, out / "build")
            outcome = c_run.run_build(build, out / "build")
            if outcome.word != "passed":
                raise click.ClickException(
                    f"Expected the tests of the build {build.name} to pass without a "
                    f"mutant. Received: {outcome}"
                )
        run = functools.partial(c_run.run_mutant, found, out / "build")
        _run_all(todo, run, known, out / "c.jsonl")
    _finish(chosen, known)


def _open(
    path: Path, chosen: list[Mutant], survivors: bool
) -> tuple[list[Mutant], dict[str, dict[str, object]]]:
    """Those that are to be tested, and what is known of the others."""
    known = results.load(path)
    if survivors:
        known = {k: row for k, row in known.items() if row["word"] != "passed"}
    return [m for m in chosen if _key(m) not in known], known


def _key(mutant: Mutant) -> str:
    return mutant.key((ROOT / mutant.path).read_text())


def _run_all(
    todo: list[Mutant],
    run: Callable[[Mutant], Outcome],
    known: dict[str, dict[str, object]],
    path: Path,
) -> None:
    for number, mutant in enumerate(todo, 1):
        outcome = run(mutant)
        key = _key(mutant)
        known[key] = results.append(path, mutant, key, outcome)
        word = "SURVIVED" if outcome.word == "passed" else outcome.word
        console.print(
            f"{number}/{len(todo)} {word} {mutant} {outcome.test} {outcome.seconds} s",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _finish(chosen: list[Mutant], known: dict[str, dict[str, object]]) -> None:
    rows = [known[_key(m)] for m in chosen if _key(m) in known]
    console.print(results.score_table(rows))
    for row in rows:
        if row["word"] == "passed":
            console.print(
                f"survived: {row['path']}:{row['line']}: "
                f"{row['before']!r} -> {row['after']!r}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


if __name__ == "__main__":
    main()
