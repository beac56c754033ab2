"""Every example, made quick: on its real data, through to int8 in TFLM."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

import keras_nest
from keras_nest import evaluation

ROOT = Path(__file__).parents[2]
# Well above the share of the most frequent class, which is behind it.
LEAST = {
    "audio": 0.43,  # 0.37
    "finetune": 0.3,  # 0.1
    "image": 0.3,  # 0.1
    "sensor": 0.3,  # 0.18
}


def test_all_examples_are_tested() -> None:
    scripts = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert scripts == {*LEAST, "common"}


@pytest.mark.parametrize("name", LEAST)
def test_levels_learn_and_cost_less(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples")
    # "common" adds it, but only where it is first imported.
    monkeypatch.syspath_prepend(ROOT / "scripts")
    example = importlib.import_module(name)
    rows = example.main(["--quick", "--out", str(tmp_path)])
    assert len(rows) == 3
    assert rows[-1]["accuracy"] > LEAST[name]
    for cost in ("macs", "weight_bytes", "instructions"):
        sparse, middle, dense = (row[cost] for row in rows)
        assert sparse < middle < dense, cost
    with np.load(tmp_path / "test.npz") as test:
        run = evaluation.run_levels(str(tmp_path / "model.tflite"), test["x"][:20], 0)
        plain = keras_nest.extract((tmp_path / "model.tflite").read_bytes(), 0)
        again = evaluation.run_levels(plain, test["x"][:20])
    np.testing.assert_array_equal(run.runs[0].outputs, again.runs[0].outputs)
