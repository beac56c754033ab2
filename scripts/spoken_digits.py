"""Recorded digits as log-mel spectrograms; see `spoken_digits`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
from get_data import Array, Split
from voice_prompts import RATE, read_wave

from keras_nest.errors import NestError

REPOSITORY = "https://github.com/Jakobovski/free-spoken-digit-dataset.git"
TAG = "v1.0.10"
COMMIT = "d6938f9bf1545aa66d8489fc9f1385a7abd64282"

TEST_TAKES = 5  # as the data set's own README splits it
FRAME, HOP, MELS = 256, 160, 20  # 32 ms every 20 ms


def spoken_digits(cache_dir: str | Path = ".cache") -> tuple[Split, Split]:
    """Free Spoken Digit Dataset (Jackson et al., v1.0.10; CC BY-SA 4.0).

    3,000 recordings of the ten English digits by six speakers, fifty takes each. Cloned
    once into the cache; its commit is checked.

    Args:
        cache_dir: Folder for what is fetched; made if missing.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float32 spectrograms of one second
        [2700, 51, 20] and [300, 51, 20], logarithmic, of mean 0 and deviation 1 over
        the training data, and uint8 labels 0..9. Takes 0 to 4 of every digit and
        speaker are test data. The others are in the order of the takes, so that the
        last ones of them hold every digit and speaker too.

    Raises:
        NestError: If it cannot be cloned, or is another than expected.
    """
    folder = _folder(Path(cache_dir) / "spoken-digits")
    facts = sorted(
        (int(take), speaker, int(digit), path)
        for path in (folder / "recordings").glob("*.wav")
        for digit, speaker, take in [path.stem.split("_")]
    )
    x = _log_mel([read_wave(path) for *_, path in facts])
    y = np.array([digit for _, _, digit, _ in facts], np.uint8)
    test = np.array([take < TEST_TAKES for take, *_ in facts])
    x = (x - x[~test].mean()) / x[~test].std()
    return (x[~test], y[~test]), (x[test], y[test])


def _folder(folder: Path) -> Path:
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")  # what is there is complete
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        clone = ["git", "clone", "--quiet", "--depth=1", f"--branch={TAG}"]
        try:
            subprocess.run(
                [*clone, REPOSITORY, str(part)],
                check=True,
                capture_output=True,
                text=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise NestError(
                f"Cannot clone {REPOSITORY}: {getattr(error, 'stderr', '') or error}",
                hint=f"Install git and connect to the internet, or put a clone of its "
                f"tag {TAG} to {folder}.",
            ) from error
        part.replace(folder)
    head = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    if head != COMMIT:
        raise NestError(
            f"Expected {folder} at commit {COMMIT} of {REPOSITORY}. "
            f"Received: {head or 'no clone'}",
            hint="Remove the folder and try again.",
        )
    return folder


def _log_mel(recordings: list[Array]) -> Array:
    """int16 samples to decibels [N, frames, MELS]; a second each, cut or padded."""
    import keras

    seconds = np.zeros((len(recordings), RATE), np.float32)
    for row, recording in zip(seconds, recordings, strict=True):
        row[: len(recording)] = recording[:RATE] / np.float32(32768)
    bands = keras.layers.MelSpectrogram(
        fft_length=FRAME, sequence_stride=HOP, sampling_rate=RATE, num_mel_bins=MELS
    )
    decibels: Array = keras.ops.convert_to_numpy(bands(seconds))
    return decibels.transpose(0, 2, 1).astype(np.float32)
