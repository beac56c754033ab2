"""Where the compiled libraries of the package are."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from keras_nest.errors import NestError

_FOLDER = "_lib"
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


def _folders() -> list[Path]:
    folders = []
    if _VARIABLE in os.environ:
        folders.append(Path(os.environ[_VARIABLE]))
    folders.append(Path(__file__).parent / _FOLDER)
    try:
        files = importlib.metadata.files("keras-nest") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    installed = {Path(str(f.locate())).parent for f in files if _FOLDER in f.parts}
    return folders + sorted(installed - set(folders))
