"""Shoulder exercises as a wrist watch's motion sensors see them; see `watch_imu`."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from get_data import Array, Split, download_wheel

# Read for its data set alone; never installed, none of its code is run.
SEGLEARN = "seglearn==1.2.5"
SEGLEARN_SHA256 = "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd"
MEMBER = "seglearn/data/watch_dataset.npy"

CLASSES = (
    *("pendulum", "abduction", "forward elevation", "internal rotation"),
    *("external rotation", "trapezius extension", "row"),
)
STEPS, HOP = 100, 50  # of a window and between windows, at 50 a second
TEST_SUBJECTS = (9, 10)


def watch_imu(cache_dir: str | Path = ".cache") -> tuple[Split, Split]:
    """Seven exercises of ten people (Burns et al. 2018; in seglearn, BSD licence).

    "Shoulder physiotherapy exercise recognition: machine learning the inertial signals
    from a smartwatch", Physiological Measurement 39(7). Out of seglearn's wheel on PyPI
    (11 MB), downloaded once.

    Args:
        cache_dir: Folder for what is fetched; made if missing.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: windows of two seconds, float32
        [N, 100, 6] (acceleration in g, rotation in rad/s; x, y, z of each), uint8
        labels 0..6 as `CLASSES`. The test windows are those of two people of whom
        nothing is in the others.

    Raises:
        NestError: If the wheel cannot be downloaded, or is another than expected.
    """
    folder = Path(cache_dir) / "seglearn"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = download_wheel(SEGLEARN, SEGLEARN_SHA256, folder)
    with zipfile.ZipFile(wheel) as files:
        facts = read_pickled(files.read(MEMBER))
    is_test = np.isin(facts["subject"], TEST_SUBJECTS)
    return _windows(facts, ~is_test), _windows(facts, is_test)


def read_pickled(content: bytes) -> Any:
    """The object in a .npy, if it is made of numpy arrays and plain values alone.

    Raises:
        pickle.UnpicklingError: If it names anything else, that loading could run.
    """
    stream = io.BytesIO(content)
    np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    np.lib.format.read_array_header_1_0(stream)  # type: ignore[no-untyped-call]
    return _ArraysOnly(stream, encoding="latin1").load().item()


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("numpy", "_reconstruct"): np.zeros(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("numpy", "scalar"): np.float64(0).__reduce__()[0],
            ("_codecs", "encode"): _encoded,
        }
        found = known.get((module.partition(".")[0], name))
        if found is None:
            raise pickle.UnpicklingError(f"Expected arrays. Received: {module}.{name}")
        return found


def _encoded(text: str, encoding: str) -> bytes:
    """How old pickles write bytes."""
    return text.encode("latin1")


def _windows(facts: dict[str, Any], wanted: Array) -> Split:
    """Windows of the wanted recordings, which are of one exercise each."""
    x, y = [], []
    for series, label in zip(
        (one for one, want in zip(facts["X"], wanted, strict=True) if want),
        facts["y"][wanted],
        strict=True,
    ):
        for start in range(0, len(series) - STEPS + 1, HOP):
            x.append(series[start : start + STEPS])
            y.append(label)
    return np.array(x, np.float32), np.array(y, np.uint8)
