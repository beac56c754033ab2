"""Features of the depthwise kernels for cores without vector instructions."""

from __future__ import annotations

from keras_nest.converter.costs.packed import Packed
from keras_nest.converter.costs.patches import requantized
from keras_nest.converter.costs.run import Run, always
from keras_nest.converter.costs.shapes import MAX_PLANS, taps_inside


def fours(packed: Packed) -> Run:
    """nest_depthwise_fours: four channels at a time."""
    g = packed.geometry
    inside = taps_inside(g)
    parts, rest = -(-g.out_c // MAX_PLANS), g.out_c % MAX_PLANS
    # The last four channels of a part: some of them again.
    quads, again = -(-g.out_c // 4), int(rest % 4 > 0)
    features = always(packed) | {
        "planned": g.out_c,
        "output rows": parts * g.out_h,
        "pixels": parts * g.out_h * g.out_w,
        "again": again * g.out_h * g.out_w,
        "quads": g.out_h * g.out_w * quads,
        "tap rows": inside.down * g.out_w * quads,
        "taps": inside.down * inside.across * quads,
    }
    return Run("depthwise-fours", features)


def portable(packed: Packed, level: int) -> Run:
    """nest_depthwise_conv_2d in C."""
    g = packed.geometry
    inside = taps_inside(g)
    taps = inside.down * inside.across
    pixels = g.out_h * g.out_w
    several = g.out_c != g.in_c
    features = {
        "constant": 1,
        "pixels": pixels,
        "all taps": pixels * g.kernel_h * g.kernel_w,
        "taps": taps,
        "products": 0 if several else taps * g.out_c,
        "inputs multiplied": taps * g.in_c if several else 0,
        "products multiplied": taps * g.out_c if several else 0,
    }
    return Run("depthwise", features | requantized(packed, level))
