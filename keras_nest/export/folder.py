"""A folder written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from keras_nest.errors import NestError

MARKER = "keras_nest_export.json"


def check_free(target: Path, force: bool) -> None:
    """Refuses a path that an export must not write to.

    Raises:
        NestError: If it is a file, or a folder with something in it; with `force`, if
            that something is no earlier export.
    """
    if not target.parent.is_dir():
        raise NestError(
            f"Expected a path in a folder that exists. Received: {target}",
            hint=f"Make it first: mkdir -p {target.parent}",
        )
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise NestError(
            f"Expected the name of a folder to make. Received: {target}, which is "
            f"{'a link' if target.is_symlink() else 'a file'}",
            hint="Name another folder with -o.",
        )
    if not target.exists() or not any(target.iterdir()):
        return
    exported = (target / MARKER).is_file()
    if not force:
        raise NestError(
            f"Expected a folder that is empty or new. Received: {target}, which has "
            f"{'an earlier export' if exported else 'other files'} in it",
            hint="--force replaces it as a whole, your changes to it included."
            if exported
            else "Name another folder with -o.",
        )
    if not exported:
        raise NestError(
            "Expected a folder that an earlier export made, to replace it. Received: "
            f"{target}, which has no {MARKER}",
            hint="Name another folder with -o, or empty this one.",
        )


def write_folder(target: Path, files: dict[str, bytes], force: bool = False) -> None:
    """Writes a folder to a temporary sibling, then renames it.

    Whatever interrupts it leaves the old folder, or none, but never a part of the new.

    Args:
        target: The folder; its parent must exist.
        files: Relative path -> content. One of them is `MARKER`.
        force: Replace a folder that an earlier export made.

    Raises:
        NestError: If `check_free` refuses the folder, or it cannot be written.
    """
    check_free(target, force)
    try:
        # Links on the way are followed; the target itself is none.
        parent = target.parent.resolve()
        with tempfile.TemporaryDirectory(prefix=".keras-nest-", dir=parent) as made:
            new = Path(made, "new")
            new.mkdir()
            for name, content in files.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
            _swap(new, parent / target.name, Path(made, "old"))
    except OSError as error:
        raise NestError(
            f"Cannot write {target}: {error.strerror}",
            hint="Choose a folder that exists and that you may write to.",
        ) from error


def _swap(new: Path, target: Path, old: Path) -> None:
    if not target.exists():
        os.replace(new, target)
        return
    shutil.copymode(target, new)
    os.replace(target, old)
    try:
        os.replace(new, target)
    except BaseException:
        os.replace(old, target)
        raise
