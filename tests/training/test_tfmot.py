"""Schedules of the real tfmot, which needs an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

VARIABLE = "KERAS_NEST_TFMOT_PYTHON"


@pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"{VARIABLE} does not name a Python with tensorflow-model-optimization",
)
def test_schedules_of_the_real_tfmot(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [os.environ[VARIABLE], str(root / "tests/training/check_tfmot.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["compared"] == 40
    for name in ("PolynomialDecay", "ConstantSparsity"):
        for layer in found["reached"][name]:
            # Kernels of 8x16 and 16x4 have whole numbers of weights to leave out.
            assert layer == [0.75, 0.5], name
