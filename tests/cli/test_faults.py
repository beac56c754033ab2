"""Kills, full disks and odd places: no file is ever taken for whole that is not."""

from __future__ import annotations

import collections
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]
KILLS = 25  # of each of four writers


def test_killed_at_random_times(files: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.cli.kill_at_random",
            *(files / name for name in ("model.keras", "x.npy", "model.tflite")),
            tmp_path,
            str(KILLS),
        ],
        # The one backend without threads, which a fork would lose.
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    found: collections.Counter[str] = collections.Counter()
    for count, kind in re.findall(r"(\d+) (\w+)", done.stdout):
        found[kind] += int(count)
    assert found.total() == 4 * KILLS
    assert "PART" not in found
    # Otherwise none was killed on its way, or none got anywhere.
    assert 0 < found["new"] < 4 * KILLS


def writers(files: Path, target: Path) -> dict[str, list[object]]:
    tflite = files / "model.tflite"
    return {
        "extract": ["extract", tflite, "--level", 0, "-o", target],
        "export": ["export", tflite, "-o", target],
        "report": ["report", tflite, "-o", target],
    }


@pytest.mark.parametrize("name", ["extract", "export", "report"])
def test_no_room_for_a_file(
    files: Path, tmp_path: Path, command: Command, name: str
) -> None:
    """A limit on the size of files stands for a full disk: both fail in `write`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    arguments = writers(files, tmp_path / "new")[name]
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        result = command(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert result.code == 1, result
    assert "Cannot write" in result.err
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
    assert command(*arguments).code == 0, "what failed left something in the way"


@pytest.mark.parametrize("name", ["extract", "export", "report"])
def test_a_folder_that_nobody_may_write_to(
    files: Path, command: Command, name: str
) -> None:
    """/proc refuses new files even to root."""
    result = command(*writers(files, Path("/proc/keras-nest"))[name])
    assert result.code == 1
    assert "Cannot write /proc/keras-nest" in result.err


def test_a_full_device(files: Path, command: Command) -> None:
    result = command(*writers(files, Path("/dev/full"))["extract"])
    assert result.code == 1
    assert "Cannot write /dev/full: No space left on device" in result.err


def test_several_write_the_same_file(files: Path, tmp_path: Path) -> None:
    """The last one wins, whole."""
    target = tmp_path / "one.tflite"
    base = [sys.executable, "-m", "keras_nest.cli", "extract", files / "model.tflite"]
    running = [
        subprocess.Popen([*base, "--level", str(level), "-o", target])
        for level in range(LEVELS)
    ]
    assert [process.wait(timeout=100) for process in running] == [0] * LEVELS
    whole = []
    for level in range(LEVELS):
        alone = tmp_path / f"{level}.tflite"
        subprocess.run([*base, "--level", str(level), "-o", alone], check=True)
        whole.append(alone.read_bytes())
    assert len(set(whole)) == LEVELS
    assert target.read_bytes() in whole
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_spaces_and_other_alphabets(
    files: Path, tmp_path: Path, command: Command
) -> None:
    place = tmp_path / "mein Ordner, ä 模型 'q'"
    place.mkdir()
    for name in ("model.keras", "x.npy", "test.npz"):
        (place / name).symlink_to(files / name)
    tflite = place / "ein Modell é.tflite"
    commands: list[list[object]] = [
        ["convert", place / "model.keras", "--data", place / "x.npy", "-o", tflite],
        ["inspect", tflite],
        ["evaluate", tflite, "--data", place / "test.npz"],
        ["extract", tflite, "--level", 1, "-o", place / "β.tflite"],
        ["export", tflite, "-o", place / "Firmware ü"],
        ["report", tflite, "--data", place / "test.npz", "-o", place / "Ω.html"],
    ]
    for arguments in commands:
        result = command(*arguments)
        assert result.code == 0, (arguments, result.err)
    made = {path.name for path in place.iterdir()}
    assert {"β.tflite", "Firmware ü", "Ω.html", tflite.name} <= made
