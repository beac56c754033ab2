"""What a plan takes on a device: packed bytes, memory, instructions of whole ops.

Each layer is packed as the converter packs it, at all levels, with its own masks; only
the numbers in weights and tables are made up, as nothing here depends on them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_nest import masks, targets
from keras_nest.converter import costs
from keras_nest.converter.choose import Option, Request, choose, densest
from keras_nest.format import NestedOp
from keras_nest.nesting.channels import channels_of
from keras_nest.planner.candidates import PlannedLayer
from keras_nest.planner.instructions import padded
from keras_nest.planner.live_tensors import moments
from keras_nest.planner.result import Plan


@dataclasses.dataclass(frozen=True)
class Footprint:
    """What a plan takes.

    Attributes:
        instructions: Predicted at each level, of all ops with weights; those that stay
            builtin as our dense kernels.
        packed_bytes: Weights, indices and tables of all of them; at most, as a table
            for each level is counted, which normalizations of its own make.
        arena_bytes: int8 activations alive at once and the largest working memory of
            an op, at most; TFLM's own records come on top.
    """

    instructions: tuple[int, ...]
    packed_bytes: int
    arena_bytes: int


class Packer:
    """Packs the layers of plans for a core; a layer that stays as it was, once.

    Args:
        target: A core of `keras_nest.targets`.
        optimize: "speed" or "size", as `convert` takes it.
    """

    def __init__(self, target: str, optimize: str = "speed"):
        core = targets.find(target, "cost")
        self._request = Request(costs.load(core.costs), optimize)
        self._options: dict[tuple[str, Any], Option] = {}

    def options(self, plan: Plan) -> list[Option]:
        """How each layer is packed, in the plan's order."""
        return [self._packed(one.layer, plan) for one in plan.choices]

    def instructions(self, plan: Plan) -> Any:
        """Predicted at each level, int64 [levels]."""
        total = np.zeros(len(plan.budgets), np.int64)
        for option in self.options(plan):
            total += np.asarray(option.instructions)
        return total

    def _packed(self, layer: PlannedLayer, plan: Plan) -> Option:
        key = layer.name, plan.get(layer.name)
        if key not in self._options:
            op = _op(layer, plan)
            if op.level_of is None:  # the same at every level: a builtin op
                op = densest(op)
            self._options[key] = choose(op, layer.name, self._request).option
        return self._options[key]


def footprint(model: Any, plan: Plan, target: str, optimize: str) -> Footprint:
    """Packs what a plan makes of a model, without training or converting it.

    Args:
        model: The model that was planned for.
        plan: Its plan.
        target: A core of `keras_nest.targets`.
        optimize: "speed" or "size", as `convert` takes it.
    """
    packer = Packer(target, optimize)
    options = packer.options(plan)
    return Footprint(
        tuple(packer.instructions(plan).tolist()),
        sum(len(option.blob) for option in options),
        peak(model) + max(option.scratch_bytes for option in options),
    )


def peak(model: Any) -> int:
    """Bytes of int8 activations that are alive at once, at most."""
    flat, channels = channels_of(model)
    sizes = {id(group): group.size for group in channels.groups()}
    return max(
        moment.fixed + sum(each * sizes[key] for key, each in moment.by_group.items())
        for moment in moments(flat, channels)
    )


def _op(layer: PlannedLayer, plan: Plan) -> NestedOp:
    g, levels = padded(layer.geometry), len(plan.budgets)
    level_of = None
    if layer.pattern is not None and any(plan[layer.name]):
        level_of = masks.level_of(layer.magnitudes, plan[layer.name], layer.pattern)
    ones = np.ones(g.weights_shape, np.int8)
    pattern = layer.pattern or masks.Pattern()
    # A table for each level, as private normalizations make them.
    multiplier = (1 << 30) + np.arange(levels, dtype=np.int32)[:, None]
    return NestedOp(
        geometry=g,
        levels=levels,
        input_zero_point=0,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=ones if level_of is None else np.where(level_of < levels, ones, 0),
        level_of=level_of,
        multiplier=np.repeat(multiplier, g.out_c, axis=1).astype(np.int32),
        shift=np.full((levels, g.out_c), -8, np.int8),
        bias=np.zeros((levels, g.out_c), np.int32),
        block=(pattern.rows, pattern.cols) if level_of is not None else (1, 1),
    )
