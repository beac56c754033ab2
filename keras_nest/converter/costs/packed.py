"""What decides the cost of a packed op: its header, entries per level, shifts."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np

from keras_nest.format.header import Header
from keras_nest.format.layout import PLACED
from keras_nest.format.narrow import Kernels, narrow
from keras_nest.format.operation import Geometry, Int8Array, Int64Array
from keras_nest.format.widths import Widths

# Right shifts that the short requantization covers; nest_is_common_shift in direct.h.
_COMMON_SHIFTS = (-23, -1)


@dataclasses.dataclass(frozen=True)
class Packed:
    """A blob as the cost model sees it.

    Attributes:
        header: Its header.
        blob: Its bytes.
        narrowed_from: Input channels of the op that it is a level of; 0: of itself.
    """

    header: Header
    blob: bytes
    narrowed_from: int = 0

    @classmethod
    def parse(cls, blob: bytes) -> Packed:
        """Reads what the cost of `blob` depends on; the blob is trusted."""
        return cls(Header.parse(blob), blob)

    def narrowed(self, widths: Widths, level: int, kernels: Kernels) -> Packed:
        """The op of fewer channels that runs a level of this one."""
        g = self.geometry
        found = narrow(g, widths, level, kernels)
        if found.geometry == g:
            return self
        header = dataclasses.replace(self.header, geometry=found.geometry)
        packed = Packed(header, self.blob, g.in_c)
        packed.__dict__["shifts"] = self.shifts[:, : found.geometry.out_c]
        return packed

    def part(self, first: int, channels: int) -> Packed:
        """The op of some output channels alone; outputs are clamped elsewhere."""
        g = dataclasses.replace(self.geometry, out_c=channels)
        header = dataclasses.replace(self.header, geometry=g, act_min=-128, act_max=127)
        packed = Packed(header, self.blob)
        packed.__dict__["shifts"] = self.shifts[:, first : first + channels]
        packed.__dict__["common_shifts"] = self.common_shifts
        return packed

    @property
    def geometry(self) -> Geometry:
        return self.header.geometry

    @cached_property
    def rings(self) -> Int64Array:
        """int64 `[levels with rings][row groups]`: blocks that each level adds."""
        return np.diff(self.entries, axis=0, prepend=0)

    @cached_property
    def entries(self) -> Int64Array:
        """int64 `[levels with rings][row groups]`: blocks that a level runs over."""
        header = self.header
        rings = header.rings
        start = header.offsets[1]
        dtype = f"<u{header.count_bytes}"
        counts = np.frombuffer(self.blob, dtype, header.count_entries, start)
        counts = counts.reshape(-1, rings).astype(np.int64)
        if header.encoding not in PLACED:
            counts = np.cumsum(counts, axis=1)
        return np.broadcast_to(counts.T, (rings, header.row_groups))

    @cached_property
    def shifts(self) -> Int8Array:
        """int8 `[levels][out_c]`."""
        header = self.header
        channels = self.geometry.out_c
        start = header.offsets[0] + 8 * header.tables * channels
        shifts = np.frombuffer(self.blob, np.int8, header.tables * channels, start)
        shifts = shifts.reshape(header.tables, channels)
        return shifts[list(header.level_table[: header.levels])]

    @cached_property
    def uncommon(self) -> np.ndarray:
        """bool `[levels][out_c]`: rows that take the general requantization."""
        low, high = _COMMON_SHIFTS
        uncommon: np.ndarray = (self.shifts < low) | (self.shifts > high)
        return uncommon

    @property
    def left_shifts(self) -> np.ndarray:
        """bool `[levels][out_c]`: rows without a shift to the right."""
        left: np.ndarray = self.shifts >= 0
        return left

    @cached_property
    def common_shifts(self) -> bool:
        """Whether all rows at all levels take the short requantization."""
        return not self.uncommon.any()

    @property
    def has_folded(self) -> bool:
        """Whether kernels with vector instructions can run what is dense of it."""
        return self.header.folded or self.header.encoding == "vectors"

    @property
    def has_minimum(self) -> bool:
        """nest_mve_has_minimum, of a depthwise op: whether a weight is -128."""
        values = np.frombuffer(self.blob, np.int8, offset=self.header.offsets[3])
        return bool(np.any(values == -128))

    @property
    def clamped(self) -> bool:
        """Whether outputs are clamped to less than int8."""
        return (self.header.act_min, self.header.act_max) != (-128, 127)
