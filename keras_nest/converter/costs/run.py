"""One op at one level, as the cost model sees it."""

from __future__ import annotations

import dataclasses

from keras_nest.converter.costs.packed import Packed

Features = dict[str, float]

# Instruction sets that kernels are written for.
PORTABLE, DSP, MVE = "portable", "dsp", "mve"


def extensions(simd: str) -> dict[str, bool]:
    """The kernels of a core as `keras_nest.format.scratch_bytes` takes them."""
    return {"dsp": simd != PORTABLE, "mve": simd == MVE}


@dataclasses.dataclass(frozen=True)
class Run:
    """The path that runs an op at a level, and how often its parts do.

    Attributes:
        path: One of a cost table.
        features: How often its parts run.
        unpacking: Instructions beside them, of levels of bits.
    """

    path: str
    features: Features
    unpacking: float = 0.0


def always(packed: Packed) -> Features:
    """The call, and nest_clamp."""
    g = packed.geometry
    outputs = g.out_h * g.out_w * g.out_c
    return {"constant": 1, "clamped": outputs * packed.clamped}
