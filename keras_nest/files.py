"""Reading and writing files so that nothing is ever half written."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from keras_nest.errors import NestError


def write_atomic(path: str | os.PathLike[str], data: bytes) -> Path:
    """Writes `data` to a temporary file beside `path`, then renames it.

    An interrupted write leaves the old file, or none, but never a part of the new. A
    link is followed and an existing file keeps its mode. What is no regular file (a
    pipe, /dev/stdout) cannot be replaced and is written to as it is.

    Args:
        path: The file to make; its folder must exist.
        data: The whole content.

    Returns:
        The path written.

    Raises:
        NestError: If the folder is missing or cannot be written to.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise NestError(
            f"Expected the name of a file to write. Received a folder: {path}",
            hint=f"Name the file, for example {path / 'model.tflite'}",
        )
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            path.write_bytes(data)
        else:
            _replace(os.path.realpath(path), data)
    except OSError as error:
        raise NestError(
            f"Cannot write {path}: {error.strerror}",
            hint="Choose a folder that exists and that you may write to.",
        ) from error
    return path


def _replace(target: str, data: bytes) -> None:
    # A name of its own: the target's with something added may be too long.
    handle, name = tempfile.mkstemp(prefix=".", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, _mode(target))
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _mode(target: str) -> int:
    """Permissions of the file, or those that a new one gets."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Reads a whole file.

    Raises:
        NestError: If the file is missing, is a folder or cannot be read.
    """
    source = Path(path)
    try:
        return source.read_bytes()
    except OSError as error:
        raise NestError(
            f"Cannot read {source}: {error.strerror}",
            hint="Check the path; it is taken relative to the current folder.",
        ) from error


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Reads a .npy (as "x") or all arrays of a .npz.

    Nothing pickled is loaded, so that a file from elsewhere cannot run code.

    Raises:
        NestError: If the file is missing, damaged or of another kind.
    """
    source = Path(path)
    if source.suffix not in (".npy", ".npz"):
        raise NestError(
            f"Expected a .npy or .npz file. Received: {source}",
            hint="Save arrays with numpy.save(file, x) or numpy.savez(file, x=x, y=y).",
        )
    try:
        with source.open("rb") as stream:
            start = stream.read(6)
        if not start.startswith((b"\x93NUMPY", b"PK")):
            raise NestError(
                f"Expected a file that numpy wrote. Received: {source}, which starts "
                f"with {start!r}",
                hint="Save arrays with numpy.save(file, x) or numpy.savez(file, x=x).",
            )
        loaded = np.load(source, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError as error:
        raise NestError(
            f"Cannot read {source}: {error.strerror}",
            hint="Check the path; it is taken relative to the current folder.",
        ) from error
    except NestError:
        raise
    except Exception as error:
        # numpy lets zipfile's, zlib's and pickle's own exceptions through.
        raise NestError(
            f"Cannot read {source} as a numpy file: {error}",
            hint="Save arrays with numpy.save(file, x), as plain numbers.",
        ) from error


def inputs_of(arrays: dict[str, np.ndarray[Any, Any]], path: Any) -> Any:
    """The array `x` of a file, or its only one.

    Raises:
        NestError: If there are several and none is named x.
    """
    if "x" in arrays:
        return arrays["x"]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise NestError(
        f"Expected an array named 'x' in {path}. Received: {sorted(arrays)}",
        hint="Save it with numpy.savez(file, x=inputs, y=labels).",
    )
