"""The page: one HTML file with its style and script, and the facts of the levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from keras_nest.report.chart import number, shown
from keras_nest.report.page import share

if TYPE_CHECKING:
    from keras_nest.demo.session import Session


def html(session: Session) -> str:
    """The page of a session; samples and predictions it asks the server for."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("keras_nest.demo", "."),
                jinja2.PackageLoader("keras_nest.report", "."),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share}
    facts = session.facts
    costs = [
        {"instructions": level.instructions, "macs": level.macs, "bytes": nonzeros}
        for level, nonzeros in zip(facts.levels, facts.model.nonzeros, strict=True)
    ]
    return environment.get_template("demo.html.j2").render(
        facts=facts,
        model=facts.model,
        costs=costs,
        percent=facts.metric == "accuracy",
        shown=shown,
        page={
            "samples": session.samples,
            "levels": len(facts.levels),
            "kind": session.kind,
            "classes": session.classes,
            "costs": costs,
        },
    )
