"""`keras-nest bench`: table, JSON, and what it says when a tool is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.bench.conftest import LEVELS, OPS
from tests.cli.conftest import Result, command  # noqa: F401  (a fixture)
from tests.runtime.flatbuffer_graph import Graph

Command = Callable[..., Result]


@pytest.fixture
def model(tmp_path: Path, tflite: bytes) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite)
    return path


@pytest.mark.usefixtures("tools")
def test_json_and_table(command: Command, model: Path, tmp_path: Path) -> None:  # noqa: F811
    result = command("bench", model, "--target", "m7", "--json")
    assert result.code == 0, result.err
    facts = result.json
    assert (facts["target"], facts["machine"]) == ("cortex-m7", "mps2-an500")
    assert facts["data"] == "random"
    assert facts["levels"] == LEVELS == len(facts["instructions"])
    assert facts["not_timed"] == {"RESHAPE": 1}
    assert facts["kernel_bytes"] > 0
    assert facts["host_arena_bytes"] > 0
    assert "arm-none-eabi-gcc" in facts["compiler"]
    assert "QEMU" in facts["emulator"]
    assert [op["name"] for op in facts["ops"]] == list(OPS)
    for op in facts["ops"]:
        assert len(op["instructions"]) == len(op["macs"]) == LEVELS
        assert op["scratch_bytes"] >= 0
        assert op["weight_bytes"] > 0
    assert facts["weight_bytes"] == sum(op["weight_bytes"] for op in facts["ops"])

    np.save(tmp_path / "x.npy", np.zeros((2, 8, 8, 8), np.float32))
    data = ("--data", tmp_path / "x.npy")
    shown = command("bench", model, "--target", "cortex-m7", *data)
    assert shown.code == 0, shown.err
    for words in ("level 0", "depthwise", "1 RESHAPE", "first sample", "-O2", "Flash"):
        assert words in shown.out
    with_data = command("bench", model, "--target", "m7", *data, "--json").json
    # Sparse convolutions cost the same whatever the values are.
    for count in with_data["ops"][0]["instructions"]:
        assert f"{count:,}" in shown.out


def test_missing_tools(
    command: Command,  # noqa: F811
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    result = command("bench", model)
    assert (result.code, result.out) == (1, "")
    assert "Expected the command arm-none-eabi-gcc" in result.err
    install = "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
    assert install in result.err

    # A compiler that stands in for one without a C library.
    fake_tool(path / "arm-none-eabi-gcc", "a.c:1: fatal error: string.h: No such file")
    result = command("bench", model)
    assert result.code == 1
    assert "Expected the command qemu-system-arm" in result.err
    assert "apt-get install qemu-system-arm" in result.err

    fake_tool(path / "qemu-system-arm", "QEMU")
    result = command("bench", model)
    assert result.code == 1
    assert "fatal error: string.h" in result.err
    assert "apt-get install libnewlib-arm-none-eabi" in result.err
    assert "Traceback" not in result.err


@pytest.mark.usefixtures("tools")
def test_emulator_that_fails(
    command: Command,  # noqa: F811
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """QEMU's own last words are shown."""
    fake_tool(tmp_path / "qemu-system-arm", "qemu: unsupported machine type")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("qemu-system-arm") == str(tmp_path / "qemu-system-arm")
    result = command("bench", model)
    assert result.code == 1
    assert "exit status 1, and: qemu: unsupported machine type" in result.err


def fake_tool(path: Path, message: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{message}' >&2\nexit 1\n")
    path.chmod(0o755)


def test_model_that_cannot_be_benched(
    command: Command,  # noqa: F811
    tmp_path: Path,
    tools: None,
) -> None:
    graph = Graph()
    x = graph.tensor("x", (1, 4), np.int8, 1.0)
    plain = tmp_path / "plain.tflite"
    plain.write_bytes(graph.build([x], [x]))
    result = command("bench", plain)
    assert result.code == 1
    assert "Received: one without any" in result.err
    assert command("bench", tmp_path / "absent.tflite").code == 1
    result = command("bench", plain, "--target", "m1")
    assert result.code == 2
    assert "one of cortex-m3, cortex-m4, " in result.err
    assert "cortex-m55 (or m4 for cortex-m4)" in result.err
    assert "Received: --target='m1'" in result.err
