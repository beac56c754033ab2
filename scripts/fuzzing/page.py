"""The page of what was fuzzed: docs/results/fuzzing.md, made of the JSON alone."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from fuzzing.legs import RESULTS, read_results
from fuzzing.targets import TARGETS, digest_of_sources
from keras_nest.files import write_atomic

NOTES = Path(__file__).with_name("notes.md")
"""What was read and explained by hand; goes into the page as it is."""


def write_page() -> None:
    """Writes the page beside the JSON."""
    page = page_of(read_results(), digest_of_sources(), NOTES.read_text())
    write_atomic(RESULTS.with_suffix(".md"), page.encode())


def page_of(results: dict[str, Any], sources: str, notes: str) -> str:
    """The page: executions by target, lines reached, what was left.

    Args:
        results: The JSON.
        sources: The digest of the C code as it is now.
        notes: Markdown that ends the page.
    """
    rows = []
    for target in TARGETS:
        by_sources = results["targets"].get(target.name, {})
        executed = sum(one["executions"] for one in by_sources.values())
        now = by_sources.get(sources, {"executions": 0})["executions"]
        seconds = sum(one["seconds"] for one in by_sources.values())
        rows.append((target, executed, now, seconds))
    total = sum(executed for _, executed, _, _ in rows)
    now = sum(number for _, _, number, _ in rows)
    hours = sum(seconds for *_, seconds in rows) / 3600
    paragraphs = [
        "# Fuzzing",
        """Made by `scripts/fuzz`, whose calls add up. libFuzzer with clang's address
        and undefined-behaviour sanitizers; a finding stops it: none is left open.""",
        f"""**{total:,} executions in {hours:.1f} hours**, of which {now:,} on the C
        code as it was when this page was made.""",
        "\n".join(
            [
                "| target | what goes in | executions | on this code | seconds |",
                "| :-- | :-- | --: | --: | --: |",
                *(
                    f"| `{target.name}` | {target.what} | {executed:,} | {code:,} "
                    f"| {seconds:,.0f} |"
                    for target, executed, code, seconds in rows
                ),
            ]
        ),
        """An execution is one input, mutated from the corpora, which start from random
        ops in every encoding and from the real models in `tests/golden`. Every input is
        in memory of exactly its size, tensors and scratch as well; a valid op runs at
        all of its levels and at two that it does not have. Besides crashes, checks are
        that outputs are within the activation bounds, that a level out of range leaves
        the output alone, that scratch is within what `nest.h` states, and what
        `governor.h` says of the governor. Seconds are of the wall clock, on a machine
        that did other work too.""",
        *_coverage(results.get("coverage"), sources),
    ]
    return "\n\n".join([*map(_filled, paragraphs), notes.strip()]) + "\n"


def _filled(paragraph: str) -> str:
    """Headings, tables, lists and notes stay as they are."""
    if paragraph[0] in "#|-":
        return paragraph
    return textwrap.fill(" ".join(paragraph.split()), 88, break_long_words=False)


def _coverage(found: dict[str, Any] | None, sources: str) -> list[str]:
    if found is None:
        return []
    code = "this code" if found["sources"] == sources else "the code as it was then"
    share = 100 * found["covered"] / found["lines"]
    missing = [
        f"- `{file}`: {', '.join(map(str, numbers))}"
        for file, numbers in found["uncovered"].items()
    ]
    return [
        "## Lines reached",
        f"""**{share:.2f} %**: {found["covered"]:,} of the {found["lines"]:,} lines of
        `tflm_ops/src` that are compiled for the host in any of the builds, by clang's
        source coverage over the corpora (`scripts/fuzz --coverage`), of {code}. Files
        of assembly are empty there; the C models of what they do are compiled.""",
        *(["Not reached:", "\n".join(missing)] if missing else []),
    ]
