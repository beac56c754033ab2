"""The firmware's governor on this machine, by ctypes: to try it on a load of one's own.

The code that runs is tflm_ops/src/governor; what it does is in nest/governor.h.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence

from keras_nest.errors import NestError
from keras_nest.levels import MAX_LEVELS, check_level
from keras_nest.runtime import core

_MOST = 0xFFFF_FFFF


class _State(ctypes.Structure):
    """nest_governor"""

    _fields_ = (
        ("floor", ctypes.c_int32),
        ("ceiling", ctypes.c_int32),
        ("margin", ctypes.c_uint32),
        ("headroom", ctypes.c_uint32),
        ("patience", ctypes.c_uint32),
        ("fall", ctypes.c_uint32),
        ("levels", ctypes.c_int32),
        ("level", ctypes.c_int32),
        ("instructions", ctypes.c_uint32 * MAX_LEVELS),
        ("fixed", ctypes.c_uint32),
        ("rate", ctypes.c_uint64),
        ("waited", ctypes.c_uint32),
        ("previous_used", ctypes.c_uint32),
        ("previous_level", ctypes.c_int32),
        ("knows_fixed", ctypes.c_int32),
    )


class Governor:
    """Picks the level of the next Invoke.

    Args:
        instructions: What each level costs, level 0 first, as in a file's metadata.
        floor: No level below.
        ceiling: No level above; None for the densest.

    Raises:
        NestError: If there are no costs, too many, or one out of range.
    """

    def __init__(
        self, instructions: Sequence[int], floor: int = 0, ceiling: int | None = None
    ):
        costs = [int(cost) for cost in instructions]
        if not 1 <= len(costs) <= MAX_LEVELS or not all(0 < c < _MOST for c in costs):
            raise NestError(
                f"Expected the instructions of 1 to {MAX_LEVELS} levels, each above 0 "
                f"and below 2^32 - 1. Received: {costs}"
            )
        self._state = _State()
        given = (ctypes.c_uint32 * len(costs))(*costs)
        _library().nest_governor_init_costs(
            ctypes.byref(self._state), given, ctypes.c_int32(len(costs))
        )
        self._state.floor = check_level(floor, len(costs))
        if ceiling is not None:
            self._state.ceiling = check_level(ceiling, len(costs))

    def before(self, budget: int) -> int:
        """The level to write, for what the next Invoke may take."""
        return int(
            _library().nest_governor_before(
                ctypes.byref(self._state), ctypes.c_uint32(_clipped(budget)), None
            )
        )

    def at(self, level: int) -> int:
        """Sets a level by hand."""
        return int(
            _library().nest_governor_at(
                ctypes.byref(self._state), ctypes.c_int32(level), None
            )
        )

    def after(self, used: int) -> None:
        """Learns from what the Invoke took, in the budget's unit."""
        _library().nest_governor_after(
            ctypes.byref(self._state), ctypes.c_uint32(_clipped(used))
        )

    def expects(self, level: int) -> int:
        """What a level is expected to take."""
        check_level(level, self._state.levels)
        return int(
            _library().nest_governor_expects(
                ctypes.byref(self._state), ctypes.c_int32(level)
            )
        )


def _clipped(value: int) -> int:
    return max(0, min(int(value), _MOST))


@functools.cache
def _library() -> ctypes.CDLL:
    library = core._library()
    library.nest_governor_expects.restype = ctypes.c_uint32
    return library
