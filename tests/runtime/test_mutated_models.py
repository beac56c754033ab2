"""No file whose nested ops are changed brings TFLM down: see mutate_models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

COUNT = 800


def test_changed_models_run_or_are_refused() -> None:
    command = [sys.executable, "-m", "tests.runtime.mutate_models", str(COUNT), "0"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        # What malloc gives back has other bytes than before.
        env=os.environ | {"MALLOC_PERTURB_": "165"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-100:] + done.stderr[-2000:]
    found = re.search(r"(\d+) ran, (\d+) refused", done.stdout)
    assert found is not None, done.stdout
    ran, refused = map(int, found.groups())
    assert ran + refused == COUNT
    # Options and metadata may be any; most packed ops and tensors may not.
    assert ran > COUNT / 10
    assert refused > COUNT / 10
