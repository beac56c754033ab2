"""Writes the licences of the package's dependencies, as their metadata states them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keras_nest.files import write_atomic

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
EXTRAS = ("", "tensorflow", "jax", "tflm", "plot")
NAMES = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Python Software Foundation License": "PSF-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
TEXT = """# Licences

keras-nest is licensed under [Apache-2.0](https://www.apache.org/licenses/LICENSE-2.0).
The wheel and a firmware folder hold this project's own code and its `LICENSE`, nothing
of others. In firmware it is linked with TensorFlow Lite Micro (Apache-2.0) and, where
the firmware has it, CMSIS-NN (Apache-2.0).

What pip installs beside it, directly and in turn, by the metadata of the packages
themselves. `scripts/list_licences` wrote this page, for CPython 3.11 on x86-64 Linux.

| package | version | licence | needed by |
| :-- | :-- | :-- | :-- |
"""


def licence_of(facts: Message) -> str:
    """SPDX where the package has it; else its classifiers, else its own word."""
    if facts["License-Expression"]:
        return str(facts["License-Expression"])
    prefix = "License :: "
    classifiers = [
        str(line).split(" :: ")[-1]
        for line in facts.get_all("Classifier", [])
        if str(line).startswith(prefix) and str(line).count(" :: ") > 1
    ]
    if classifiers:
        return ", ".join(NAMES.get(name, name) for name in classifiers)
    first = (str(facts["License"] or "").strip().splitlines() or [""])[0]
    if re.match(r"Apache( License)?,? ?(Version )?2(\.0)?$", first):
        return "Apache-2.0"
    return first or "not stated"


def requirements(name: str, extra: str) -> Iterator[Requirement]:
    """What a package asks for on this machine, with one of its extras or none."""
    for line in metadata.requires(name) or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": extra}):
            yield requirement


def closure(extra: str) -> set[str]:
    """All that `keras-nest[extra]` installs."""
    found: set[str] = set()
    todo = [r.name for r in requirements("keras-nest", extra)]
    while todo:
        name = canonicalize_name(todo.pop())
        if name not in found:
            found.add(name)
            todo += [r.name for r in requirements(name, "")]
    return found


def main() -> None:
    """Writes the page, or another file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE)
    given = parser.parse_args()
    packages: dict[str, str] = {}
    for extra in EXTRAS:
        for name in closure(extra):
            packages.setdefault(name, f"[{extra}]" if extra else "keras-nest")
    rows = []
    for name, needed in sorted(packages.items()):
        facts = metadata.metadata(name)
        rows.append(f"| {name} | {facts['Version']} | {licence_of(facts)} | {needed} |")
    write_atomic(given.out, (TEXT + "\n".join(rows) + "\n").encode())


if __name__ == "__main__":
    main()
