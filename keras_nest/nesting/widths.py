"""Levels of several widths: which channels each layer keeps, consistently."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from keras_nest.errors import NestError
from keras_nest.nesting.permutation import channels_of
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
    groups = channels.groups()
    by_name = {
        part.layer.name: group
        for group in groups
        for part in group.parts
        if part.is_producer
    }
    kept: dict[int, tuple[int, ...]] = {}
    if isinstance(widths, Mapping):
        if unknown := set(widths) - set(by_name):
            raise NestError(
                "Expected widths of layers whose channels can be left out. "
                f"Received: {sorted(unknown)}",
                hint=f"They are {sorted(by_name)}.",
            )
        for name, counts in widths.items():
            values = tuple(int(count) for count in counts)
            check_widths(values, by_name[name].size)
            if kept.setdefault(id(by_name[name]), values) != values:
                raise NestError(
                    "Expected one width for channels that are joined. Received: "
                    f"{values} for layer {name!r}, and another has "
                    f"{kept[id(by_name[name])]}"
                )
    else:
        shares = _check_shares(widths)
        for group in groups:
            kept[id(group)] = tuple(max(1, round(s * group.size)) for s in shares)
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
    return found


def _check_shares(widths: Sequence[float]) -> tuple[float, ...]:
    values = tuple(float(value) for value in widths)
    rising = all(a < b for a, b in itertools.pairwise(values))
    if not values or not rising or not all(0 < value <= 1 for value in values):
        raise NestError(
            "Expected widths above 0, at most 1, that rise from level to level. "
            f"Received: widths={values}",
            hint="Level 0 is the narrowest: write for example (0.25, 0.5, 1.0).",
        )
    return values
