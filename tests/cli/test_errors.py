"""Bad input: one clear message, the right exit code, nothing half written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import LEVELS, Result

Command = Callable[..., Result]


def failed(result: Result, *words: str) -> None:
    assert result.code == 1
    assert result.out == ""
    assert "\nError: " in f"\n{result.err}"
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("name", ["inspect", "extract", "run", "evaluate", "convert"])
def test_missing_file(command: Command, files: Path, name: str) -> None:
    missing = files / ("absent.keras" if name == "convert" else "absent.tflite")
    extra = {
        "inspect": (),
        "extract": ("--level", 0, "-o", files / "x"),
        "run": ("--data", files / "x.npy"),
        "evaluate": ("--data", files / "test.npz"),
        "convert": ("--data", files / "x.npy", "-o", files / "x"),
    }[name]
    failed(command(name, missing, *extra), "Cannot read", "absent")
    assert not (files / "x").exists()


@pytest.mark.parametrize("level", [-1, LEVELS])
def test_level_out_of_range(
    command: Command, files: Path, tmp_path: Path, level: int
) -> None:
    words = ("from 0 (sparsest) to 2 (densest)", f"Received: level={level}")
    model = files / "model.tflite"
    run = command("run", model, "--data", files / "x.npy", "--level", level)
    failed(run, *words)
    plain = tmp_path / "plain.tflite"
    failed(command("extract", model, "--level", level, "-o", plain), *words)
    assert not plain.exists()


def test_not_a_tflite(command: Command, files: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"PK\x03\x04 this is something else" * 10)
    failed(command("inspect", other), "Expected a .tflite")
    run = command("run", other, "--data", files / "x.npy")
    failed(run, "Expected a .tflite")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_truncated_tflite(
    command: Command, files: Path, tmp_path: Path, share: float
) -> None:
    whole = (files / "model.tflite").read_bytes()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(whole[: int(share * len(whole))])
    failed(command("inspect", cut))
    failed(command("extract", cut, "--level", 0, "-o", tmp_path / "plain.tflite"))
    failed(command("run", cut, "--data", files / "x.npy"))


def test_unwritable_output(command: Command, files: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "folder" / "model.tflite"
    result = command("extract", files / "model.tflite", "--level", 0, "-o", nowhere)
    failed(result, "Cannot write", "No such file")
    result = command("extract", files / "model.tflite", "--level", 0, "-o", tmp_path)
    failed(result, "folder")
    keras_file = files / "model.keras"
    arguments = ("convert", keras_file, "--data", files / "x.npy", "-o", nowhere)
    failed(command(*arguments), "Cannot write")


@pytest.mark.parametrize("name", ["convert", "run", "extract"])
def test_output_that_would_replace_an_input(
    command: Command, files: Path, name: str
) -> None:
    model = files / ("model.keras" if name == "convert" else "model.tflite")
    before = model.read_bytes()
    extra = ("--level", 0) if name == "extract" else ("--data", files / "x.npy")
    again = files / ".." / files.name / model.name
    result = command(name, model, *extra, "-o", again)
    failed(result, "other than the inputs")
    assert model.read_bytes() == before


def test_labels(command: Command, files: Path, tmp_path: Path) -> None:
    def evaluate(labels: np.ndarray) -> Result:
        np.save(tmp_path / "y.npy", labels)
        data = ("--data", files / "x.npy", "--labels", tmp_path / "y.npy")
        return command("evaluate", files / "model.tflite", *data)

    failed(evaluate(np.full(20, "cat")), "labels that are numbers")
    failed(evaluate(np.full(20, 5)), "from 0 to 4")
    failed(evaluate(np.zeros(19, int)), "20 samples and 19 labels")
    failed(evaluate(np.zeros(20)), "targets of shape (20, 5)")
    counts = evaluate(np.full((20, 5), 3))
    failed(counts, "shape (20,), or one-hot rows of shape (20, 5)", "shape=(20, 5)")


def test_backend_that_is_none(files: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(files / "model.keras"), "--data", str(files / "x.npy")]
    done = subprocess.run(
        [sys.executable, "-m", "keras_nest.cli", *arguments, "-o", "out.tflite"],
        env={**os.environ, "KERAS_BACKEND": "bogus"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "cannot load its backend 'bogus'" in done.stderr
    assert "Traceback" not in done.stderr


def test_representative_data(command: Command, files: Path, tmp_path: Path) -> None:
    def attempt(data: np.ndarray, name: str = "bad.npy") -> Result:
        np.save(tmp_path / name, data)
        out = tmp_path / "out.tflite"
        model = files / "model.keras"
        result = command("convert", model, "--data", tmp_path / name, "-o", out)
        assert not out.exists()
        return result

    failed(attempt(np.zeros((5, 7, 8, 4), "float32")), "(5, 7, 8, 4)")
    failed(attempt(np.zeros((0, 8, 8, 4), "float32")), "Expected")
    failed(attempt(np.full((5, 8, 8, 4), "text")), "Expected")
    failed(attempt(np.full((5, 8, 8, 4), np.nan, "float32")), "Expected")
    (tmp_path / "samples.txt").write_text("no array")
    arguments = ("--data", tmp_path / "samples.txt", "-o", tmp_path / "out.tflite")
    failed(command("convert", files / "model.keras", *arguments), ".npy")


def test_data_of_run_and_evaluate(
    command: Command, files: Path, tmp_path: Path
) -> None:
    model = files / "model.tflite"
    np.savez(tmp_path / "two.npz", a=np.zeros(3), b=np.zeros(3))
    failed(command("run", model, "--data", tmp_path / "two.npz"), "named 'x'")
    np.save(tmp_path / "wrong.npy", np.zeros((2, 9, 8, 4), "float32"))
    failed(command("run", model, "--data", tmp_path / "wrong.npy"), "(N, 8, 8, 4)")
    (tmp_path / "damaged.npz").write_bytes((files / "test.npz").read_bytes()[:200])
    failed(command("run", model, "--data", tmp_path / "damaged.npz"), "Cannot read")
    failed(command("evaluate", model, "--data", files / "x.npy"), "labels")


def test_not_a_keras_file(command: Command, files: Path, tmp_path: Path) -> None:
    fake = tmp_path / "fake.keras"
    fake.write_bytes(b"nothing of Keras")
    out = tmp_path / "out.tflite"
    arguments = ("--data", files / "x.npy", "-o", out)
    failed(command("convert", fake, *arguments), "Keras wrote", "no .keras archive")
    with zipfile.ZipFile(fake, "w") as archive:
        archive.writestr("other.txt", "no config.json in here")
    failed(command("convert", fake, *arguments), "Cannot load", "config.json")
    failed(command("convert", files / "model.tflite", *arguments), ".keras")
    result = command("convert", files / "model.keras", *arguments, "--import", "nil.x")
    failed(result, "--import", "nil")
    assert not out.exists()


def test_wrong_usage_exits_2(command: Command, files: Path) -> None:
    for arguments in (
        ("inspect",),
        ("unknown",),
        ("run", files / "model.tflite", "--data", files / "x.npy", "--level", "x"),
        ("convert", files / "model.keras", "--io", "int4"),
    ):
        result = command(*arguments)
        assert result.code == 2
        assert "Usage" in result.err


@pytest.mark.parametrize("stage", ["Loading", "Converting"])
def test_interrupted_conversion_leaves_no_file(
    files: Path, tmp_path: Path, stage: str
) -> None:
    """Ctrl-C in each stage of a conversion: exit code 130 and an empty folder."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "keras_nest.cli",
            "convert",
            str(files / "model.keras"),
            "--data",
            str(files / "x.npy"),
            "-o",
            str(tmp_path / "model.tflite"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell starts what runs in its background with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if stage in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130, rest
    assert "Interrupted" in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "seconds"), [(["--help"], 0.5), (["inspect", "MODEL"], 2.0)]
)
def test_quick_commands(files: Path, arguments: list[str], seconds: float) -> None:
    """Processor time of a whole process, which other work on the machine leaves alone.

    It is what a user waits for on a machine that is not busy.
    """
    arguments = [
        str(files / "model.tflite") if argument == "MODEL" else argument
        for argument in arguments
    ]
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "keras_nest.cli", *arguments],
            check=True,
            capture_output=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(used) < seconds


def test_inspect_needs_neither_keras_nor_tensorflow(files: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['keras'] = sys.modules['tensorflow'] = None\n"
        "from keras_nest.cli import main\n"
        f"main(['inspect', {str(files / 'model.tflite')!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "second" in done.stdout
