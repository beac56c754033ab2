"""What C and C++ code prints to stderr, kept for an error message."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

_lock = threading.RLock()


class StderrCapture:
    """Catches file descriptor 2 while `held`; cheap enough for every Invoke."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed with the object

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Sends what is printed to a file. Other threads' output is caught as well."""
        with _lock:
            if sys.stderr is not None:
                sys.stderr.flush()
            try:
                kept = os.dup(2)
            except OSError:  # no stderr at all: nothing will be printed
                yield
                return
            try:
                os.dup2(self._file.fileno(), 2)
                yield
            finally:
                os.dup2(kept, 2)
                os.close(kept)

    def take(self) -> str:
        """Returns what was caught since the last call: its first lines, as one."""
        end = os.lseek(self._file.fileno(), 0, os.SEEK_CUR)
        text = os.pread(self._file.fileno(), end, 0).decode("utf-8", "replace")
        os.ftruncate(self._file.fileno(), 0)
        os.lseek(self._file.fileno(), 0, os.SEEK_SET)
        return as_one_line(text)


def as_one_line(text: str, most: int = 4) -> str:
    """The first `most` lines that differ, joined by semicolons."""
    lines = dict.fromkeys(line.strip() for line in text.splitlines())
    return "; ".join([line for line in lines if line][:most])
