"""Writes down how tests call the kernels, for replay.c.

    python -m mutation.record FILE [pytest arguments]

The tests compare each answer of the kernels with the numpy reference's, or with what
Python's reader says of the same bytes. They are run once, on the code as it is; a
mutant is then given the same calls by a C program, and fails where one of the tests
would have failed: at another output, another verdict, another size of scratch memory.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path
from typing import IO, Any

from mutation.forked import time_of_tests

CHECK, SCRATCH, RUN = range(3)


class Recorder:
    """Takes the place of `core.check`, `core.scratch_bytes` and `core.run`."""

    def __init__(self, file: IO[bytes]) -> None:
        from keras_nest.runtime import core

        self.file = file
        self.seen: set[bytes] = set()
        self.core: Any = core
        self.functions: Any = (core.check, core.scratch_bytes, core.run)
        self.core.check = self.check
        self.core.scratch_bytes = self.scratch_bytes
        self.core.run = self.run

    def check(self, blob: bytes) -> None:
        try:
            self.functions[0](blob)
        except Exception:
            self._write(CHECK, blob, valid=0)
            raise
        self._write(CHECK, blob)

    def scratch_bytes(self, blob: bytes) -> int:
        size: int = self.functions[1](blob)
        self._write(SCRATCH, blob, scratch=size)
        return size

    def run(self, blob: bytes, x: Any, level: int) -> Any:
        y = self.functions[2](blob, x, level)
        vectors = self.core.Header.parse(blob).geometry
        images = len(x) // (vectors.in_w if vectors.op == "fully_connected" else 1)
        scratch = self.functions[1](blob)
        self._write(
            RUN,
            blob,
            level=level,
            images=images,
            data=x.tobytes(),
            answer=y.tobytes(),
            scratch=scratch,
        )
        return y

    def _write(
        self,
        what: int,
        blob: bytes,
        valid: int = 1,
        level: int = 0,
        images: int = 1,
        data: bytes = b"",
        answer: bytes = b"",
        scratch: int = 0,
    ) -> None:
        sizes = (len(blob), valid, level, images, len(data), len(answer), scratch)
        record = struct.pack("<8I", what, *sizes) + blob + data + answer
        digest = hashlib.sha256(record).digest()
        if digest not in self.seen:
            self.seen.add(digest)
            self.file.write(record)


def main() -> None:
    """Records the tests named on the command line."""
    path = Path(sys.argv[1])
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        recorder = Recorder(file)
        time_of_tests(sys.argv[2:])
    unfinished.rename(path)
    print(f"{len(recorder.seen)} calls, {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
