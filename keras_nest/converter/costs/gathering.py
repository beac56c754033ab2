"""Features of nest_next_patch: the inputs of an output pixel, copied as int8."""

from __future__ import annotations

import numpy as np

from keras_nest.converter.costs.run import Features
from keras_nest.converter.costs.shapes import is_1x1, taps_inside
from keras_nest.format.operation import Geometry


def copied_patches(g: Geometry, step: int) -> Features:
    """Whole patches, and those that reach into the padding.

    Args:
        g: The op's shape.
        step: Bytes that are copied at a time.
    """
    pixels: Features = {"pixels": g.out_h * g.out_w, "output rows": g.out_h}
    if is_1x1(g):
        return pixels
    run = g.kernel_w * g.in_c
    inside = whole_windows(g) if g.dilation_w == 1 else 0
    edge = g.out_h * g.out_w - inside
    taps = taps_inside(g)
    # Rows of taps in the input, those of whole patches left out.
    rows = taps.down * g.out_w - inside * g.kernel_h
    copied = (taps.down * taps.across - inside * g.kernel_h * g.kernel_w) * g.in_c
    long = run > step
    return pixels | {
        "whole": inside,
        "whole rows": inside * g.kernel_h,
        "whole bytes": inside * g.kernel_h * run * (run < step),
        "long rows": inside * g.kernel_h * long,
        "long steps": inside * g.kernel_h * long * -(-run // step),
        "edge": edge,
        "edge rows": edge * g.kernel_h,
        "edge taps": edge * g.kernel_h * g.kernel_w * (g.dilation_w > 1),
        "edge rows inside": rows,
        "edge bytes": copied,
        "edge padding": edge * g.columns,
    }


def whole_windows(g: Geometry) -> int:
    """Output pixels of which no tap is in the padding."""
    y = np.arange(g.out_h) * g.stride_h - g.pad_top
    x = np.arange(g.out_w) * g.stride_w - g.pad_left
    last_y = g.in_h - 1 - (g.kernel_h - 1) * g.dilation_h
    last_x = g.in_w - 1 - (g.kernel_w - 1) * g.dilation_w
    down = int(np.count_nonzero((y >= 0) & (y <= last_y)))
    return down * int(np.count_nonzero((x >= 0) & (x <= last_x)))
