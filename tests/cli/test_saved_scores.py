"""`evaluate --save` and what `inspect` then shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]


@pytest.fixture
def model(files: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(files / "model.tflite", tmp_path / "model.tflite"))


def test_inspect_says_what_is_not_known_yet(command: Command, model: Path) -> None:
    facts = command("inspect", model, "--json").json["metadata"]
    assert [one["score"] for one in facts["levels"]] == [None] * LEVELS
    assert facts["converted_for"] == "generic"
    shown = command("inspect", model)
    assert "keras-nest evaluate --save" in shown.out
    assert "generic *" in shown.out
    assert f"{facts['instructions']['cortex-m4'][0]:,}" in shown.out


def test_saved_scores_are_those_measured(
    command: Command, files: Path, model: Path
) -> None:
    result = command(
        *("evaluate", files / "model.keras", model, "--data", files / "test.npz"),
        *("--save", "--json"),
    )
    assert result.code == 0, result.err
    measured = result.json["models"][1]
    facts = command("inspect", model, "--json").json["metadata"]
    assert facts["metric"] == "accuracy"
    assert facts["samples"] == 20
    assert [one["score"] for one in facts["levels"]] == measured["levels"]
    assert f"{100 * measured['levels'][0]:.2f} %" in command("inspect", model).out
    # The file still computes what it did.
    again = command("evaluate", model, "--data", files / "test.npz", "--json")
    assert again.json["models"][0]["levels"] == measured["levels"]


def test_extracted_level_shows_its_score(
    command: Command, files: Path, model: Path, tmp_path: Path
) -> None:
    command("evaluate", model, "--data", files / "test.npz", "--save")
    scores = command("inspect", model, "--json").json["metadata"]["levels"]
    plain = tmp_path / "plain.tflite"
    assert command("extract", model, "--level", 1, "-o", plain).code == 0
    (kept,) = command("inspect", plain, "--json").json["metadata"]["levels"]
    assert kept["score"] == scores[1]["score"]
    assert command("inspect", plain).code == 0


def test_nothing_to_save_in_is_said_before_anything_runs(
    command: Command, files: Path
) -> None:
    result = command(
        "evaluate", files / "model.keras", "--data", "missing.npz", "--save"
    )
    assert result.code == 1
    assert "a .tflite to save scores in" in result.err
