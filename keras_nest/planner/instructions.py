"""What a layer costs on a core, as the planner asks for it: predicted instructions."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_nest import targets
from keras_nest.converter.costs import load, predict
from keras_nest.format import Candidate, Geometry, NestedOp, candidates
from keras_nest.planner.candidates import Cost, PlannedLayer

# Between these shares of the blocks, instructions rise in proportion to them.
_ANCHORS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)


def instructions(target: str) -> Cost:
    """Instructions of a layer for one sample, in its fastest encoding on a core.

    Predicted from the cost table that `convert` uses, by the layer's own masks. Dense
    layers are those of the dense kernel here, whatever the firmware has for them.
    Where several levels keep all of a layer and sparser ones do not, all of them are
    predicted with dense weights, which only the densest can have beside the others': on
    a core on which these are faster by much, the levels below it take longer.

    Args:
        target: Name of a core, see `keras_nest.targets`.

    Raises:
        NestError: If there is no such target.
    """
    table = load(targets.find(target, "cost").costs)
    curves: dict[str, tuple[list[float], list[float]]] = {}

    def fastest(layer: PlannedLayer, density: float, dense: bool) -> float:
        found = _candidates(layer, density, dense)
        return float(min(predict(one.blob, table)[0] for one in found))

    def curve(layer: PlannedLayer) -> tuple[list[float], list[float]]:
        length = layer.blocks.length
        counts = sorted({max(1, round(share * length)) for share in _ANCHORS})
        shares = [count / length for count in counts]
        return shares, [fastest(layer, share, dense=False) for share in shares]

    def cost(layer: PlannedLayer, density: float) -> float:
        if layer.pattern is None:
            return fastest(layer, density, dense=density == 1.0)
        if layer.name not in curves:
            shares, costs = curve(layer)
            # A level that keeps all may have dense weights beside the others'.
            costs[-1] = min(costs[-1], fastest(layer, 1.0, dense=True))
            curves[layer.name] = shares, costs
        return float(np.interp(density, *curves[layer.name]))

    return cost


def _candidates(layer: PlannedLayer, density: float, dense: bool) -> list[Candidate]:
    """Every way to pack the layer with one level of this density."""
    g = padded(layer.geometry)
    ones = np.ones(g.weights_shape, np.int8)
    pattern = layer.pattern
    level_of = None if dense else layer.level_of(density)
    op = NestedOp(
        geometry=g,
        levels=1,
        input_zero_point=0,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=ones if level_of is None else np.where(level_of == 0, ones, 0),
        level_of=level_of,
        multiplier=np.full((1, g.out_c), 1 << 30, np.int32),
        shift=np.full((1, g.out_c), -8, np.int8),
        bias=np.zeros((1, g.out_c), np.int32),
        block=(pattern.rows, pattern.cols) if pattern and not dense else (1, 1),
    )
    found = candidates(op)
    return [one for one in found if dense or one.encoding != "dense"]


def padded(g: Geometry) -> Geometry:
    """The geometry with the padding that its sizes ask for."""
    pads = [
        max((out - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2
        for size, out, kernel, stride, dilation in (
            (g.in_h, g.out_h, g.kernel_h, g.stride_h, g.dilation_h),
            (g.in_w, g.out_w, g.kernel_w, g.stride_w, g.dilation_w),
        )
    ]
    return dataclasses.replace(g, pad_top=pads[0], pad_left=pads[1])


def dense_op(geometry: Geometry, zero_point: int) -> NestedOp:
    """A whole layer to predict the cost of; what is in its weights does not matter."""
    return NestedOp(
        geometry=geometry,
        levels=1,
        input_zero_point=zero_point,
        output_zero_point=zero_point,
        act_min=-128,
        act_max=127,
        weights=np.ones(geometry.weights_shape, np.int8),
        level_of=None,
        multiplier=np.full((1, geometry.out_c), 1 << 30, np.int32),
        shift=np.full((1, geometry.out_c), -8, np.int8),
        bias=np.zeros((1, geometry.out_c), np.int32),
    )
