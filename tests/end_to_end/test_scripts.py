"""The scripts before anything is set up."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("quickstart", "Sets up, trains a small nested net"),
        ("ablate", "scripts/ablate [--help]"),
        ("test", "scripts/test [pytest arguments]"),
    ],
)
def test_help_sets_nothing_up(tmp_path: Path, script: str, words: str) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    done = subprocess.run(
        [tmp_path / "scripts" / script, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["scripts"]
