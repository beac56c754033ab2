"""Each command does its job and prints facts that hold."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]


def test_convert_writes_the_same_file_as_the_function(
    command: Command, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "again.tflite"
    result = command(
        "convert", files / "model.keras", "--data", files / "x.npy", "-o", out
    )
    assert result.code == 0, result.err
    assert out.read_bytes() == (files / "model.tflite").read_bytes()
    assert "second" in result.out


def test_convert_json_is_json_alone(
    command: Command, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model.tflite"
    result = command(
        "convert", files / "model.keras", "--data", files / "x.npy", "-o", out, "--json"
    )
    assert result.code == 0, result.err
    assert result.json["bytes"] == out.stat().st_size


def test_target_and_optimize_choose_the_encodings(
    command: Command, files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "fast.tflite"
    arguments = ("convert", files / "model.keras", "--data", files / "x.npy", "-o", out)
    shown = command(*arguments, "--target", "m4")
    assert shown.code == 0, shown.err
    for words in ("level 2", "scratch", "offsets", "fastest", "cortex-m4", "within"):
        assert words in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100
    facts = command(*arguments, "--target", "cortex-m4", "--json").json
    assert (facts["target"], facts["optimize"]) == ("cortex-m4", "speed")
    for entry in facts["entries"]:
        if entry["nested"]:
            assert len(entry["instructions"]) == LEVELS
            assert f"{entry['scratch_bytes']:,}" in shown.out
            assert f"{entry['instructions'][0] / 1000:,.1f}" in shown.out
    fast = command("inspect", out, "--json").json
    small = command("inspect", files / "model.tflite", "--json").json
    assert small["packed_bytes"] < fast["packed_bytes"]
    assert small["macs"] == fast["macs"]
    smaller = command(*arguments, "--target", "m4", "--optimize", "size", "--json")
    assert smaller.json["bytes"] <= facts["bytes"]
    limited = command(*arguments, "--target", "m4", "--max-scratch", 16)
    assert limited.code == 1
    assert "scratch on cortex-m4" in limited.err
    assert "Allow " in limited.err
    assert command(*arguments, "--target", "cortex-a53").code == 2
    assert command(*arguments, "--max-scratch", 0).code == 2


def test_pattern_that_does_not_suit_is_warned_of(
    command: Command, tmp_path: Path
) -> None:
    import keras

    import keras_nest

    inputs = keras.Input((64,))
    plain = keras.Model(inputs, keras.layers.Dense(32, name="wide")(inputs))
    model = keras_nest.nest(plain, (0.3,), pattern="element")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", np.eye(4, 64, dtype=np.float32))
    arguments = ("--data", tmp_path / "x.npy", "-o", tmp_path / "model.tflite")
    result = command(
        "convert", tmp_path / "model.keras", *arguments, "--target", "m55", "--json"
    )
    assert result.code == 0, result.err
    untrained, warning = result.json["warnings"]
    assert "has not been trained" in untrained
    assert warning.startswith("Pattern element of wide gains nothing over dense")
    assert f"Warning: {warning}" in result.err


def test_inspect_shows_every_nested_layer(command: Command, files: Path) -> None:
    result = command("inspect", files / "model.tflite")
    assert result.code == 0, result.err
    assert "second" in result.out
    facts = command("inspect", files / "model.tflite", "--json").json
    assert facts["levels"] == LEVELS
    assert facts["file_bytes"] == (files / "model.tflite").stat().st_size


def test_run_gives_what_the_interpreter_gives(
    command: Command, files: Path, tmp_path: Path
) -> None:
    import keras_nest

    out = tmp_path / "outputs.npz"
    result = command(
        "run", files / "model.tflite", "--data", files / "x.npy", "-o", out, "--json"
    )
    assert result.code == 0, result.err
    assert [level["level"] for level in result.json["levels"]] == [0, 1, 2]
    assert result.json["host_arena_bytes"] > 0
    interpreter = keras_nest.Interpreter(files / "model.tflite")
    x = np.load(files / "x.npy")
    with np.load(out) as saved:
        for level in range(LEVELS):
            np.testing.assert_array_equal(
                saved[f"level_{level}"], interpreter.predict(x, level=level)
            )


@pytest.mark.parametrize("level", range(LEVELS))
def test_extract_computes_the_bytes_of_its_level(
    command: Command, files: Path, tmp_path: Path, level: int
) -> None:
    import keras_nest

    plain = tmp_path / "plain.tflite"
    result = command(
        "extract", files / "model.tflite", "--level", level, "-o", plain, "--json"
    )
    assert result.code == 0, result.err
    assert result.json["level"] == level
    x = np.load(files / "x.npy")
    np.testing.assert_array_equal(
        keras_nest.Interpreter(plain).predict(x),
        keras_nest.Interpreter(files / "model.tflite").predict(x, level=level),
    )


def test_evaluate_scores_float_and_int8(command: Command, files: Path) -> None:
    import keras

    result = command(
        "evaluate",
        files / "model.keras",
        files / "model.tflite",
        "--data",
        files / "test.npz",
        "--json",
    )
    assert result.code == 0, result.err
    kinds = {model["kind"]: model for model in result.json["models"]}
    assert set(kinds) == {"float32 (Keras)", "int8 (TFLM)"}
    model = keras.saving.load_model(files / "model.keras")
    with np.load(files / "test.npz") as test:
        for level, value in enumerate(kinds["float32 (Keras)"]["levels"]):
            outputs = np.asarray(model.level(level).predict(test["x"], verbose=0))
            assert value == pytest.approx(np.mean(outputs.argmax(1) == test["y"]))
    assert len(kinds["int8 (TFLM)"]["levels"]) == LEVELS
    table = command("evaluate", files / "model.tflite", "--data", files / "test.npz")
    assert table.code == 0
    assert "int8 (TFLM)" in table.out


def test_import_registers_own_layers(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module beside the model, named with --import, makes its layer loadable."""
    (tmp_path / "own_layers_of_a_test.py").write_text(
        "import keras\n"
        "@keras.saving.register_keras_serializable('own')\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import keras
    import own_layers_of_a_test as own

    keras.Sequential([keras.Input((4,)), own.Twice()]).save("twice.keras")
    # As in a fresh process, where nobody imported the module.
    del keras.saving.get_custom_objects()["own>Twice"]
    del sys.modules["own_layers_of_a_test"]
    # The command itself looks into the current folder.
    sys.path.remove(str(tmp_path))
    np.savez("test.npz", x=np.ones((2, 4), "float32"), y=np.full((2, 4), 2.0))
    arguments = ("evaluate", "twice.keras", "--data", "test.npz", "--json")
    result = command(*arguments, "--import", "own_layers_of_a_test")
    assert result.code == 0, result.err
    assert result.json["models"][0]["levels"] == [0.0]
