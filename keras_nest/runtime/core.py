"""The C kernels from Python: one packed op at a time, by ctypes."""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from keras_nest._native import library_path
from keras_nest.errors import NestError
from keras_nest.format.header import Header
from keras_nest.format.operation import FormatError, Int8Array
from keras_nest.reference import check_call

_OP_BYTES = 512  # more than sizeof(nest_op)


def check(blob: bytes) -> None:
    """Validates a packed op as the firmware does, by `nest_open`.

    Raises:
        FormatError: the bytes are not a valid packed op.
    """
    _open(_aligned(blob))


def run(blob: bytes, x: Int8Array, level: int) -> Int8Array:
    """Runs a packed op in the C kernels.

    Args:
        blob: The bytes of one packed op.
        x: int8 `[N, in_h, in_w, in_c]`; fully connected: `[N, in_c]`, N a multiple
            of the op's vectors per call.
        level: 0 (sparsest) to L - 1 (densest).

    Returns:
        int8 `[N, out_h, out_w, out_c]`; fully connected: `[N, out_c]`.

    Raises:
        FormatError: the bytes are not a valid packed op.
        NestError: `level` is out of range or `x` has another shape.
    """
    data = _aligned(blob)
    op = _open(data)
    header = Header.parse(blob)
    g = header.geometry
    check_call(g, header.levels, x, level)
    library = _library()
    kernel = getattr(library, f"nest_{g.op}")
    scratch = np.zeros(-(-_buffer_size(op, g.op) // 4), np.int32)
    images = x.reshape(-1, g.in_h * g.in_w * g.in_c)
    images = np.ascontiguousarray(images)
    out = np.empty((len(images), g.out_h * g.out_w * g.out_c), np.int8)
    for image, result in zip(images, out, strict=True):
        status = kernel(op, level, image.ctypes, result.ctypes, scratch.ctypes)
        _raise_for(status)
    if g.op == "fully_connected":
        return out.reshape(-1, g.out_c)
    return out.reshape(-1, g.out_h, g.out_w, g.out_c)


def scratch_bytes(blob: bytes) -> int:
    """Scratch memory that the kernel of a packed op asks for, on this machine.

    Raises:
        FormatError: the bytes are not a valid packed op.
    """
    data = _aligned(blob)
    return _buffer_size(_open(data), Header.parse(blob).geometry.op)


def _buffer_size(op: ctypes.Array[ctypes.c_uint64], kind: str) -> int:
    return int(getattr(_library(), f"nest_{kind}_get_buffer_size")(op))


def _aligned(blob: bytes) -> np.ndarray:
    """The bytes at an address that is a multiple of 4."""
    words = np.zeros(-(-len(blob) // 4), np.int32)
    data = words.view(np.uint8)[: len(blob)]
    data[:] = np.frombuffer(blob, np.uint8)
    return data


def _open(data: np.ndarray) -> ctypes.Array[ctypes.c_uint64]:
    """A `nest_op`, opaque here; valid as long as `data` lives."""
    op = (ctypes.c_uint64 * (_OP_BYTES // 8))()
    _raise_for(_library().nest_open(data.ctypes, ctypes.c_size_t(data.size), op))
    return op


def _raise_for(status: int) -> None:
    if status == 0:
        return
    text = _library().nest_status_text(status).decode()
    raise FormatError(f"Expected a valid packed op. Received: {text}.")


@functools.cache
def _library() -> ctypes.CDLL:
    path = library_path("nest_core")
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise NestError(
            f"Expected a library that loads. Received: {path}: {error}.",
            hint="Build it on this machine: `pip install .`",
        ) from error
    library.nest_status_text.restype = ctypes.c_char_p
    for op in ("conv_2d", "depthwise_conv_2d", "fully_connected"):
        getattr(library, f"nest_{op}").argtypes = [
            ctypes.c_void_p,
            ctypes.c_int32,
            *[ctypes.c_void_p] * 3,
        ]
        size = getattr(library, f"nest_{op}_get_buffer_size")
        size.argtypes, size.restype = [ctypes.c_void_p], ctypes.c_size_t
    return library
