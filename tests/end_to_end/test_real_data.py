"""The whole path on real images: the quickstart's own script, made short."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("quickstart")
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "scripts" / "quickstart.py"),
            "--epochs=4",
            "--train-samples=8000",
            "--test-samples=500",
            "--check",
            f"--out={out}",
            f"--cache={ROOT / '.cache'}",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def report_of(quickstart: tuple[Path, str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((quickstart[0] / "report.json").read_text())
    return report


def test_every_level_learns_and_survives_int8(quickstart: tuple[Path, str]) -> None:
    rows = report_of(quickstart)["levels"]
    assert [row["level"] for row in rows] == [0, 1, 2]
    for row in rows:
        # Guessing gives 10 %; 8,000 images and 4 epochs gave 64 to 80 %.
        assert row["accuracy_float"] > 0.55
        # 500 images: one point is 5 images. On all 10,000 the difference is 0.1.
        assert abs(row["accuracy_int8"] - row["accuracy_float"]) <= 0.02
    macs = [row["macs"] for row in rows]
    assert macs == sorted(macs) and macs[0] < 0.15 * macs[-1]


def test_every_byte_equals_the_extracted_models(quickstart: tuple[Path, str]) -> None:
    assert report_of(quickstart)["equal_to_extracted"] == [True, True, True]


def test_leaves_what_it_says(quickstart: tuple[Path, str]) -> None:
    out, text = quickstart
    names = {path.name for path in out.iterdir()}
    assert names == {
        "model.keras",
        "model.tflite",
        "samples.npy",
        "test.npz",
        "report.json",
        "accuracy.png",
    }
    assert (out / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    assert "One .tflite, three networks" in text
