"""The prompts out of their packages: small recordings made here stand for them."""

from __future__ import annotations

import importlib
import subprocess
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from keras_nest.errors import NestError

SCRIPTS = Path(__file__).parents[2] / "scripts"
SENTENCES = [f"digits/{number}.wav" for number in range(20)]


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    module = importlib.import_module("voice_prompts")
    # Not those of this machine, if the packages are installed.
    monkeypatch.setattr(module, "SOUNDS", Path("usr/share/made-up-sounds"))
    return module


def write(path: Path, samples: list[int], rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(rate)
        recording.writeframes(np.array(samples, "<i2").tobytes())


def test_a_sentence_is_in_one_split_in_all_languages(
    prompts: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unpacked = []

    def unpack(package: str, folder: Path) -> None:
        language = [one for one, _ in prompts.LANGUAGES.values()].index(package)
        _, name = list(prompts.LANGUAGES.values())[language]
        for number, sentence in enumerate(SENTENCES):
            write(folder / prompts.SOUNDS / name / sentence, [number, -7, language])
        write(folder / prompts.SOUNDS / name / "silence/1.wav", [0])
        unpacked.append(package)

    monkeypatch.setattr(prompts, "unpack_debian", unpack)
    for _ in range(2):
        (x, y), (x_test, y_test) = prompts.voice_prompts(tmp_path)
    assert len(unpacked) == len(prompts.LANGUAGES) == 3  # the second time it was there
    for recordings, labels in ((x, y), (x_test, y_test)):
        assert [one[1:].tolist() for one in recordings] == [[-7, n] for n in labels]
        first, *others = (
            {one[0] for one in np.array(recordings)[labels == label]}
            for label in range(3)
        )
        assert first and others == [first, first]
    train, test = ({one[0] for one in recordings} for recordings in (x, x_test))
    assert not train & test and len(train | test) == len(SENTENCES)


def test_recordings_of_another_kind(prompts: ModuleType, tmp_path: Path) -> None:
    for package, name in prompts.LANGUAGES.values():
        folder = tmp_path / "voice-prompts" / package / prompts.SOUNDS / name
        write(folder / "hello.wav", [1, 2], rate=16000)
    with pytest.raises(NestError, match="Expected one channel at 8000 Hz"):
        prompts.voice_prompts(tmp_path)


def test_without_the_package(
    prompts: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unpack(package: str, folder: Path) -> None:
        raise subprocess.CalledProcessError(100, "apt-get", stderr="E: no such package")

    monkeypatch.setattr(prompts, "unpack_debian", unpack)
    with pytest.raises(NestError, match="no such package") as raised:
        prompts.voice_prompts(tmp_path)
    assert "en_US_f_Allison" in str(raised.value)
