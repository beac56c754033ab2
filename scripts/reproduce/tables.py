"""Writes the page, the CSV and the plot of a table from the results of its runs."""

from __future__ import annotations

from pathlib import Path

from keras_nest.files import write_atomic
from reproduce import ablation_page, pages, plans, report, runs


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
    folder = out / "runs" / table
    results = runs.load_results(folder)
    if not results:
        raise ValueError(f"Expected results of runs in {folder}. Received: none")
    page = page_of(table, out)
    write_atomic(out / f"{table}.md", page.encode())
    write_atomic(out / f"{table}.csv", report.as_csv(results).encode())
    if table != "ablations":
        from reproduce import plot

        plot.draw(results, out / f"{table}.png")
    return page


def page_of(table: str, out: Path) -> str:
    """The page as Markdown, without writing it."""
    results = runs.load_results(out / "runs" / table)
    title = plans.TABLES[table].title
    if table == "ablations":
        return ablation_page.page(results, title)
    return pages.comparison(results, table, title)
