"""What CI installs is pinned with hashes, and fits what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / ".ci").glob("*.txt"))
CI = {
    "python_version": "3.11",
    "python_full_version": "3.11.7",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "extra": "",
}
HINT = "Run scripts/lock, which needs uv."


def pins(lock: Path) -> dict[str, tuple[str, int]]:
    """Name -> version and number of hashes."""
    found = {}
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", text.strip()):
        match = re.match(r"([a-z0-9-]+)==([^\s;]+)", entry)
        assert match, f"{lock.name}: {entry[:60]!r} is not pinned. {HINT}"
        hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)
        found[match.group(1)] = (match.group(2), len(hashes))
    return found


def wanted(extra: str) -> Iterator[Requirement]:
    """The requirements of an extra, with those of the extras that it names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in project["dependencies"] if not extra else extras[extra]:
        requirement = Requirement(line)
        if canonicalize_name(requirement.name) == project["name"]:
            for other in requirement.extras:
                yield from wanted(other)
        elif requirement.marker is None or requirement.marker.evaluate(CI):
            yield requirement


def listed(name: str) -> Iterator[Requirement]:
    """The requirements of a file .ci/*.in."""
    for line in (ROOT / ".ci" / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield Requirement(line)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_has_hashes(lock: Path) -> None:
    assert all(hashes > 0 for _, hashes in pins(lock).values())


def test_the_locks_are_those_that_the_scripts_install() -> None:
    text = (ROOT / "scripts" / "environment.sh").read_text()
    text += (ROOT / "scripts" / "test").read_text()
    named = re.findall(r"^\s+pip_install \S+ (\w+\.txt)", text, re.MULTILINE)
    assert sorted(named) == [lock.name for lock in LOCKS]


@pytest.mark.parametrize(
    ("lock", "inputs"),
    [
        ("requirements.txt", [*wanted(""), *wanted("dev"), *listed("build.in")]),
        ("tflite_runtime.txt", list(listed("tflite_runtime.in"))),
        ("bakenn.txt", list(listed("bakenn.in"))),
    ],
)
def test_the_lock_fits_what_is_asked_for(lock: str, inputs: list[Requirement]) -> None:
    pinned = pins(ROOT / ".ci" / lock)
    assert inputs
    for requirement in inputs:
        name = canonicalize_name(requirement.name)
        assert name in pinned, f"{name} is not in {lock}. {HINT}"
        version = pinned[name][0]
        # tflite-micro has development versions only.
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{lock} has {name} {version}, asked for is {requirement}. {HINT}"
        )


def test_tfmot_goes_with_the_tensorflow_it_is_added_to() -> None:
    tensorflow = pins(ROOT / ".ci" / "requirements.txt")["tensorflow"][0]
    tfmot = pins(ROOT / ".ci" / "tfmot.txt")
    minor = ".".join(tensorflow.split(".")[:2])
    assert tfmot["tf-keras"][0].startswith(f"{minor}.")
    assert "tensorflow" not in tfmot
    script = (ROOT / "scripts" / "environment.sh").read_text()
    version = tfmot["tensorflow-model-optimization"][0]
    assert f"tensorflow-model-optimization=={version}" in script
