"""The op of fewer channels that runs a level of width, for each core's kernels.

The same arithmetic as tflm_ops/src/widths/nest_narrow.c.
"""

from __future__ import annotations

import dataclasses

from keras_nest.format.layout import fits, is_vector, scratch_rows
from keras_nest.format.operation import Geometry
from keras_nest.format.widths import Widths

NEAR_RUNS = 32  # channels between two runs, in the mean
NEAR_TAPS = 8  # channels between the taps of a kernel
# What narrowing an op takes in multiply-accumulates, and outputs that one pays for.
NARROWING, FILLED = 400, 8
MVE_MAX_TAPS = 256  # NEST_MVE_MAX_TAPS
TILE, PATCH_SPARE = 4, 1024  # NEST_TILE, NEST_PATCH_SPARE
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
    """The op of a level; the op itself where that is no slower.

    Args:
        g: Shape of the whole op.
        widths: Its levels.
        level: Which one.
        kernels: Those of the core, for this op.
    """
    if g.op == "depthwise_conv_2d":
        outputs = _depthwise_outputs(g, widths.outputs[level], kernels)
        inputs = outputs // (g.out_c // g.in_c)
        found = dataclasses.replace(g, out_c=outputs, in_c=inputs)
        little = _saves_little(g, found, widths.outputs[level], kernels)
        return whole(g if little else found)
    runs = tuple(widths.runs(g, level))
    outputs, inputs = widths.outputs[level], widths.end(g, level)
    active = sum(end - start for start, end in runs)
    near = NEAR_RUNS * len(runs) if widths.sets > 1 else 1
    has_runs = len(runs) > 1 and inputs - active >= near
    taps = g.kernel_h * g.kernel_w
    if kernels.mve:  # as they are: rows in fours, and patches, which have all inputs
        outputs = _round_up(outputs, 4, g.out_c)
        inputs = g.in_c if taps > 1 else inputs
        return whole(dataclasses.replace(g, in_c=inputs, out_c=outputs))
    if kernels.dsp and kernels.common:
        fours = -(-inputs // 4) * 4
        inputs = fours if fours <= g.in_c else g.in_c
        outputs = _round_up(outputs, 4, g.out_c) if is_vector(g) else outputs
    elif taps > 1 and not has_runs and g.in_c - inputs < NEAR_TAPS:
        inputs = g.in_c
    found = dataclasses.replace(g, in_c=inputs, out_c=outputs)
    if not has_runs and _saves_little(g, found, widths.outputs[level], kernels):
        return whole(g)
    if kernels.dsp and kernels.common and not is_vector(g):
        if not has_band(found):
            return whole(dataclasses.replace(g, out_c=outputs))
        has_runs = has_runs and len(runs) * taps <= MAX_TAPS
    return Narrow(found, runs, len(runs)) if has_runs else whole(found)


def _depthwise_outputs(g: Geometry, outputs: int, kernels: Kernels) -> int:
    sixteens = kernels.mve and g.in_c == g.out_c and g.columns <= MVE_MAX_TAPS
    step = 16 if sixteens else 4 if _has_plans(g, kernels) else 1
    return _round_up(outputs, step, g.out_c)


def _has_plans(g: Geometry, kernels: Kernels) -> bool:
    """Whether the kernel goes by plans, which can make any output the zero point."""
    if g.op == "depthwise_conv_2d":
        fits = g.in_c == g.out_c and g.out_c >= 4
    else:
        fits = is_direct_dense(g)
    return kernels.dsp and kernels.common and fits


def _saves_little(g: Geometry, found: Geometry, active: int, kernels: Kernels) -> bool:
    """Whether the whole op costs no more than one of fewer channels."""
    inputs, outputs = g.in_c - found.in_c, g.out_c - found.out_c
    if inputs == outputs == 0:
        return True
    weights = outputs * g.columns
    if g.op != "depthwise_conv_2d":
        weights += g.kernel_h * g.kernel_w * found.out_c * inputs
    pixels, least = g.out_h * g.out_w, NARROWING
    if active < g.out_c:
        least += pixels * g.out_c // FILLED
    little = pixels * weights < least
    return little and (outputs == 0 or _has_plans(g, kernels))


def is_direct_dense(g: Geometry) -> bool:
    """nest_is_direct_dense, on a core and with shifts that it is for."""
    return is_vector(g) or has_band(g) or patch_bytes(g) is not None


def patch_bytes(g: Geometry) -> int | None:
    """nest_patch_bytes; None where nest_has_dense_patches is not."""
    found = (3 * TILE + 1) * (-(-g.columns // 4) * 4)
    too_many = g.columns == 1 or found > scratch_rows(g) + PATCH_SPARE
    return None if too_many else found


def has_band(g: Geometry) -> bool:
    """nest_has_dense_band."""
    few = g.kernel_h * g.kernel_w <= MAX_TAPS
    return g.in_c % 4 == 0 and few and fits(g, "offsets", 4)


def _round_up(count: int, step: int, limit: int) -> int:
    return min(-(-count // step) * step, limit)
