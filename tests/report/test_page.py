"""The report of a small model: its facts, and the page as a browser shows it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest import report
from keras_nest.errors import NestError

SCORES = ("accuracy", [0.5, 0.75, 0.875], 80)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# The browser waits for a graphics process and a crash reporter that CI lacks.
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")


@pytest.fixture(scope="module")
def tflite() -> Any:
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 4)).astype("float32")
    inputs = keras.Input((8, 8, 4))
    h = keras.layers.Conv2D(8, 3, activation="relu", name="first")(inputs)
    h = keras.layers.Conv2D(16, 3, activation="relu", name="second")(h)
    h = keras.layers.GlobalAveragePooling2D()(h)
    plain = keras.Model(inputs, keras.layers.Dense(5, "softmax", name="classes")(h))
    model = keras_nest.nest(plain, (0.9, 0.7, 0.0))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.arange(32) % 5, epochs=2, verbose=0)
    return keras_nest.convert(model, x, target="cortex-m4")


@pytest.fixture(scope="module")
def facts(tflite: Any) -> report.ReportFacts:
    return report.gather(tflite, "model.tflite", scores=SCORES)


def test_facts_are_those_of_the_conversion(
    tflite: Any, facts: report.ReportFacts
) -> None:
    assert facts.target == "cortex-m4"
    assert [one.instructions for one in facts.levels] == tflite.report.instructions
    assert [one.macs for one in facts.levels] == keras_nest.describe(tflite).macs
    assert [one.score for one in facts.levels] == SCORES[1]
    nested = [one for one in facts.layers if one.facts.nested]
    for layer in nested:
        chosen = [
            one for one in layer.alternatives if one.encoding == layer.facts.encoding
        ]
        assert chosen[0].instructions == layer.instructions
        assert chosen[0].packed_bytes == layer.facts.packed_bytes
    assert facts.dense_instructions == sum(
        one.dense_instructions or 0 for one in nested
    )


def test_another_core(tflite: Any, facts: report.ReportFacts) -> None:
    other = report.gather(tflite, target="m55")
    assert other.target == "cortex-m55"
    assert other.levels[0].instructions != facts.levels[0].instructions
    assert other.metric is None and other.levels[0].score is None
    assert "Scores are not known" in report.html(other)


def test_scores_of_the_file_itself(tflite: Any) -> None:
    scored = keras_nest.annotate(tflite, [0.25, 0.5, 0.75], "accuracy", 40)
    found = report.gather(scored)
    assert (found.metric, found.samples) == ("accuracy", 40)
    assert [one.score for one in found.levels] == [0.25, 0.5, 0.75]


def test_a_plain_model_is_refused(tflite: Any) -> None:
    with pytest.raises(NestError, match="Expected a nested"):
        report.gather(keras_nest.extract(tflite, 0))


def test_the_page_needs_nothing_from_elsewhere(facts: report.ReportFacts) -> None:
    page = report.html(dataclasses.replace(facts, name="<a> & b.tflite"))
    assert not re.search(r"https?:|<script|<link|@import|url\(|src=", page)
    assert "<h1>&lt;a&gt; &amp; b.tflite</h1>" in page  # names are not markup
    for level in facts.levels:
        assert f"<td>{level.instructions:,}</td>" in page
    for text in ("50 %", "75 %", "87.5 %"):
        assert f"<td>{text}</td>" in page


def test_errors_are_no_percentages(facts: report.ReportFacts) -> None:
    levels = [dataclasses.replace(one, score=0.0123) for one in facts.levels]
    page = report.html(dataclasses.replace(facts, metric="mse", levels=levels))
    assert "<td>0.0123</td>" in page


def shown(page: Path, width: int) -> str:
    """The page's document after a browser has laid it out `width` pixels wide."""
    assert CHROMIUM is not None
    return subprocess.run(
        [
            CHROMIUM,
            *HEADLESS,
            f"--window-size={width},900",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [500, 1200])  # the least that Chromium opens
def test_a_browser_shows_it_without_scrolling_sideways(
    facts: report.ReportFacts, tmp_path: Path, width: int
) -> None:
    page = tmp_path / "report.html"
    probe = (
        "<script>document.title = [document.documentElement.scrollWidth, innerWidth, "
        "document.querySelector('.curve').getBoundingClientRect().width > 100, "
        "getComputedStyle(document.body).backgroundColor].join('|')</script></body>"
    )
    page.write_text(report.html(facts).replace("</body>", probe))
    title = re.search(r"<title>(.*?)</title>", shown(page, width))
    assert title is not None
    content, window, drawn, _ = title.group(1).split("|")
    assert int(content) <= int(window) and drawn == "true"
