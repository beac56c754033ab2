"""The wheel is the same bytes wherever it is built."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_two_builds_of_a_commit_are_the_same(tmp_path: Path) -> None:
    for tool in ("git", "cmake", "c++"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if importlib.util.find_spec("scikit_build_core") is None:
        pytest.skip("scikit-build-core is not installed")
    if not (ROOT / ".git").exists():
        pytest.skip("no repository to take a commit of")
    done = subprocess.run(
        [ROOT / "scripts" / "build_wheel", tmp_path],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name in done.stdout
    names = zipfile.ZipFile(wheel).namelist()
    assert "keras_nest/_lib/libnest_core.so" in names
    # Our own code alone, with its licence.
    assert {name.split("/")[0] for name in names} == {
        "keras_nest",
        f"{wheel.name.split('-py3')[0]}.dist-info",
    }
    assert any(name.endswith("LICENSE") for name in names)
