"""`keras-nest plan` and its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Result
from tests.training.test_planned_instructions import network

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("plan") / "model.keras"
    network().save(path)
    return path


def test_plan_prints_why_and_writes_a_file(
    command: Command, model: Path, tmp_path: Path
) -> None:
    import keras

    import keras_nest

    out = tmp_path / "plan.json"
    arguments = ("plan", model, "--target", "m4", "--budget", "0.4,0.7,1.0", "-o", out)
    shown = command(*arguments)
    assert shown.code == 0, shown.err
    for words in ("pointwise", "kept", "40.0% asked", "Flash: ", "RAM: ", "cortex-m4"):
        assert words in shown.out
    plan = keras_nest.load_plan(out)
    nested = keras_nest.nest(keras.saving.load_model(model), plan)
    assert len(nested.sparsities) == 3
    facts = command(*arguments, "--json").json
    assert facts == plan.facts
    assert (facts["target"], facts["optimize"], facts["version"]) == (
        "cortex-m4",
        "speed",
        1,
    )
    for share, cost in zip((0.4, 0.7, 1.0), facts["costs"], strict=True):
        assert cost <= share * facts["dense_cost"]
    flash = facts["predicted"]["packed_bytes"]
    fits = command(*arguments, "--json", "--max-flash", flash).json
    assert fits["predicted"] == facts["predicted"]


def test_what_cannot_be_is_refused(
    command: Command, files: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    arguments = ("plan", model, "-o", out, "--budget")
    assert command(*arguments, "a,b").code == 2
    for text, words in (
        ("0.5,0.4", "rise from level to level"),
        ("0.01,0.5", "the smallest that can be met"),
        ("0.5,2", "at most 1"),
    ):
        refused = command(*arguments, text)
        assert refused.code == 1
        assert words in refused.err.replace("\n", " ")
    small = command(*arguments, "0.5,1.0", "--max-ram", 10)
    assert small.code == 1 and "bytes of RAM" in small.err
    nested = command("plan", files / "model.keras", "--budget", "0.5,1.0")
    assert nested.code == 1 and "nested already" in nested.err
    assert not out.exists()
