"""What is installed, what is missing, and what would install it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

from keras_nest import _native
from keras_nest.errors import NestError

OK, MISSING, BROKEN = "ok", "missing", "broken"
BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that some command needs.

    Attributes:
        name: What it is.
        needed_for: Which commands; "everything" for what nothing works without.
        state: "ok", "missing" or "broken" (there, but it does not work).
        detail: A version, a path, or what is wrong.
        remedy: The command that installs or mends it; None where nothing is to do.
    """

    name: str
    needed_for: str
    state: str
    detail: str
    remedy: str | None = None

    @property
    def essential(self) -> bool:
        return self.needed_for == "everything"


def examine() -> list[Finding]:
    """Looks at everything that keras-nest may use on this machine.

    Python packages are looked up, not imported, but for TFLM, which is loaded as `run`
    does it.
    """
    return list(_findings())


def _findings() -> Iterator[Finding]:
    version = platform.python_version()
    old = sys.version_info < (3, 11)
    remedy = "Install Python 3.11 or newer." if old else None
    yield Finding("Python", "everything", BROKEN if old else OK, version, remedy)
    yield _own()
    yield _checked("kernels (libnest_core)", "everything", _kernels)
    for name in ("numpy", "flatbuffers", "ai-edge-litert", "click", "rich", "jinja2"):
        yield _package(name, "everything", f"pip install {name}")
    yield _package("keras", "training, convert", "pip install 'keras>=3.13'")
    yield _backend()
    yield _package("scipy", "plan", "pip install scipy")
    yield _checked("TensorFlow Lite Micro", "run, evaluate", _tflm)
    yield _package("matplotlib", "plots", "pip install 'keras-nest[plot]'")
    yield _tool("c++", "installing from source", "build-essential")
    yield _tool("arm-none-eabi-gcc", "bench", "gcc-arm-none-eabi")
    yield _newlib()
    yield _tool("qemu-system-arm", "bench", "qemu-system-arm")


def _own() -> Finding:
    found = _package("keras-nest", "everything", "")
    if found.state != OK:
        return Finding(found.name, found.needed_for, OK, "run from its sources")
    return found


def _package(name: str, needed_for: str, remedy: str) -> Finding:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, needed_for, MISSING, "", remedy)
    return Finding(name, needed_for, OK, found)


def _backend() -> Finding:
    """The backend that Keras will take."""
    chosen = os.environ.get("KERAS_BACKEND", "tensorflow")
    name = f"Keras' backend ({chosen})"
    needed_for = "training, convert"
    if chosen not in BACKENDS:
        known = ", ".join(BACKENDS)
        remedy = f"export KERAS_BACKEND=tensorflow  # one of {known}"
        return Finding(name, needed_for, BROKEN, "not known", remedy)
    if importlib.util.find_spec(chosen) is None:
        others = [one for one in BACKENDS if importlib.util.find_spec(one)]
        remedy = f"pip install {chosen}"
        if others:
            remedy += f", or export KERAS_BACKEND={others[0]}"
        return Finding(name, needed_for, MISSING, "", remedy)
    return dataclasses.replace(_package(chosen, needed_for, ""), name=name)


def _tool(name: str, needed_for: str, package: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        remedy = f"apt-get install {package}"
        return Finding(name, needed_for, MISSING, "", remedy)
    return Finding(name, needed_for, OK, path)


def _newlib() -> Finding:
    """The C library of the cross compiler, which Debian packages by itself."""
    name, package = "newlib for Arm", "libnewlib-arm-none-eabi"
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is not None:
        asked = [compiler, "-print-file-name=nosys.specs"]
        answer = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
        if os.path.isabs(answer):  # else the compiler gives the name back
            return Finding(name, "bench", OK, os.path.realpath(answer))
    return Finding(name, "bench", MISSING, "", f"apt-get install {package}")


def _checked(name: str, needed_for: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, needed_for, OK, check())
    except NestError as error:
        return Finding(name, needed_for, BROKEN, error.message, error.hint)


def _kernels() -> str:
    return str(_native.library_path("nest_core"))


def _tflm() -> str:
    from keras_nest.runtime import tflm

    tflm.load()
    return f"tflite-micro {importlib.metadata.version('tflite_micro')}"
