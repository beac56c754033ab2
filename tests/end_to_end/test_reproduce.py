"""The comparison's runs on a small net: what they leave, and going on where stopped."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
SPARSITIES = (0.8, 0.5)


def small(shape: tuple[int, int, int]) -> keras.Model:
    x = inputs = keras.Input(shape)
    for number, strides in enumerate((2, 1, 1)):
        x = layers.Conv2D(8, 3, strides, padding="same", name=f"conv{number}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, "softmax", name="classes")(x))


@pytest.fixture
def reproduce(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The modules of scripts/reproduce, with a small net and random data."""
    monkeypatch.syspath_prepend(SCRIPTS)
    names = ("columns", "data", "execute", "networks", "queue", "runs", "training")
    modules = {name: importlib.import_module(f"reproduce.{name}") for name in names}
    found = SimpleNamespace(**modules)
    monkeypatch.setitem(found.networks.NETWORKS, "small", small)

    def load(name: str, cache: Path, **_: Any) -> Any:
        rng = np.random.default_rng(0)

        def part(count: int) -> Any:
            images = rng.uniform(0, 1, (count, 8, 8, 1)).astype("float32")
            return images, rng.integers(0, 10, count).astype("int32")

        return found.data.Data(part(256), part(32), part(32))

    monkeypatch.setattr(found.data, "load", load)
    return found


def run_of(reproduce: SimpleNamespace, column: str, **values: Any) -> Any:
    common = {"network": "small", "data": "fashion_mnist", "levels": SPARSITIES}
    return reproduce.runs.Run(column=column, **{**common, "epochs": 2, **values})


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("dense", {"levels": (0.0,)}),
        ("separate", {"levels": (0.8,)}),
        ("best", {}),
        ("best", {"levels": (0.5, 0.9), "unit": "macs"}),
        ("us-net", {}),
        ("reds", {"epochs": 3}),
        ("lcs", {}),
    ],
)
def test_a_run_leaves_one_result(
    reproduce: SimpleNamespace, tmp_path: Path, column: str, values: dict[str, Any]
) -> None:
    run = run_of(reproduce, column, **values)
    places = (tmp_path, tmp_path / "checkpoints", tmp_path / "results")
    reproduce.execute.execute(run, *places, "scripts/reproduce_fashion_mnist")
    (path,) = (tmp_path / "results").iterdir()
    facts = json.loads(path.read_text())
    assert reproduce.runs.Run.of(facts) == run and path.stem == run.name
    assert not list((tmp_path / "checkpoints").iterdir())
    assert [level["asked"] for level in facts["results"]] == list(run.levels)
    for key in ("validation", "test", "int8"):
        assert all(0 <= level[key] <= 1 for level in facts["results"])
    for key in ("macs", "instructions"):
        counts = [level[key] for level in facts["results"]]
        assert counts == sorted(counts) and counts[0] > 0
    assert facts["file"]["packed_bytes"] < facts["file"]["tflite_bytes"]
    training = facts["training"]
    assert training["samples"] == 256
    assert min(training[k] for k in ("seconds", "cpu_seconds", "peak_megabytes")) > 0
    assert facts["made_by"]["command"] == "scripts/reproduce_fashion_mnist"
    before = path.stat().st_mtime_ns
    reproduce.execute.execute(run, *places, "again")
    assert path.stat().st_mtime_ns == before  # what is done is not done again


def test_planned_levels_cost_what_sparsities_cost(reproduce: SimpleNamespace) -> None:
    budgets = reproduce.columns._budgets(run_of(reproduce, "best"), small((8, 8, 1)))
    # All but the first convolution: (1 - s) of 2 x 576 weights at 16 places, and of 80.
    stem, rest = 72 * 16, 2 * 576 * 16 + 80
    for share, sparsity in zip(budgets, SPARSITIES, strict=True):
        expected = (stem + (1 - sparsity) * rest) / (stem + rest)
        assert share == pytest.approx(expected, abs=2e-3)


def test_a_stopped_training_goes_on(reproduce: SimpleNamespace, tmp_path: Path) -> None:
    run = run_of(reproduce, "separate", levels=(0.5,), epochs=3)
    data = reproduce.data.load("", tmp_path)

    class StopHereError(Exception):
        pass

    checkpoints = reproduce.training._Checkpoints
    saved = checkpoints.on_epoch_end

    def stop_after(self: Any, epoch: int, logs: Any = None) -> None:
        saved(self, epoch, logs)
        if epoch == 1:
            raise StopHereError

    whole, _ = reproduce.columns.train(run, data, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "on_epoch_end", stop_after)
        with pytest.raises(StopHereError):
            reproduce.columns.train(run, data, tmp_path / "parts")
    parts, trainer = reproduce.columns.train(run, data, tmp_path / "parts")
    assert trainer.clock.epochs == {"all": 3}
    # The same numbers from the same order of samples, but for sums of threads.
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_a_result_of_other_settings_is_not_taken(
    reproduce: SimpleNamespace, tmp_path: Path
) -> None:
    run = run_of(reproduce, "best", epochs=2)
    facts = {"results": [], "file": {}}
    reproduce.runs.save_result(run, facts, tmp_path)
    assert reproduce.runs.is_done(run, tmp_path)
    with pytest.raises(ValueError, match="Received: that of"):
        reproduce.runs.is_done(run_of(reproduce, "best", epochs=3), tmp_path)


def test_a_failed_run_does_not_stop_the_others(
    reproduce: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = reproduce.queue
    started: list[str] = []

    def call(command: list[str], **options: Any) -> int:
        assert options["env"]["TF_NUM_INTRAOP_THREADS"] == "1"
        asked = reproduce.runs.Run.of(json.loads(command[3]))
        started.append(asked.name)
        options["stdout"].write("what it said\n")
        if asked.seed == 2:
            return 1
        reproduce.runs.save_result(asked, {"results": []}, Path(command[6]))
        return 0

    monkeypatch.setattr(queue.subprocess, "call", call)
    folders = queue.Folders(tmp_path, tmp_path / "checkpoints", tmp_path / "results")
    todo = [run_of(reproduce, "best", seed=seed) for seed in (1, 2, 3)]
    assert queue.work_off(todo, folders, 1, "command") == 1
    assert started == [run.name for run in todo]
    log = tmp_path / "checkpoints" / f"{todo[1].name}.log"
    assert log.read_text() == "what it said\n"
    # The next time only the one that failed is left.
    started.clear()
    assert queue.work_off(todo, folders, 2, "command") == 1
    assert started == [todo[1].name]


def test_the_command_in_quick(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "reproduce", "ablations", "--quick"),
            *("--only", "base", f"--cache={ROOT / '.cache'}", f"--out={tmp_path}"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{SCRIPTS}:{ROOT}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "ablations.csv",
        "ablations.md",
        "out",
        "runs",
    }
    assert "| Best | as it is | 1 |" in done.stdout
