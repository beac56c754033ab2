"""The Markdown tables of the comparison, and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from reproduce.gather import TITLES, Column, Result, mean, spread

CSV_FIELDS = (
    "data",
    "network",
    "column",
    "variant",
    "levels",
    "seed",
    "epochs",
    "level",
    "asked",
    "validation",
    "test",
    "int8",
    "macs",
    "instructions",
    "packed_bytes",
    "tflite_bytes",
    "seconds",
    "cpu_seconds",
    "peak_megabytes",
)


def markdown(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column to the left, the others to the right."""
    rule = [":--", *["--:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *lines))


def by_level(
    columns: Sequence[Column],
    unit: str,
    key: str,
    percent: bool,
    published: tuple[str, Sequence[float]] | None = None,
) -> str:
    """One figure: levels down, columns across, means over the seeds and spread.

    Args:
        columns: What is shown, all of the same levels.
        unit: "sparsity" or "macs".
        key: The figure.
        percent: Whether it is a share, shown in %; else a number.
        published: Heading and figures, one a level, of one more column.
    """
    header = ["sparsity" if unit == "sparsity" else "MACs"]
    header += [TITLES[column.name] for column in columns]
    header += [published[0]] if published else []
    lines = []
    for level, asked in enumerate(columns[0].levels):
        cells = [_cell(column.values(level, key), percent) for column in columns]
        cells += [f"{published[1][level]:.2f}"] if published else []
        lines.append([asked_text(asked, unit), *cells])
    return markdown(header, lines)


def costs(columns: Sequence[Column]) -> str:
    """Bytes of all levels together, time and memory of their training."""
    header = ["", "seeds", "packed bytes", ".tflite bytes"]
    header += ["training, s", "CPU s", "peak MB"]
    lines = []
    for column in columns:
        files = [
            _number(mean(column.whole("file", key)))
            for key in ("packed_bytes", "tflite_bytes")
        ]
        times = [
            _number(mean(column.whole("training", key)))
            for key in ("seconds", "cpu_seconds")
        ]
        peak = max(
            result["training"]["peak_megabytes"]
            for level in column.results
            for result in level
        )
        seeds = str(len(column.seeds))
        title = TITLES[column.name]
        lines.append([title, seeds, *files, *times, _number(peak)])
    return markdown(header, lines)


def against(columns: Sequence[Column], unit: str, one: str, other: str) -> str | None:
    """A column less another in points of accuracy, and their instructions' ratio.

    Returns:
        The table; None if a column is missing.
    """
    by_name = {column.name: column for column in columns}
    if not {one, other} <= set(by_name):
        return None
    pair = by_name[one], by_name[other]
    lines = []
    for level, asked in enumerate(pair[0].levels):
        cells = []
        for key in ("int8", "test"):
            ours, theirs = (mean(column.values(level, key)) for column in pair)
            if ours is None or theirs is None:
                cells.append("")
            else:
                cells.append(f"{100 * (ours - theirs):+.2f}")
        ours, theirs = (mean(column.values(level, "instructions")) for column in pair)
        cells.append(f"{ours / theirs:.2f}" if ours and theirs else "")
        lines.append([asked_text(asked, unit), *cells])
    header = [f"{TITLES[one]} less {TITLES[other]}"]
    header += ["int8, points", "float, points", "instructions, ratio"]
    return markdown(header, lines)


def asked_text(asked: float, unit: str) -> str:
    return f"{asked:g}" if unit == "sparsity" else f"{asked:.0%}"


def as_csv(results: Iterable[Result]) -> str:
    """All results, a line for each level of each run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_FIELDS, lineterminator="\n")
    writer.writeheader()
    for result in results:
        flat: dict[str, Any] = {**result, **result["file"], **result["training"]}
        flat["levels"] = " ".join(f"{level:g}" for level in result["levels"])
        for level, facts in enumerate(result["results"]):
            row = {**flat, **facts, "level": level}
            writer.writerow({key: row.get(key) for key in CSV_FIELDS})
    return text.getvalue()


def _cell(values: list[float | None], percent: bool) -> str:
    value, deviation = mean(values), spread(values)
    if value is None:
        return ""
    if not percent:
        return _number(value)
    text = f"{100 * value:.2f}"
    return text if deviation is None else f"{text} ± {100 * deviation:.2f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
