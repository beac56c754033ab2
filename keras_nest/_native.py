"""Where the compiled libraries and the C sources of the package are."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from keras_nest.errors import NestError

_FOLDER = "_lib"
_SOURCES = "tflm_ops"
_VARIABLE = "KERAS_NEST_LIBRARY_DIR"


def library_path(stem: str) -> Path:
    """The path of the package's shared library `lib<stem>`.

    Looked for in the folder named by the environment variable
    `KERAS_NEST_LIBRARY_DIR`, if set; then beside the package, where a wheel has it;
    then where an editable installation put it.

    Args:
        stem: The library's name without prefix and suffix, such as `"nest_core"`.

    Raises:
        NestError: there is no such file.
    """
    folders = list(_folders())
    for folder in folders:
        for suffix in (".so", ".dylib"):
            path = folder / f"lib{stem}{suffix}"
            if path.is_file():
                return path
    searched = ", ".join(str(folder) for folder in folders)
    raise NestError(
        f"Expected the compiled library lib{stem} in the package. "
        f"Received: no such file in {searched}.",
        hint="Install with `pip install .`, or build tflm_ops with CMake and set "
        f"{_VARIABLE} to the build folder.",
    )


def sources_path() -> Path:
    """The folder `tflm_ops` with the C sources, to build firmware and benches from.

    That of the source checkout if the package runs out of one, so that edits count;
    else the copy that a wheel installs.

    Raises:
        NestError: there is neither.
    """
    checkout = Path(__file__).parents[1] / _SOURCES
    candidates = [checkout, *(folder / _SOURCES for folder in _folders())]
    for folder in candidates:
        if (folder / "include" / "nest" / "nest.h").is_file():
            return folder
    searched = ", ".join(str(folder) for folder in candidates)
    raise NestError(
        f"Expected the package's C sources. Received: no such folder: {searched}.",
        hint="Install again: `pip install --force-reinstall keras-nest`.",
    )


def _folders() -> list[Path]:
    folders = []
    if _VARIABLE in os.environ:
        folders.append(Path(os.environ[_VARIABLE]))
    folders.append(Path(__file__).parent / _FOLDER)
    try:
        files = importlib.metadata.files("keras-nest") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    installed = {
        Path(str(f.locate())).parent for f in files if f.parent.name == _FOLDER
    }
    return folders + sorted(installed - set(folders))
