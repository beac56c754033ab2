"""Runs an op at a level after its plane of lower parts has become unreadable.

Usage: python plane_reads.py BLOB PLANE_OFFSET LEVEL; a read of the plane is SIGSEGV.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import numpy as np

from keras_nest.format.header import Header
from keras_nest.runtime import core


def main() -> None:
    blob, offset, level = Path(sys.argv[1]).read_bytes(), *map(int, sys.argv[2:])
    page = mmap.PAGESIZE
    before, behind = -(-offset // page), -(-(len(blob) - offset) // page)
    memory = mmap.mmap(-1, (before + behind) * page)
    everything = np.frombuffer(memory, np.uint8)
    start = before * page - offset  # so that the plane starts a page
    data = everything[start : start + len(blob)]
    data[:] = np.frombuffer(blob, np.uint8)
    op, library = core._open(data), core._library()
    g = Header.parse(blob).geometry
    sizes = g.in_h * g.in_w * g.in_c, g.out_h * g.out_w * g.out_c
    x, y = (np.zeros(size, np.int8) for size in sizes)
    scratch = np.zeros(core.scratch_bytes(blob) // 4 + 1, np.int32)
    run = getattr(library, f"nest_{g.op}")
    libc = ctypes.CDLL(None, use_errno=True)
    plane = ctypes.c_void_p(everything.ctypes.data + before * page)
    assert libc.mprotect(plane, ctypes.c_size_t(behind * page), 0) == 0
    assert run(op, level, x.ctypes, y.ctypes, scratch.ctypes) == 0
    print("done")


if __name__ == "__main__":
    main()
