"""What the kernels' instruction counts are linear in.

A path is one kernel with the loops around it; its features are how often each of its
parts runs. The cost of an op at a level is the sum of features times the coefficients
that were measured for the path on a core. The C that features count is named beside
them, in one file for each family of kernels; a kernel that changes its shape needs its
features changed there.
"""

from __future__ import annotations

import dataclasses

from keras_nest.converter.costs import (
    bits,
    decoded,
    dense,
    depthwise,
    direct,
    mve,
    mve_vectors,
    patches,
    vectors,
)
from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.run import MVE, PORTABLE, Run
from keras_nest.format.narrow import Kernels
from keras_nest.format.operation import Geometry
from keras_nest.format.widths import Widths

_MAX_TAPS = 256  # NEST_MVE_MAX_TAPS
_MAX_COPIED_WEIGHTS = 1024  # NEST_DEPTHWISE_DENSE_WEIGHTS


def runs_of(blob: bytes, simd: str) -> list[Run]:
    """What a packed op runs at every level.

    Args:
        blob: The packed op; trusted.
        simd: The kernels of the core: "portable", "dsp" or "mve".
    """
    packed = Packed.parse(blob)
    widths = Widths.of_blob(blob, packed.header)
    levels = range(packed.header.levels)
    if widths is None:
        return [_run(packed, level, simd) for level in levels]
    return [narrowed_run(packed, widths, level, simd) for level in levels]


def narrowed_run(packed: Packed, widths: Widths, level: int, simd: str) -> Run:
    """What an op would run at a level if it had these widths.

    Args:
        packed: The op, as it is or whole.
        widths: Of its levels; those with a table in the op.
        level: One of them.
        simd: The kernels of the core.
    """
    kernels = Kernels(
        simd != PORTABLE, packed.common_shifts, simd == MVE and packed.has_folded
    )
    return _run(packed.narrowed(widths, level, kernels), level, simd)


def _run(packed: Packed, level: int, simd: str) -> Run:
    """nest_run_op, and nest_depthwise_conv_2d."""
    header = packed.header
    if packed.geometry.op == "depthwise_conv_2d":
        return _depthwise(packed, level, simd)
    # A level without a ring of its own has all weights, dense.
    if header.bits:
        return bits.run(packed, level, simd, _dense)
    if level >= header.rings:
        return _dense(packed, level, simd)
    if header.encoding in ("blocks", "lists"):
        run = None
        if simd != PORTABLE and packed.common_shifts:
            run = decoded.run(packed, level, simd)
        return patches.rings(packed, level, simd) if run is None else run
    if header.encoding == "vectors" and simd == MVE:
        return mve_vectors.run(packed, level)
    if header.encoding == "vectors":
        return vectors.portable(packed, level)
    return direct.offsets(packed, level, simd)


def _dense(packed: Packed, level: int, simd: str) -> Run:
    """run_dense of nest_run_op."""
    fast = _fast_dense(packed, packed.geometry, simd)
    return patches.dense(packed, level) if fast is None else fast


def _fast_dense(packed: Packed, g: Geometry, simd: str) -> Run | None:
    """nest_run_mve_dense or nest_run_dense; None where neither fits."""
    if simd == MVE and packed.has_folded:
        return mve.dense(packed, g)
    if simd == PORTABLE or not packed.common_shifts:
        return None
    return dense.run(packed, g, simd)


def _depthwise(packed: Packed, level: int, simd: str) -> Run:
    """nest_depthwise_conv_2d."""
    g = packed.geometry
    few = g.columns > 1 and g.columns * g.out_c <= _MAX_COPIED_WEIGHTS
    if (packed.narrowed_from or g.in_c) == 1 < g.out_c and few:
        fast = _fast_dense(packed, dataclasses.replace(g, op="conv_2d"), simd)
        # Of the kernels in SIMD, only the one that needs no band.
        if fast is not None and fast.path != "vector-dense":
            copied = {"copied rows": g.out_c, "copied weights": g.out_c * g.columns}
            return Run(f"depthwise-{fast.path}", fast.features | copied)
    single = g.in_c == g.out_c
    if simd == MVE and packed.has_folded and single and g.columns <= _MAX_TAPS:
        return mve.depthwise(packed)
    if simd != PORTABLE and packed.common_shifts and single and g.out_c >= 4:
        return depthwise.fours(packed)
    return depthwise.portable(packed, level)
