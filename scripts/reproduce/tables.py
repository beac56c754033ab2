"""Writes the page, the CSV and the plot of a table from the results of its runs."""

from __future__ import annotations

from pathlib import Path

from keras_nest.files import write_atomic
from reproduce import ablation_page, pages, plans, report, runs
from reproduce.gather import Result

ABLATIONS = "ablations"
TFMOT = "tfmot"  # made by scripts/compare_tfmot


def write(table: str, out: Path) -> str:
    """Makes a table from what results there are.

    Args:
        table: Key of `plans.TABLES`.
        out: Folder that has the results in runs/TABLE; the files are put there.

    Returns:
        The page.

    Raises:
        ValueError: If there are no results.
    """
    results = results_of(table, out)
    if not results:
        folder = out / "runs" / table
        raise ValueError(f"Expected results of runs in {folder}. Received: none")
    page = page_of(table, out)
    write_atomic(out / f"{table}.md", page.encode())
    write_atomic(out / f"{table}.csv", report.as_csv(results).encode())
    if table != ABLATIONS and pages.sections(results):
        from reproduce import plot

        plot.draw(results, out / f"{table}.png")
    return page


def results_of(table: str, out: Path) -> list[Result]:
    """The results of a table's runs, and what tfmot gave in the same conditions."""
    own = runs.load_results(out / "runs" / table)
    if not own or table == ABLATIONS:
        return own
    rivals = runs.load_results(out / "runs" / TFMOT)
    alike = ("network", "data", "epochs", "quick", "validation")
    return own + [
        rival
        for rival in rivals
        if rival["column"] == TFMOT
        and not rival["variant"]
        and all(rival[key] == own[0][key] for key in alike)
    ]


def page_of(table: str, out: Path) -> str:
    """The page as Markdown, without writing it."""
    results = results_of(table, out)
    title = plans.TABLES[table].title
    if table == ABLATIONS:
        return ablation_page.page(results, title)
    return pages.comparison(results, table, title)
