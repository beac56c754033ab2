"""The spoken digits out of a clone: a small repository made here stands for theirs."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from keras_nest.errors import NestError

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None, reason="needs git: apt-get install git"
)

SCRIPTS = Path(__file__).parents[2] / "scripts"
SPEAKERS = ("ann", "bob")
TAKES = 7


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("spoken_digits")


def git(folder: Path, *command: str) -> str:
    settings = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run(
        ["git", "-C", str(folder), *settings, *command],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def repository(
    digits: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Path:
    """A tone for each digit, longer and shorter than a second."""
    root = tmp_path / "theirs"
    (root / "recordings").mkdir(parents=True)
    for digit in range(10):
        for speaker in SPEAKERS:
            for take in range(TAKES):
                time = np.arange(4000 + 2000 * take) / 8000
                tone = 9000 * np.sin(2 * np.pi * (300 + 200 * digit) * time)
                path = root / "recordings" / f"{digit}_{speaker}_{take}.wav"
                with wave.open(str(path), "wb") as recording:
                    recording.setnchannels(1)
                    recording.setsampwidth(2)
                    recording.setframerate(8000)
                    recording.writeframes(tone.astype("<i2").tobytes())
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=recordings")
    git(root, "tag", digits.TAG)
    monkeypatch.setattr(digits, "REPOSITORY", root.as_uri())
    monkeypatch.setattr(digits, "COMMIT", git(root, "rev-parse", "HEAD"))
    return root


def test_takes_are_split(
    digits: ModuleType,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (x, y), (x_test, y_test) = digits.spoken_digits(tmp_path)
    assert x.shape == (10 * 2 * (TAKES - 5), 51, digits.MELS) and x.dtype == np.float32
    assert x_test.shape == (10 * 2 * 5, 51, digits.MELS)
    # Of every take all digits of all speakers, one take after the other.
    assert y.tolist() == [*range(10), *range(10)] * (TAKES - 5)
    assert np.bincount(y_test).tolist() == [10] * 10
    assert abs(x.mean()) < 1e-3 and abs(x.std() - 1) < 1e-3
    # The digit's tone is its loudest band: they rise with the digit.
    loudest = x[:10].mean(axis=1).argmax(axis=1)
    assert (np.diff(loudest) >= 0).all() and loudest[9] > loudest[0] + 5
    # Take 0 is half a second: silence from there on.
    assert x_test[0, 30:].max() < x_test[0, :20].max() - 1
    monkeypatch.setattr(digits, "REPOSITORY", "file:///nowhere")
    again, _ = digits.spoken_digits(tmp_path)  # what is there is not fetched again
    assert np.array_equal(again[0], x)


def test_another_commit_is_refused(
    digits: ModuleType,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(digits, "COMMIT", "0" * 40)
    with pytest.raises(NestError, match=f"at commit {'0' * 40}.*Received: [0-9a-f]"):
        digits.spoken_digits(tmp_path)


def test_without_a_network(
    digits: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "REPOSITORY", (tmp_path / "nowhere").as_uri())
    with pytest.raises(NestError, match="nowhere") as raised:
        digits.spoken_digits(tmp_path)
    assert digits.TAG in str(raised.value)
    assert not (tmp_path / "spoken-digits").exists()
