"""The C reader of metadata, by ctypes."""

from __future__ import annotations

import ctypes
from typing import Any

from keras_nest.metadata import METRICS, MILLION, UNKNOWN, LevelFacts, LevelsMetadata
from keras_nest.runtime import core

OK = 0


class View(ctypes.Structure):
    """nest_metadata"""

    _fields_ = (
        ("bytes", ctypes.c_void_p),
        ("levels", ctypes.c_int32),
        ("cores", ctypes.c_int32),
        ("converted_for", ctypes.c_int32),
        ("metric", ctypes.c_int),
        ("samples", ctypes.c_uint32),
    )


def library() -> Any:
    found = core._library()
    for name in ("sparsity", "macs", "score", "instructions"):
        getattr(found, f"nest_level_{name}").restype = ctypes.c_uint32
    return found


def read(function: str, data: bytes) -> LevelsMetadata | int:
    """What `nest_open_metadata` or `nest_find_metadata` reads, or its status."""
    view, c = View(), library()
    held = ctypes.create_string_buffer(data, len(data))
    size = ctypes.c_size_t(len(data))
    status: int = getattr(c, function)(held, size, ctypes.byref(view))
    if status != OK:
        return status
    pointer = ctypes.byref(view)

    def known(value: int) -> int | None:
        return None if value == UNKNOWN else value

    levels = []
    for level in range(view.levels):
        score = known(c.nest_level_score(pointer, level))
        levels.append(
            LevelFacts(
                c.nest_level_sparsity(pointer, level) / MILLION,
                known(c.nest_level_macs(pointer, level)),
                None if score is None else score / MILLION,
            )
        )
    names = _names(view, data if function == "nest_open_metadata" else None)
    for number, name in enumerate(names):
        assert c.nest_find_core(pointer, name.encode()) == number
    instructions = {
        name: tuple(
            known(c.nest_level_instructions(pointer, number, level))
            for level in range(view.levels)
        )
        for number, name in enumerate(names)
    }
    return LevelsMetadata(
        tuple(levels),
        instructions,
        None if view.converted_for < 0 else names[view.converted_for],
        METRICS[view.metric],
        view.samples,
    )


def _names(view: View, data: bytes | None) -> list[str]:
    """The cores' names, where the layout has them."""
    size = 20 + 12 * view.levels + (16 + 4 * view.levels) * view.cores
    data = ctypes.string_at(view.bytes, size) if data is None else data
    starts = [
        20 + 12 * view.levels + (16 + 4 * view.levels) * number
        for number in range(view.cores)
    ]
    return [data[start : start + 16].rstrip(b"\0").decode() for start in starts]
