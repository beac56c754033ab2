"""Short legs of scripts/soak: random levels and inputs, every output checked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.random_ops import KINDS

ROOT = Path(__file__).parents[2]


def soak(*options: str) -> str:
    command = [sys.executable, str(ROOT / "scripts" / "soak.py"), *options]
    path = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_in_tflm_on_this_machine() -> None:
    assert "20,000 Invokes of 24 ops in TFLM, 0 mismatches" in soak("--invokes=20000")


def test_on_an_emulated_core(tools: None) -> None:
    said = soak("--board=cortex-m4", "--rounds=2000")
    assert "cortex-m4: 2,000 runs" in said and "0 mismatches" in said


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import soak as module

    return module


def test_ops_of_all_kinds_and_many_encodings(script: object) -> None:
    cases = script.cases(1)  # type: ignore[attr-defined]
    assert {case.op.geometry.op for case in cases} == set(KINDS)
    assert len({case.encoding for case in cases}) > 4
    assert max(case.op.levels for case in cases) > 2


def test_a_wrong_output_is_a_mismatch(
    script: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = script.reference.run  # type: ignore[attr-defined]

    def wrong(op: object, x: object, level: int) -> object:
        return right(op, x, level) ^ (level == 1)

    monkeypatch.setattr(script, "reference", type("Wrong", (), {"run": wrong}))
    assert script.soak_host(2000, 1) == 1  # type: ignore[attr-defined]
    assert " 0 mismatches" not in capsys.readouterr().out
