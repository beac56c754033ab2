"""The op of fewer channels that runs a level of width, for each core's kernels.

The same arithmetic as tflm_ops/src/widths/nest_narrow.c.
"""

from __future__ import annotations

import dataclasses

from keras_nest.format.layout import fits, is_vector
from keras_nest.format.operation import Geometry
from keras_nest.format.widths import Widths

NEAR_RUNS = 32  # channels between two runs, in the mean
MAX_TAPS = 85  # NEST_MAX_TAPS: of a kernel, times runs of active inputs


@dataclasses.dataclass(frozen=True)
class Kernels:
    """Which kernels run a dense op: nest_is_mve_dense, nest_is_direct_dense.

    Attributes:
        dsp: Whether the core has the DSP extension.
        common: Whether all shifts are common ones.
        mve: Whether the core has MVE and the op folded biases.
    """

    dsp: bool
    common: bool
    mve: bool


@dataclasses.dataclass(frozen=True)
class Narrow:
    """A level's op.

    Attributes:
        geometry: Its shape.
        runs: Active inputs of a pixel that lie side by side, (start, end); one for all
            where the kernel takes no runs.
        table_runs: How many runs the table of taps has room for.
    """

    geometry: Geometry
    runs: tuple[tuple[int, int], ...]
    table_runs: int = 1

    @property
    def fours(self) -> list[tuple[int, int]]:
        """nest_next_fours: runs in whole fours, those that touch as one."""
        limit = self.geometry.in_c // 4 * 4
        found: list[tuple[int, int]] = []
        for start, end in self.runs:
            first, last = start // 4 * 4, min((end + 3) // 4 * 4, limit)
            if start == end or first >= last:
                continue
            if found and first <= found[-1][1]:
                found[-1] = (found[-1][0], last)
            else:
                found.append((first, last))
        return found


def whole(g: Geometry) -> Narrow:
    """The op itself."""
    return Narrow(g, ((0, g.in_c),))


def narrow(g: Geometry, widths: Widths, level: int, kernels: Kernels) -> Narrow:
    """The op of a level.

    Args:
        g: Shape of the whole op.
        widths: Its levels.
        level: Which one.
        kernels: Those of the core, for this op.
    """
    outputs = widths.outputs[level]
    if g.op == "depthwise_conv_2d":
        multiple = g.out_c // g.in_c
        if multiple == 1 and kernels.mve:
            outputs = min(-(-outputs // 16) * 16, g.out_c)
        elif multiple == 1 and kernels.dsp and outputs < 4:
            outputs = _fours(outputs, g.out_c)
        inputs = outputs // multiple
        return whole(dataclasses.replace(g, out_c=outputs, in_c=inputs))
    runs = tuple(widths.runs(g, level))
    inputs = widths.end(g, level)
    active = sum(end - start for start, end in runs)
    near = widths.sets > 1 and inputs - active < NEAR_RUNS * len(runs)
    if kernels.mve:
        outputs = _fours(outputs, g.out_c)
        if g.kernel_h * g.kernel_w > 1:
            return whole(dataclasses.replace(g, out_c=outputs))
    elif kernels.dsp and kernels.common:
        if g.in_c % 4 == 0:
            inputs = _fours(inputs, g.in_c)
        if is_vector(g):
            outputs = _fours(outputs, g.out_c)
        else:
            taps = g.kernel_h * g.kernel_w
            found = dataclasses.replace(g, in_c=inputs, out_c=outputs)
            if not has_band(found):
                return whole(dataclasses.replace(g, out_c=outputs))
            if len(runs) * taps > MAX_TAPS:
                return whole(found)
    found = dataclasses.replace(g, in_c=inputs, out_c=outputs)
    return whole(found) if near else Narrow(found, runs, len(runs))


def has_band(g: Geometry) -> bool:
    """nest_has_dense_band."""
    few = g.kernel_h * g.kernel_w <= MAX_TAPS
    return g.in_c % 4 == 0 and few and fits(g, "offsets", 4)


def _fours(count: int, limit: int) -> int:
    return min((count + 3) // 4 * 4, limit)
