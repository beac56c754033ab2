"""Levels of several widths: which channels each layer keeps, consistently."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.masks import check_sparsities
from keras_nest.nesting.channels import Channels, channels_of
from keras_nest.nesting.kernel_calls import kernel_calls
from keras_nest.prefixes import ChannelPrefix, Widths, check_widths


def channel_widths(
    model: Any, widths: Sequence[float] | Mapping[str, Sequence[int]]
) -> Widths:
    """Nested widths: every level keeps the first channels of each layer.

    Sort the channels before, `permute_channels`, so that the first are the most
    important. Channels that an Add joins get one width. Where their order matters
    (inputs and outputs of the model, Concatenate, Reshape) all are kept.

    Args:
        model: What `keras_nest.nest` takes.
        widths: Share of the channels that each level keeps, rising, for all layers; or
            by the names of layers how many output channels each level keeps. Layers
            that are not named keep all, unless they are joined to one that is.

    Returns:
        What `nest` takes in place of sparsities. A level's share of a kernel is what it
        keeps of its inputs times what it keeps of its outputs. Masks follow the mask
        schedule as others do, but not the weights.

    Raises:
        NestError: If widths are out of range or order, a named layer has none, or
            layers that are joined have different ones.

    Example:

    ```python
    scores = keras_nest.taylor_importance(model, x, y, loss=loss)
    model, _ = keras_nest.permute_channels(model, scores)
    nested = keras_nest.nest(model, keras_nest.channel_widths(model, (0.25, 0.5, 1.0)))
    ```
    """
    _, channels = channels_of(model)
    if isinstance(widths, Mapping):
        return _prefixes(channels, _by_name(channels, widths))
    return _of_shares(channels, _check_shares(widths))


def widths_that_repeat(model: Any, widths: Sequence[float]) -> Widths:
    """`channel_widths` of shares that may repeat, for levels that differ in more."""
    return _of_shares(channels_of(model)[1], _check_shares(widths, strict=False))


def widths_of_sparsities(model: Any, sparsities: Sequence[float]) -> Widths:
    """One width for all layers of a level, whose sparsity is the nearest to the asked.

    Args:
        model: What `keras_nest.nest` takes.
        sparsities: Share of all kernels' weights, depthwise ones among them, that each
            level leaves out, falling.

    Raises:
        NestError: If a sparsity is out of range or order, or two give the same widths.
    """
    asked = check_sparsities(sparsities)
    flat, channels = channels_of(model)
    sizes = {group.size for group in channels.groups()}
    shares = sorted({count / size for size in sizes for count in range(1, size + 1)})
    if not shares:
        raise NestError(
            "Expected a model with channels that can be left out. Received: none"
        )
    kept = _kept(flat, _of_shares(channels, shares))
    nearest = [int(np.argmin(np.abs(kept - (1 - value)))) for value in asked]
    for level, (narrow, wide) in enumerate(itertools.pairwise(nearest)):
        if kept[narrow] == kept[wide]:
            raise NestError(
                "Expected sparsities that widths can tell apart. Received: "
                f"{asked[level]} and {asked[level + 1]}, for which levels {level} "
                f"and {level + 1} have the same widths",
                hint="Take sparsities further apart.",
            )
    return _of_shares(channels, [shares[number] for number in nearest])


def _by_name(
    channels: Channels, widths: Mapping[str, Sequence[int]]
) -> dict[int, tuple[int, ...]]:
    """By the `id` of a group, how many channels each level keeps of it."""
    by_name = {
        part.layer.name: group
        for group in channels.groups()
        for part in group.parts
        if part.is_producer
    }
    if unknown := set(widths) - set(by_name):
        raise NestError(
            "Expected widths of layers whose channels can be left out. "
            f"Received: {sorted(unknown)}",
            hint=f"They are {sorted(by_name)}.",
        )
    kept: dict[int, tuple[int, ...]] = {}
    for name, counts in widths.items():
        values = tuple(int(count) for count in counts)
        check_widths(values, by_name[name].size)
        if kept.setdefault(id(by_name[name]), values) != values:
            raise NestError(
                "Expected one width for channels that are joined. Received: "
                f"{values} for layer {name!r}, and another has "
                f"{kept[id(by_name[name])]}"
            )
    return kept


def _of_shares(channels: Channels, shares: Sequence[float]) -> Widths:
    """The same share of the channels of all groups."""
    kept = {
        id(group): tuple(max(1, round(share * group.size)) for share in shares)
        for group in channels.groups()
    }
    return _prefixes(channels, kept)


def _prefixes(channels: Channels, kept: Mapping[int, tuple[int, ...]]) -> Widths:
    """The widths of all layers, out of those of the groups, by their `id`."""
    lengths = {len(values) for values in kept.values()}
    if len(lengths) != 1:
        raise NestError(
            "Expected widths of as many levels for each layer, and of one layer at "
            f"least. Received: {sorted(lengths)} levels"
        )
    (levels,) = lengths
    found = Widths()
    for layer, before, after in channels.kernels():
        inputs = kept.get(id(before), (before.size,) * levels)
        outputs = kept.get(id(after), (after.size,) * levels)
        prefix = ChannelPrefix(inputs, before.size, outputs, after.size)
        if any(prefix.sparsities):
            found[layer.name] = prefix
    for layer, group in channels.depthwise():
        if kept.get(id(group), (group.size,))[0] < group.size:
            found.depthwise[layer.name] = kept[id(group)]
    return found


def _kept(flat: Any, widths: Widths) -> Any:
    """Share of all kernels' weights that each level keeps, [levels]."""
    total, left_out = 0, 0.0
    for found in kernel_calls(flat):
        layer = found.layer
        size = math.prod(layer.kernel.shape)
        total += size
        if layer.name in widths:
            left_out = left_out + size * np.array(widths[layer.name].sparsities)
        elif layer.name in widths.depthwise:
            counts = np.array(widths.depthwise[layer.name])
            left_out = left_out + size * (1 - counts / layer.kernel.shape[-2])
    return 1 - left_out / total


def _check_shares(widths: Sequence[float], strict: bool = True) -> tuple[float, ...]:
    values = tuple(float(value) for value in widths)
    pairs = list(itertools.pairwise(values))
    rising = all(a < b or (a == b and not strict) for a, b in pairs)
    if not values or not rising or not all(0 < value <= 1 for value in values):
        raise NestError(
            "Expected widths above 0, at most 1, that rise from level to level. "
            f"Received: widths={values}",
            hint="Level 0 is the narrowest: write for example (0.25, 0.5, 1.0).",
        )
    return values
