"""The command `demo`, ended at once as by Ctrl-C."""

from __future__ import annotations

import signal
import socket
import socketserver
import subprocess
import sys
import urllib.request
import webbrowser
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from keras_nest.runtime import tflm
from tests.cli.conftest import Result

Command = Callable[..., Result]


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The server stops when it is to wait; returns the addresses that were opened."""

    def stop(self: object, poll_interval: float = 0.5) -> None:
        raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr(socketserver.BaseServer, "serve_forever", stop)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    return opened


def test_it_opens_the_page(
    command: Command, files: Path, interrupted: list[str]
) -> None:
    data = ("demo", files / "model.tflite", "--data", files / "test.npz", "--port", 0)
    result = command(*data)
    assert result.code == 0 and "Ended." in result.err
    assert [result.out.strip()] == interrupted
    assert interrupted[0].startswith("http://127.0.0.1:")
    assert command(*data, "--no-browser").code == 0
    assert len(interrupted) == 1


def test_what_does_not_fit(
    command: Command, files: Path, tmp_path: Path, interrupted: list[str]
) -> None:
    model, data = files / "model.tflite", files / "test.npz"
    np.save(tmp_path / "other.npy", np.zeros((3, 5, 5, 4), "float32"))
    result = command("demo", model, "--data", tmp_path / "other.npy")
    assert result.code == 1 and "Expected samples of shape (N, 8, 8, 4)" in result.err
    result = command("demo", model, "--data", data, "--classes", "a,b")
    assert result.code == 1 and "a name for each of 5 classes" in result.err
    result = command("demo", model, "--data", data, "--classes", "a,,b,c,d")
    assert result.code == 1 and "between commas" in result.err
    assert command("demo", model, "--data", data, "--port", 70000).code == 2
    assert interrupted == []


def test_a_taken_port(command: Command, files: Path, interrupted: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        model, data = files / "model.tflite", files / "test.npz"
        result = command("demo", model, "--data", data, "--port", port)
    assert result.code == 1
    assert f"Received: {port}, which something else uses" in result.err
    assert "--port 0" in result.err and interrupted == []


def test_without_tflite_micro(
    command: Command, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise tflm.importlib.metadata.PackageNotFoundError

    tflm.load.cache_clear()
    monkeypatch.setattr(tflm.importlib.metadata, "version", missing)
    result = command("demo", files / "model.tflite", "--data", files / "test.npz")
    assert result.code == 1
    assert "tflite-micro" in result.err and "pip install" in result.err


def test_ctrl_c_ends_the_process(files: Path) -> None:
    words = ["demo", files / "model.tflite", "--data", files / "test.npz"]
    with subprocess.Popen(
        [sys.executable, "-m", "keras_nest.cli", *words, "--port=0", "--no-browser"],
        # A shell's background job has SIGINT ignored, and so have its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()  # although stdout is a pipe
        with urllib.request.urlopen(url, timeout=60) as response:
            assert b"model.tflite" in response.read()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Ended." in err and "Traceback" not in err
