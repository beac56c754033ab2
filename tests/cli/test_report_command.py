"""The command `report`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]


def test_the_page_has_what_evaluate_measures(
    command: Command, files: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    model, data = files / "model.tflite", files / "test.npz"
    result = command("report", model, "--data", data, "-o", page, "--json")
    assert result.code == 0, result.err
    (scores,) = command("evaluate", model, "--data", data, "--json").json["models"]
    assert [level["score"] for level in result.json["levels"]] == scores["levels"]
    assert (result.json["metric"], result.json["samples"]) == ("accuracy", 20)
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "20 samples" in text
    assert text.count("level 0") > LEVELS  # in the chart, and of every layer


def test_it_needs_a_place_to_write_to(command: Command, files: Path) -> None:
    result = command("report", files / "model.tflite")
    assert result.code == 1
    assert "-o report.html" in result.err
    assert command("report", files / "model.tflite", "--json").json["metric"] is None


def test_nothing_is_written_of_a_plain_model(
    command: Command, files: Path, tmp_path: Path
) -> None:
    plain, page = tmp_path / "plain.tflite", tmp_path / "report.html"
    command("extract", files / "model.tflite", "--level", 0, "-o", plain)
    result = command("report", plain, "-o", page)
    assert result.code == 1
    assert "Expected a nested .tflite" in result.err
    assert not page.exists()
