"""docs/format.md, and the tables in it."""

from __future__ import annotations

from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/format.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The cells of the page's table with this first line, without their backquotes."""
    assert PAGE.count(heading) == 1, heading
    rows: list[list[str]] = []
    for line in PAGE[PAGE.index(heading) :].splitlines()[2:]:
        if not line.startswith("|"):
            return rows
        cells = line.split("|")[1:-1]
        rows.append([cell.strip().strip("`") for cell in cells])
    return rows
