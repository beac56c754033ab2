"""Results as JSON lines, so that a run can be resumed, and the table of scores."""

from __future__ import annotations

import collections
import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mutation.forked import Outcome
from mutation.mutant import Mutant

KILLED = ("failed", "crashed", "timeout")


def load(path: Path) -> dict[str, dict[str, object]]:
    """What was found so far, by the mutants' keys; the last word counts."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text().splitlines() if line]
    return {row["key"]: row for row in rows}


def append(path: Path, mutant: Mutant, key: str, outcome: Outcome) -> dict[str, object]:
    """Adds a line, and returns it."""
    row: dict[str, object] = {
        "key": key,
        "path": mutant.path,
        "line": mutant.line,
        "before": mutant.before,
        "after": mutant.after,
        "word": outcome.word,
        "test": outcome.test,
        "seconds": outcome.seconds,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    return row


def score_table(rows: Sequence[dict[str, object]]) -> Table:
    """Killed mutants of each file; those that compile to the same code do not count."""
    files: dict[str, collections.Counter[str]] = {}
    for row in rows:
        word = "killed" if row["word"] in KILLED else str(row["word"])
        files.setdefault(str(row["path"]), collections.Counter())[word] += 1
    table = Table("file", "tested", "killed", "survived", "score", "same code")
    total: collections.Counter[str] = collections.Counter()
    for path, counts in sorted(files.items()):
        total += counts
        table.add_row(path, *_cells(counts))
    table.add_section()
    table.add_row("all", *_cells(total))
    return table


def _cells(counts: collections.Counter[str]) -> list[str]:
    tested = counts["killed"] + counts["passed"]
    score = f"{100 * counts['killed'] / tested:.1f} %" if tested else "-"
    found = (tested, counts["killed"], counts["passed"])
    return [*map(str, found), score, str(counts["same"])]
