"""The report as one HTML file: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from typing import Any

import jinja2

from keras_nest.report.chart import HEIGHT, WIDTH, Point, chart, number, shown
from keras_nest.report.facts import ReportFacts

_TEMPLATE = "report.html.j2"


def html(facts: ReportFacts) -> str:
    """The page.

    Args:
        facts: See `gather`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_nest.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share}
    percent = facts.metric == "accuracy"
    return environment.get_template(_TEMPLATE).render(
        facts=facts,
        model=facts.model,
        percent=percent,
        chart=_chart(facts, percent),
        chart_size=(WIDTH, HEIGHT),
        shown=shown,
        bars=_bars(facts),
    )


def share(value: float, whole: float) -> str:
    return f"{value / whole:.0%}" if whole else "-"


def _chart(facts: ReportFacts, percent: bool) -> Any:
    """None where the scores of the levels are not known."""
    points = [
        Point(one.instructions, one.score, f"level {number}")
        for number, one in enumerate(facts.levels)
        if one.score is not None
    ]
    return chart(points, percent) if points else None


def _bars(facts: ReportFacts) -> list[tuple[str, list[tuple[float, int]]]]:
    """For each nested layer its instructions at each level, and their share in percent.

    In percent of the most that any layer takes with dense weights.
    """
    nested = [one for one in facts.layers if one.dense_instructions is not None]
    most = max(max([*one.instructions, one.dense_instructions or 0]) for one in nested)
    return [
        (
            one.facts.name,
            [
                (round(100 * count / most, 2), count)
                for count in (*one.instructions, one.dense_instructions or 0)
            ],
        )
        for one in nested
    ]
