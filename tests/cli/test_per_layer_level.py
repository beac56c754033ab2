"""`--per-layer-level` through the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def vector(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    import keras_nest

    model = keras.saving.load_model(files / "model.keras")
    path: Path = tmp_path_factory.mktemp("vector") / "vector.tflite"
    x = np.load(files / "x.npy")
    keras_nest.convert(model, x, per_layer_level=True).save(path)
    return path


def test_convert_and_inspect_list_the_entries(
    command: Command, files: Path, vector: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model.tflite"
    arguments = ("convert", files / "model.keras", "--data", files / "x.npy")
    shown = command(*arguments, "-o", out, "--per-layer-level")
    assert shown.code == 0, shown.err
    assert out.read_bytes() == vector.read_bytes()
    facts = command("inspect", out, "--json").json
    assert facts["level_layers"] == ["second", "classes"]
    for text in (shown.out, command("inspect", out).out):
        assert "0 second, 1 classes" in text


def test_run_and_extract_take_a_level_for_each_layer(
    command: Command, files: Path, vector: Path, tmp_path: Path
) -> None:
    saved, plain = tmp_path / "out.npz", tmp_path / "plain.tflite"
    result = command(
        *("run", vector, "--data", files / "x.npy", "--level", "0,2"),
        *("-o", saved, "--json"),
    )
    assert result.code == 0, result.err
    assert [one["level"] for one in result.json["levels"]] == [[0, 2]]
    assert command("extract", vector, "--level", "0,2", "-o", plain).code == 0
    alone = tmp_path / "alone.npz"
    assert command("run", plain, "--data", files / "x.npy", "-o", alone).code == 0
    with np.load(saved) as mixed, np.load(alone) as expected:
        np.testing.assert_array_equal(mixed["level_0_2"], expected["plain"])
    table = command("run", vector, "--data", files / "x.npy", "--level", "0,2")
    assert "0,2" in table.out


def test_evaluate_runs_all_layers_at_each_level(
    command: Command, files: Path, vector: Path
) -> None:
    arguments = ("--data", files / "test.npz", "--json")
    each = command("evaluate", vector, *arguments).json["models"][0]["levels"]
    one = command("evaluate", files / "model.tflite", *arguments).json["models"][0]
    assert each == one["levels"] and len(each) == LEVELS


def test_levels_that_do_not_fit(
    command: Command, files: Path, vector: Path, tmp_path: Path
) -> None:
    data = ("--data", files / "x.npy")
    wrong = command("run", vector, *data, "--level", "0,1,2")
    assert wrong.code == 1
    assert "second, classes" in wrong.err
    scalar = command("run", files / "model.tflite", *data, "--level", "0,1")
    assert scalar.code == 1
    assert "per_layer_level" in scalar.err
    plain = tmp_path / "plain.tflite"
    for text in ("a", "0,", "0.5", ""):
        assert command("run", vector, *data, "--level", text).code == 2
        assert command("extract", vector, "--level", text, "-o", plain).code == 2
    assert not plain.exists()
