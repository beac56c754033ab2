"""What each level of a model costs: non-zero weights, MACs and bytes.

The bytes are those of the real packer, fed with the float weights rounded to int8 and
with placeholder scales, so that they can differ by some bytes from a conversion.
"""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_nest import format as packed_format
from keras_nest import masks
from keras_nest.nesting.kernel_calls import KernelCalls, kernel_calls

Array = np.ndarray[Any, Any]

LOG_WIDTH = 1000
"""Columns of a log: nothing is cut there."""


@dataclasses.dataclass(frozen=True)
class LayerFacts:
    """What one layer costs at each level, sparsest level first.

    Attributes:
        name, kind: The layer's name and class.
        pattern: The pattern in use; "dense" without masks, "channel" for widths.
        asked_pattern: The pattern that was asked for.
        weights: Number of kernel weights.
        nonzeros: Kernel weights that are active at each level.
        macs: Multiply-accumulates of one sample at each level, with these weights.
        asked, achieved: Asked and achieved sparsity at each level; of bit widths, the
            share of 8 bits that is left out.
        packed_bytes: Bytes of the levels up to and including each one, packed together:
            weights, indices and requantization tables.
        dense_bytes: Bytes of the layer in a plain int8 model: weights, 32-bit biases.
    """

    name: str
    kind: str
    pattern: str
    asked_pattern: str
    weights: int
    nonzeros: tuple[int, ...]
    macs: tuple[int, ...]
    asked: tuple[float, ...]
    achieved: tuple[float, ...]
    packed_bytes: tuple[int, ...]
    dense_bytes: int


def layer_facts(graph: keras.Model, levels: int) -> list[LayerFacts]:
    """The facts of the convolutions and Dense layers of a nested model's graph.

    Args:
        graph: `NestedModel.graph`.
        levels: Number of levels.
    """
    return [_facts(found, levels) for found in kernel_calls(graph)]


def summary_table(model: Any, stacked: bool = False) -> Table:
    """The summary of a `NestedModel` as a rich table.

    Args:
        model: The model.
        stacked: Put the facts of a level below each other, not side by side.
    """
    facts = layer_facts(model.graph, model.levels)
    table = Table(
        title=f"{model.name}: {model.levels} levels in one set of weights",
        caption="packed: bytes of the levels up to this one together, tables included. "
        "dense: int8 weights and biases of one plain model.",
    )
    table.add_column("layer", overflow="fold")
    if stacked:
        table.add_column("per level")
    for level, sparsity in enumerate(model.sparsities):
        heading = f"level {level}\n{sparsity:.0%} asked"
        table.add_column(heading if stacked else f"{heading}\nsparsity", **_NUMBER)
        for title in () if stacked else _FACTS[1:]:
            table.add_column(f"\n\n{title}", **_NUMBER)
    table.add_column("dense" if stacked else "\n\ndense", **_NUMBER)
    for layer in facts:
        separator = "\n" if stacked else ", "
        title = f"{layer.name}\n{layer.kind}{separator}{_pattern_cell(layer)}"
        table.add_row(title, *_level_cells(layer, stacked), f"{layer.dense_bytes:,}")
    table.add_section()
    total = _total(facts, model.levels)
    table.add_row("total", *_level_cells(total, stacked), f"{total.dense_bytes:,}")
    return table


def print_summary(model: Any, print_fn: Callable[[str], Any] | None = None) -> None:
    """Prints the summary to fit the terminal, or hands its text to `print_fn`."""
    # A log can show neither styles nor the width of the terminal.
    console = (
        Console()
        if print_fn is None
        else Console(width=LOG_WIDTH, file=io.StringIO(), color_system=None)
    )
    table = summary_table(model)
    unlimited = console.options.update(width=LOG_WIDTH)
    if console.measure(table, options=unlimited).maximum > console.width:
        table = summary_table(model, stacked=True)
    if print_fn is None:
        console.print(table)
        return
    with console.capture() as capture:
        console.print(table)
    print_fn(capture.get())


_FACTS = ("sparsity", "non-zeros", "MACs", "packed")
_NUMBER: dict[str, Any] = {"justify": "right", "no_wrap": True}


def _facts(calls: KernelCalls, levels: int) -> LayerFacts:
    layer = calls.layer
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    level_of = None
    if getattr(layer, "level_of", None) is not None:
        level_of = keras.ops.convert_to_numpy(layer.level_of)
    masked = getattr(layer, "masked", False)
    nonzeros = tuple(
        int(np.sum(layer.active(level))) if hasattr(layer, "active") else kernel.size
        for level in range(levels)
    )
    achieved = tuple(1 - count / kernel.size for count in nonzeros)
    pattern, asked_pattern = _patterns(layer, nonzeros)
    dense_bytes = kernel.size + 4 * calls.output_channels
    if (widths := getattr(layer, "bit_widths", None)) is not None:
        achieved, pattern = widths.sparsities, f"bits {'/'.join(map(str, widths.bits))}"
        asked_pattern = pattern
        sizes = (-(-kernel.size * bits // 8) for bits in widths.bits)
        packed = tuple(size + 4 * calls.output_channels for size in sizes)
    elif masked and level_of is None:
        # A line has no packed form: both ends are stored, dense.
        packed = (dense_bytes + kernel.size,) * levels
    elif level_of is None and not calls.private_tables:
        # The converter leaves a layer alone that is the same at all levels.
        packed = (dense_bytes,) * levels
    else:
        packed = tuple(
            _packed_bytes(calls, kernel, level_of, level + 1) for level in range(levels)
        )
    return LayerFacts(
        name=layer.name,
        kind=type(layer).__name__,
        pattern=pattern,
        asked_pattern=asked_pattern,
        weights=kernel.size,
        nonzeros=nonzeros,
        macs=tuple(count * calls.positions for count in nonzeros),
        asked=layer.sparsities if masked else achieved,
        achieved=achieved,
        packed_bytes=packed,
        dense_bytes=dense_bytes,
    )


def _patterns(layer: Any, nonzeros: tuple[int, ...]) -> tuple[str, str]:
    """The pattern in use and the one that was asked for, as the table shows them."""
    if not getattr(layer, "masked", False):
        # A depthwise kernel has no masks, but levels may use some of its channels.
        name = "channel" if min(nonzeros) < math.prod(layer.kernel.shape) else "dense"
        return name, name
    if layer.prefix is None:
        return str(layer.pattern), str(layer.asked_pattern)
    if not layer.prefix.within:
        return "channel", "channel"
    return f"channel, {layer.pattern}", f"channel, {layer.asked_pattern}"


def _packed_bytes(
    calls: KernelCalls, kernel: Array, level_of: Array | None, levels: int
) -> int:
    """Bytes of a layer that has only the first `levels` levels."""
    geometry = calls.geometry
    rows = kernel.reshape(geometry.columns, -1).T
    scale = np.abs(rows).max(axis=1, keepdims=True) / 127
    weights = np.round(rows / np.where(scale > 0, scale, 1)).astype(np.int8)
    ranks, block = None, (1, 1)
    if level_of is not None:
        ranks = masks.rows_of_kernel(level_of)
        ranks = np.where(ranks < levels, ranks, masks.NEVER).astype(np.uint8)
        weights = np.where(ranks == masks.NEVER, 0, weights).astype(np.int8)
        block = (calls.layer.pattern.rows, calls.layer.pattern.cols)
    if geometry.op == "depthwise_conv_2d":
        weights = np.ascontiguousarray(weights.T)
    # Tables that are equal at all levels are stored once.
    differing = np.arange(levels) if calls.private_tables else np.zeros(levels)
    tables = np.repeat(differing[:, None], geometry.out_c, axis=1)
    op = packed_format.NestedOp(
        geometry=geometry,
        levels=levels,
        input_zero_point=0,
        output_zero_point=0,
        act_min=-128,
        act_max=127,
        weights=weights,
        level_of=ranks,
        multiplier=(tables + (1 << 30)).astype(np.int32),
        shift=np.full(tables.shape, -8, np.int8),
        bias=tables.astype(np.int32),
        block=block,
    )
    return len(packed_format.pack(op))


def _pattern_cell(layer: LayerFacts) -> str:
    if layer.pattern == layer.asked_pattern:
        return layer.pattern
    return f"{layer.pattern} (asked {layer.asked_pattern})"


def _level_cells(layer: LayerFacts, stacked: bool) -> list[str]:
    columns = [
        [
            f"{layer.achieved[level]:.1%}",
            f"{layer.nonzeros[level]:,}",
            f"{layer.macs[level]:,}",
            f"{layer.packed_bytes[level]:,}",
        ]
        for level in range(len(layer.nonzeros))
    ]
    if stacked:
        return ["\n".join(_FACTS), *("\n".join(column) for column in columns)]
    return [cell for column in columns for cell in column]


def _total(facts: list[LayerFacts], levels: int) -> LayerFacts:
    def sums(name: str) -> tuple[int, ...]:
        return tuple(
            sum(getattr(layer, name)[i] for layer in facts) for i in range(levels)
        )

    weights, nonzeros = sum(layer.weights for layer in facts), sums("nonzeros")
    return LayerFacts(
        name="total",
        kind="",
        pattern="",
        asked_pattern="",
        weights=weights,
        nonzeros=nonzeros,
        macs=sums("macs"),
        asked=(),
        achieved=tuple(
            sum(one.achieved[level] * one.weights for one in facts) / max(weights, 1)
            for level in range(levels)
        ),
        packed_bytes=sums("packed_bytes"),
        dense_bytes=sum(layer.dense_bytes for layer in facts),
    )
