"""Predicted instructions of a layer at any width, for `plan_widths`."""

from __future__ import annotations

from collections.abc import Callable

from keras_nest import targets
from keras_nest.converter.costs import load
from keras_nest.converter.costs.features import narrowed_run
from keras_nest.converter.costs.packed import Packed
from keras_nest.format import Geometry, Segment, Widths, candidates
from keras_nest.nesting.kernel_calls import KernelCalls
from keras_nest.planner.instructions import dense_op, padded

Instructions = Callable[[int, int], float]
"""Those of a layer with so many input and output channels."""


class WidthInstructions:
    """Instructions by the cost table of a core, those of narrowing an op left out.

    Args:
        target: Name of a core, see `keras_nest.targets`.

    Raises:
        NestError: If there is no such target.
    """

    def __init__(self, target: str):
        self._costs = load(targets.find(target).costs)
        self._known: dict[tuple[Geometry, Widths], float] = {}

    def of(self, found: KernelCalls, channels: int) -> Instructions:
        """Instructions of a layer for one sample, in all its calls.

        Args:
            found: The layer.
            channels: Input channels that its widths are of: of a Dense behind a Flatten
                those of a pixel. A depthwise layer's go by its outputs.
        """
        g = padded(found.geometry)
        whole = [
            Packed.parse(one.blob) for one in candidates(dense_op(g, zero_point=-128))
        ]

        def instructions(inputs: int, outputs: int) -> float:
            segments: tuple[Segment, ...] = ()
            if g.op != "depthwise_conv_2d":
                segments = (Segment(0, (inputs,)),)
            widths = Widths((outputs,), segments, max(g.in_c // channels, 1))
            if (g, widths) not in self._known:
                self._known[g, widths] = self._fastest(whole, widths)
            return self._known[g, widths] * len(found.shapes)

        return instructions

    def _fastest(self, whole: list[Packed], widths: Widths) -> float:
        simd = self._costs.simd
        return min(
            self._costs.cost(narrowed_run(one, widths, 0, simd)) for one in whole
        )
