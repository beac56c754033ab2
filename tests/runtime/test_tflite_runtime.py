"""The nested ops in tflite-runtime 2.14.0, which needs an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

VARIABLE = "KERAS_NEST_TFLITE_RUNTIME_PYTHON"


@pytest.mark.skipif(
    VARIABLE not in os.environ,
    reason=f"{VARIABLE} does not name a Python with tflite-runtime 2.14.0",
)
def test_nested_ops_in_tflite_runtime() -> None:
    root = Path(__file__).parents[2]
    # It need not have this package installed: it finds it here, and its libraries
    # where this Python does.
    from keras_nest._native import library_path

    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "KERAS_NEST_LIBRARY_DIR": str(library_path("nest_tflite").parent),
    }
    result = subprocess.run(
        [os.environ[VARIABLE], "tests/runtime/check_tflite_runtime.py", "300"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    counts = json.loads(result.stdout.splitlines()[-1])
    assert counts["random"] > 300
    assert counts["entries"] > 0
    assert (counts["levels"], counts["refusals"], counts["plain"]) == (3, 6, 1)
