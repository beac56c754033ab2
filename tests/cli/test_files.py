"""Writing files: whole or not at all, and without changing what they are."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keras_nest import NestError
from keras_nest.files import write_atomic


def test_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link = folder / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert write_atomic(link, b"new") == link
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(folder / "made")
    write_atomic(dangling, b"made")
    assert dangling.is_symlink()
    assert (folder / "made").read_bytes() == b"made"
    assert sorted(os.listdir(folder)) == ["made", "target"]


def test_mode_of_an_existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    for mode in (0o600, 0o640, 0o755):
        path.chmod(mode)
        write_atomic(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_mode_of_a_new_file_is_that_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    path = write_atomic(tmp_path / "new", b"new")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomic(pipe, b"through")
    reader.join(timeout=20)
    assert got == [b"through"]
    assert pipe.is_fifo()


def test_standard_output_is_written_to(tmp_path: Path) -> None:
    # By a link: wrong code, run as root, would replace the device itself.
    link = tmp_path / "out"
    link.symlink_to("/dev/stdout")
    code = (
        "from keras_nest.files import write_atomic\n"
        f"write_atomic({str(link)!r}, b'out')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (done.stdout, done.stderr) == (b"out", b"")
    assert link.is_symlink()


def test_names_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    for length in (247, 255):
        path = tmp_path / ("n" * length)
        write_atomic(path, b"long")
        assert path.read_bytes() == b"long"
    with pytest.raises(NestError, match="Cannot write"):
        write_atomic(tmp_path / ("n" * 256), b"too long")
    assert len(os.listdir(tmp_path)) == 2
