"""Levels of width: which channels of an op each level has.

The layout is that of the counts section: tflm_ops/include/nest/format.h.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from keras_nest.format.header import Header
from keras_nest.format.operation import (
    NEVER,
    FormatError,
    Geometry,
    Int8Array,
    UInt8Array,
)


@dataclasses.dataclass(frozen=True)
class Segment:
    """A part of the input channels, of which a level has the first.

    Attributes:
        start: Its first channel.
        counts: By level, how many of its channels are active; not falling.
    """

    start: int
    counts: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Widths:
    """The active channels of each level.

    Attributes:
        outputs: By level, how many of the first output channels; not falling.
        segments: Of the inputs of a set; several behind a Concatenate. Depthwise ops
            have none: an output's input is active with it.
        sets: The input channels are so many sets of the same segments: 1, or behind a
            Flatten the number of its pixels.
    """

    outputs: tuple[int, ...]
    segments: tuple[Segment, ...] = ()
    sets: int = 1

    def numbers(self) -> list[int]:
        """The counts section."""
        inputs = [(one.start, *one.counts) for one in self.segments]
        return [*self.outputs, *itertools.chain.from_iterable(inputs)]

    @classmethod
    def of_blob(cls, blob: bytes, header: Header) -> Widths | None:
        """Out of the counts section, unchecked; None for an op without widths."""
        if not header.widths:
            return None
        dtype, start = f"<u{header.count_bytes}", header.offsets[1]
        numbers = np.frombuffer(blob, dtype, header.count_entries, start).tolist()
        levels, found = header.levels, []
        for at in range(levels, len(numbers), levels + 1):
            counts = tuple(numbers[at + 1 : at + 1 + levels])
            found.append(Segment(numbers[at], counts))
        return cls(tuple(numbers[:levels]), tuple(found), header.sets)

    def runs(self, g: Geometry, level: int) -> list[tuple[int, int]]:
        """(start, end) of the active inputs of a pixel; some may be empty."""
        size = g.in_c // self.sets
        return [
            (at + one.start, at + one.start + one.counts[level])
            for at in range(0, g.in_c, size)
            for one in self.segments
        ]

    def end(self, g: Geometry, level: int) -> int:
        """Input channels up to the level's last active one."""
        return max(end for start, end in self.runs(g, level) if end > start)

    def input_levels(self, g: Geometry) -> UInt8Array:
        """The lowest level of each input channel, 255 for none."""
        found = np.full(g.in_c // self.sets, NEVER, np.uint8)
        for one in self.segments:
            levels = _levels(one.counts, one.counts[-1])
            found[one.start : one.start + one.counts[-1]] = levels
        return np.tile(found, self.sets)

    def only_active(
        self, g: Geometry, x: Int8Array, zero_point: int, level: int
    ) -> Int8Array:
        """Inputs `[..., in_c]` with the zero point where the level has no channel."""
        if g.op == "depthwise_conv_2d":
            count = self.outputs[level] * g.in_c // g.out_c
            active = np.arange(g.in_c) < count
        else:
            active = self.input_levels(g) <= level
        return np.where(active, x, np.int8(zero_point))

    def level_of(self, g: Geometry) -> UInt8Array:
        """uint8 of the shape of the weights."""
        outputs = _levels(self.outputs, g.out_c)
        if g.op == "depthwise_conv_2d":
            return np.ascontiguousarray(np.broadcast_to(outputs, g.weights_shape))
        inputs = np.tile(self.input_levels(g), g.kernel_h * g.kernel_w)
        return np.maximum(outputs[:, None], inputs)


def check_widths(widths: Widths, g: Geometry, levels: int) -> None:
    """Raises FormatError if an op of this shape cannot have these widths."""
    _require(widths.sets >= 1 and g.in_c % widths.sets == 0, "sets", widths.sets)
    fully = g.op == "fully_connected"
    _require(fully or widths.sets == 1, "sets", widths.sets)
    _require(max(widths.numbers()) < 1 << 16, "number of channels", widths)
    _check_rising(widths.outputs, levels, 1, g.out_c)
    if g.op == "depthwise_conv_2d":
        multiple = g.out_c // g.in_c
        whole = all(count % multiple == 0 for count in widths.outputs)
        _require(whole and not widths.segments, "depthwise widths", widths)
        return
    size, start = g.in_c // widths.sets, 0
    for one in widths.segments:
        _require(start <= one.start < size, "start of a segment", one.start)
        _check_rising(one.counts, levels, 0, size - one.start)
        start = one.start + max(one.counts[-1], 1)
    active = any(one.counts[0] > 0 for one in widths.segments)
    _require(active and len(widths.segments) <= 255, "input widths", widths.segments)


def folded_columns(widths: Widths, g: Geometry, level: int) -> int:
    """Columns that a level's folded biases are of: up to its last active one where the
    kernel is 1x1, else all, as kernels run over them."""
    if g.op == "depthwise_conv_2d" or g.kernel_h * g.kernel_w > 1:
        return g.columns
    return widths.end(g, level)


def _levels(counts: Sequence[int], channels: int) -> UInt8Array:
    levels = np.searchsorted(counts, np.arange(channels), side="right")
    return np.where(levels == len(counts), NEVER, levels).astype(np.uint8)


def _check_rising(counts: Sequence[int], levels: int, low: int, high: int) -> None:
    rising = all(a <= b for a, b in itertools.pairwise(counts))
    in_range = low <= min(counts) and max(counts) <= high
    _require(len(counts) == levels and rising and in_range, "widths", counts)


def _require(condition: bool, what: str, value: object) -> None:
    if not condition:
        raise FormatError(f"Expected valid {what} in a packed op. Received: {value}.")
