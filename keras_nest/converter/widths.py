"""Which channels each level needs, and the ops that compute those alone.

A channel that nothing reads at a level is not computed there: its op writes the output
zero point instead, which pooling, padding, additions and ReLUs behind it keep. Kernels
rely on it, so that an op with widths must read channels of which those beyond its own
hold the zero point.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_nest.converter.graph import (
    Activation,
    Array,
    Concatenate,
    Graph,
    Op,
    Weighted,
)
from keras_nest.converter.packing import geometry_of
from keras_nest.errors import NestError
from keras_nest.format import Segment, Widths

PATTERN = "channel"
_MOST_SEGMENTS, _MOST_CHANNELS = 255, (1 << 16) - 1


def set_widths(graph: Graph) -> None:
    """Gives the ops of a frozen graph their widths, in place.

    Where no layer has levels of width, none gets any. Ops whose levels cannot be told
    by widths keep their masks: those with other masks, and those of which a level
    leaves out channels that another op reads.

    Raises:
        NestError: If a softmax reads channels that a level has not.
    """
    if graph.levels == 1 or not any(_has_widths(op) for op in graph.weighted()):
        return  # what masks leave of a channel is chance
    needed = _needed(graph, strict=False)
    _check_softmax(graph, _needed(graph, strict=True))
    # What may hold something else than zero.
    used: dict[str, Array] = {graph.input: _all(graph, graph.input)}
    for op in graph.ops:
        if isinstance(op, Weighted):
            used[op.output] = _weighted(graph, op, needed[op.output], used)
        else:
            used[op.output] = _forward(graph, op, used)


def _has_widths(op: Weighted) -> bool:
    """Whether its levels are widths, with masks within them or not."""
    return op.pattern == PATTERN or op.channels is not None


def _between(op: Weighted) -> Array | None:
    """The lowest level that has a weight, or that could have it: what masks leave out
    within widths is chance."""
    return op.level_of if op.channels is None else op.channels


def _all(graph: Graph, tensor: str) -> Array:
    """bool [levels, channels]"""
    return np.ones((graph.levels, graph.shapes[tensor][-1]), bool)


def _needed(graph: Graph, strict: bool) -> dict[str, Array]:
    """By tensor, the channels that are read at each level, bool [levels, channels].

    Args:
        graph: The graph.
        strict: Only by a softmax, and what is between.
    """
    needed = {name: np.zeros_like(_all(graph, name)) for name in graph.shapes}
    if not strict:
        needed[graph.output][:] = True
    for op in reversed(graph.ops):
        if isinstance(op, Weighted):
            if not strict:
                needed[op.inputs[0]] |= _read(op, needed[op.output])
            continue
        out = needed[op.output]
        if isinstance(op, Activation) and op.kind == "softmax":
            out = np.ones_like(out)
        start = 0
        for name in op.inputs:
            size = graph.shapes[name][-1]
            if isinstance(op, Concatenate):
                needed[name] |= out[:, start : start + size]
                start += size
            else:
                needed[name] |= _moved(graph, out, op.output, name)
    return needed


def _moved(graph: Graph, channels: Array, source: str, target: str) -> Array:
    """The channels of a tensor as those of another of the same values, reshaped."""
    shape, other = graph.shapes[source], graph.shapes[target]
    if shape[-1] == other[-1]:
        return channels
    spread = np.broadcast_to(channels[:, None, :], (len(channels), *_flat(shape)))
    return np.asarray(spread.reshape(len(channels), *_flat(other)).any(axis=1))


def _flat(shape: tuple[int, ...]) -> tuple[int, int]:
    return int(np.prod(shape[:-1])), shape[-1]


def _read(op: Weighted, needed: Array) -> Array:
    """The inputs of the outputs that are needed."""
    if op.kind == "depthwise_conv_2d":
        multiple = op.out_channels // _inputs(op)
        return np.asarray(needed.reshape(len(needed), -1, multiple).any(axis=2))
    level_of = _between(op)
    if level_of is None:
        rows = np.any(needed, axis=1)[:, None]
        return np.broadcast_to(rows, (len(needed), _inputs(op)))
    axes = tuple(range(1, op.kernel.ndim - 1))
    lowest: Array = np.min(level_of, axis=axes)  # [out, in]
    levels = range(len(needed))
    return np.stack([np.any(lowest[needed[at]] <= at, axis=0) for at in levels])


def _inputs(op: Weighted) -> int:
    if op.kind != "depthwise_conv_2d":
        return int(op.kernel.shape[-1])
    if op.layer is None or not hasattr(op.layer, "depth_multiplier"):
        return op.out_channels
    return op.out_channels // int(op.layer.depth_multiplier)


def _rows(op: Weighted, level_of: Array | None) -> Array:
    """Output channels that have weights, bool [levels, channels]."""
    levels = np.arange(len(op.bias))[:, None]
    if level_of is None:
        return np.ones(op.bias.shape, bool)
    axes = tuple(i for i in range(op.kernel.ndim) if i != op.channel_axis)
    return np.asarray(level_of.min(axis=axes) <= levels)


def _check_softmax(graph: Graph, read: dict[str, Array]) -> None:
    for op in graph.weighted():
        missing = read[op.output] & ~_rows(op, _between(op))
        if not _has_widths(op) or not missing.any():
            continue
        level, channel = (int(value) for value in np.argwhere(missing)[0])
        raise NestError(
            "Expected a softmax over channels that all levels have. Received: one over "
            f"those of layer {op.name!r}, which has no channel {channel} at level "
            f"{level}",
            hint="exp(0) is not 0: keep all channels of the layer before a softmax.",
        )


def _forward(graph: Graph, op: Op, used: dict[str, Array]) -> Array:
    if isinstance(op, Activation) and op.kind == "softmax":
        return _all(graph, op.output)
    if isinstance(op, Concatenate):
        return np.concatenate([used[name] for name in op.inputs], axis=1)
    found = np.zeros_like(_all(graph, op.output))
    for name in op.inputs:
        found = found | _moved(graph, used[name], name, op.output)
    return found


def _weighted(
    graph: Graph, op: Weighted, needed: Array, used: dict[str, Array]
) -> Array:
    """Decides about an op, and says which of its outputs may not be zero."""
    rows = _rows(op, op.level_of)
    widths = _widths_of(op, needed, used[op.inputs[0]])
    if widths is not None:
        op.widths = widths
        op.level_of = _kernel_layout(op, widths.level_of(geometry_of(graph, op)))
        op.block, op.pattern = (1, 1), PATTERN
        _clear(op, ~needed)
        return needed
    # Without weights and a reader, the bias is for nothing.
    _clear(op, ~needed & ~rows)
    return np.asarray(rows | (op.bias != 0))


def _clear(op: Weighted, unused: Array) -> None:
    """Makes outputs zero that no one reads; their scale then is that of a level that
    computes them."""
    first = first_levels(~unused)
    op.scale = np.take_along_axis(op.scale, first, axis=0)
    op.bias = np.where(unused, 0.0, op.bias)


def first_levels(active: Array) -> Array:
    """For each level and channel the level itself, or the lowest that has the channel;
    the last where none has. int [levels, channels]"""
    levels = np.arange(len(active))[:, None]
    last = len(active) - 1
    lowest = np.where(active.any(axis=0), active.argmax(axis=0), last)
    return np.where(active, levels, lowest)


def _kernel_layout(op: Weighted, level_of: Array) -> Array:
    return np.ascontiguousarray(level_of.reshape(op.kernel.shape))


def _widths_of(op: Weighted, needed: Array, used: Array) -> Widths | None:
    """The widths of an op; None if it has none, or they do not say what it does."""
    outputs = needed.sum(axis=1)
    prefixes = np.arange(op.out_channels) < outputs[:, None]
    if not np.array_equal(needed, prefixes) or outputs[0] == 0:
        return None
    if max(op.out_channels, _inputs(op)) > _MOST_CHANNELS:
        return None
    counts = tuple(int(count) for count in outputs)
    if op.kind == "depthwise_conv_2d":
        multiple = op.out_channels // _inputs(op)
        is_whole = counts[0] == op.out_channels
        if is_whole or any(count % multiple for count in counts):
            return None
        inputs = np.arange(_inputs(op)) < outputs[:, None] // multiple
        return None if np.any(used & ~inputs) else Widths(counts)
    if not np.all(_rows(op, op.level_of) >= needed):
        return None
    levels = _input_levels(op)
    if levels is None or np.any(used > (levels <= np.arange(len(needed))[:, None])):
        return None
    if counts[0] == op.out_channels and not levels.any():
        return None
    return _with_inputs(op, counts, levels)


def _input_levels(op: Weighted) -> Array | None:
    """The level of each input channel, uint8; None where that is not all there is."""
    if op.level_of is None:
        return np.zeros(_inputs(op), np.uint8)
    outputs = _least(op.level_of, 0)
    inputs = _least(op.level_of, op.level_of.ndim - 1)
    per_output = outputs.reshape(-1, *[1] * (op.level_of.ndim - 1))
    if np.any(op.level_of != np.maximum(per_output, inputs)):
        return None
    return inputs


def _least(values: Array, axis: int) -> Any:
    return values.min(axis=tuple(i for i in range(values.ndim) if i != axis))


def _with_inputs(op: Weighted, counts: tuple[int, ...], levels: Array) -> Widths | None:
    sets = 1
    if op.kind == "fully_connected" and np.any(np.diff(levels.astype(int)) < 0):
        sets = _sets(levels)
    one = levels[: levels.size // sets].astype(int)
    starts = [0, *(np.flatnonzero(np.diff(one) < 0) + 1).tolist()]
    if len(starts) > _MOST_SEGMENTS:
        return None
    segments = []
    for start, end in zip(starts, [*starts[1:], one.size], strict=True):
        part = one[start:end]
        active = [int((part <= level).sum()) for level in range(len(counts))]
        segments.append(Segment(start, tuple(active)))
    return Widths(counts, tuple(segments), sets)


def _sets(levels: Array) -> int:
    """Into how many equal parts the levels fall."""
    size = levels.size
    for period in range(2, size // 2 + 1):
        if size % period == 0 and np.all(levels.reshape(-1, period) == levels[:period]):
            return size // period
    return 1
