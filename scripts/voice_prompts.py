"""Recorded telephone prompts in three languages; see `voice_prompts`."""

from __future__ import annotations

import shutil
import subprocess
import wave
import zlib
from pathlib import Path

import numpy as np
from get_data import Array, unpack_debian

from keras_nest.errors import NestError

SOUNDS = Path("usr/share/asterisk/sounds")
# One voice speaks the first two, so that a voice alone does not tell them apart.
LANGUAGES = {
    "English": ("asterisk-core-sounds-en-wav", "en_US_f_Allison"),
    "Spanish": ("asterisk-core-sounds-es-wav", "es_MX_f_Allison"),
    "French": ("asterisk-core-sounds-fr-wav", "fr_CA_f_June"),
}
RATE = 8000  # samples a second
TEST_SHARE = 5  # a fifth of the prompts

Prompts = tuple[list[Array], Array]


def voice_prompts(cache_dir: str | Path = ".cache") -> tuple[Prompts, Prompts]:
    """What the Asterisk telephone exchange says, read by two women (CC BY-SA 3.0).

    English and Spanish by Allison Smith, French by June Wallack; some 500 recordings of
    each language, about 80 minutes in all. From Debian's packages where they are
    installed, else they are unpacked into the cache (60 MB; apt checks signatures).

    Args:
        cache_dir: Folder for what is fetched; made if missing.

    Returns:
        `(recordings, y), (test_recordings, y_test)`: int16 arrays of some length, 8000
        samples a second, and uint8 labels, the place in `LANGUAGES`. A sentence is in
        one of the two splits, in all languages.

    Raises:
        NestError: If the packages are not installed and cannot be had.
    """
    splits: tuple[tuple[list[Array], list[int]], ...] = (([], []), ([], []))
    for label, (package, name) in enumerate(LANGUAGES.values()):
        folder = _folder(package, name, Path(cache_dir) / "voice-prompts")
        for path in sorted(folder.rglob("*.wav")):
            sentence = str(path.relative_to(folder))
            if sentence.startswith("silence"):
                continue
            is_test = zlib.crc32(sentence.encode()) % TEST_SHARE == 0
            recordings, labels = splits[is_test]
            recordings.append(read_wave(path))
            labels.append(label)
    train, test = ((x, np.array(y, np.uint8)) for x, y in splits)
    return train, test


def _folder(package: str, name: str, cache: Path) -> Path:
    unpacked = cache / package
    for root in (Path("/"), unpacked):
        if (root / SOUNDS / name).is_dir():
            return root / SOUNDS / name
    part = cache / f"{package}.part"  # so that what is there is complete
    shutil.rmtree(part, ignore_errors=True)
    try:
        unpack_debian(package, part)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NestError(
            f"Cannot get {package}: {getattr(error, 'stderr', '') or error}",
            hint="It is in Debian and Ubuntu. Elsewhere unpack it from their archive, "
            f"so that {unpacked / SOUNDS / name} has the .wav files.",
        ) from error
    part.replace(unpacked)
    return unpacked / SOUNDS / name


def read_wave(path: Path) -> Array:
    """int16 samples of a recording of one channel at `RATE`.

    Raises:
        NestError: If it is of another kind.
    """
    with wave.open(str(path)) as recording:
        if (recording.getframerate(), recording.getnchannels()) != (RATE, 1):
            raise NestError(f"Expected one channel at {RATE} Hz. Received: {path}")
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
