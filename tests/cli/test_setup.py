"""`doctor` and `completion`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_nest import doctor
from tests.cli.conftest import Result

Command = Callable[..., Result]


def by_name() -> dict[str, doctor.Finding]:
    return {one.name: one for one in doctor.examine()}


def test_this_installation_is_sound(command: Command) -> None:
    result = command("doctor", "--json")
    found = {one["name"]: one for one in result.json["findings"]}
    assert result.code == 0
    for name in ("Python", "numpy", "kernels (libnest_core)", "TensorFlow Lite Micro"):
        assert found[name]["state"] == "ok", found[name]
        assert found[name]["detail"] and found[name]["remedy"] is None
    assert command("doctor").out.count("\n") > len(found)


def test_what_is_missing_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name()["qemu-system-arm"]
    assert (found.state, found.remedy) == (
        doctor.MISSING,
        "apt-get install qemu-system-arm",
    )
    assert by_name()["newlib for Arm"].remedy is not None
    result = command("doctor")
    assert result.code == 0  # only `bench` needs it
    assert "For bench: apt-get install qemu-system-arm" in result.out


def test_a_missing_library_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command
) -> None:
    monkeypatch.setattr("keras_nest._native._folders", lambda: [tmp_path])
    result = command("doctor")
    assert result.code == 1
    assert "Install with `pip install .`" in result.out


@pytest.mark.parametrize("backend", ["bogus", "torch"])
def test_the_backend_that_keras_will_take(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "torch" else name
    )
    found = by_name()[f"Keras' backend ({backend})"]
    assert found.state == (doctor.BROKEN if backend == "bogus" else doctor.MISSING)
    assert found.remedy is not None and "KERAS_BACKEND=tensorflow" in found.remedy


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(command: Command, shell: str) -> None:
    assert "_KERAS_NEST_COMPLETE" in command("completion", shell).out


def test_completion_of_a_core() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keras_nest.cli"],
        env={
            **os.environ,
            "_KERAS_NEST_COMPLETE": "bash_complete",
            "COMP_WORDS": "keras-nest bench --target cortex-m5",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout == "plain,cortex-m55\n"
