"""Levels that mix: a width and a sparsity for each layer at each level."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from keras_nest.errors import NestError
from keras_nest.levels import one_for_each
from keras_nest.nesting.channels import channels_of
from keras_nest.nesting.exempt import Exempt, exempt_layers
from keras_nest.nesting.kernel_calls import kernel_calls
from keras_nest.nesting.kinds import KERNELS, has_nested_kind
from keras_nest.nesting.widths import widths_that_repeat
from keras_nest.prefixes import ChannelPrefix, Widths


def mixed_levels(
    model: Any,
    widths: Sequence[float] | Widths,
    sparsities: Sequence[float] | Mapping[str, Sequence[float]],
    exempt: Exempt,
) -> Widths:
    """Widths with sparsities within them.

    Args:
        model: What `nest` takes.
        widths: Share of the channels that each level keeps, not falling, or `Widths`.
        sparsities: Share of the weights between the channels of a level that it leaves
            out, for each level; or by the names of layers. Those that are not named
            keep all weights between their channels. A layer leaves out less where the
            level below keeps more weights of it than that.
        exempt: Layers that keep all of them as well; see `nest`.

    Raises:
        NestError: If a sparsity is out of range, there are not as many as widths, or a
            layer is named that the model does not have.
    """
    asked = widths
    if not isinstance(asked, Widths):
        asked = widths_that_repeat(model, asked)
    flat, _ = channels_of(model)
    layers = [found.layer for found in kernel_calls(flat)]
    kernels = {layer.name: layer for layer in layers if has_nested_kind(layer)}
    if isinstance(sparsities, Mapping):
        within = dict(sparsities)
        if unknown := set(within) - set(kernels):
            raise NestError(
                "Expected `sparsities` to name convolutions and Dense layers of the "
                f"model. Received: {sorted(unknown)}",
                hint=f"The model has {sorted(kernels)}.",
            )
    else:
        dense = exempt_layers(layers, tuple(KERNELS), exempt)
        within = {
            name: sparsities
            for name, layer in kernels.items()
            if id(layer) not in dense
        }
    return with_sparsities(asked, kernels, within)


def with_sparsities(
    widths: Widths, kernels: Mapping[str, Any], within: Mapping[str, Any]
) -> Widths:
    """Widths with sparsities between the channels of some layers.

    Args:
        widths: The widths.
        kernels: Layers by their names.
        within: Names of layers -> share of the weights left out at each level.
    """
    found = Widths(widths, depthwise=widths.depthwise)
    for name, given in within.items():
        values = _check(name, given, _levels(widths))
        if any(values):
            prefix = widths.get(name) or _whole(kernels[name], len(values))
            found[name] = dataclasses.replace(prefix, within=_rising(prefix, values))
    return found


def _rising(prefix: ChannelPrefix, sparsities: tuple[float, ...]) -> tuple[float, ...]:
    """The sparsities, or less where the level below keeps more weights than asked."""
    found: list[float] = []
    kept = 0.0
    for i, o, sparsity in zip(prefix.inputs, prefix.outputs, sparsities, strict=True):
        least = 1 - kept / (i * o)
        found.append(min(sparsity, least))
        kept = max(kept, (1 - sparsity) * i * o)
    return tuple(found)


def _whole(layer: Any, levels: int) -> ChannelPrefix:
    """All channels at each level."""
    inputs, outputs = layer.kernel.shape[-2:]
    return ChannelPrefix((inputs,) * levels, inputs, (outputs,) * levels, outputs)


def _levels(widths: Widths) -> int:
    counts = [len(prefix.outputs) for prefix in widths.values()]
    return counts[0] if counts else 0


def _check(name: str, sparsities: Any, levels: int) -> tuple[float, ...]:
    hint = "Write for example nest(model, (0.5, 0.5, 0.0), widths=(0.25, 0.5, 1.0))."
    values = one_for_each("sparsities", sparsities, hint)
    if levels and len(values) != levels:
        raise NestError(
            f"Expected as many sparsities as widths, {levels}. "
            f"Received: {len(values)} for layer {name!r}, {values}",
            hint=hint,
        )
    if not all(0 <= value < 1 for value in values):
        raise NestError(
            "Expected every sparsity to be at least 0 and below 1. "
            f"Received: {values} for layer {name!r}",
            hint=hint,
        )
    return values
