"""The mask of a layer whose levels keep the first channels: nested widths."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_nest.errors import NestError
from keras_nest.masks import NEVER, Pattern

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class ChannelPrefix:
    """How many of a layer's first input and output channels each level keeps.

    Attributes:
        inputs: By level, how many input channels; not falling.
        input_channels: How many there are. The kernel's input axis may hold them
            several times, one set after the other, as behind a Flatten.
        outputs: By level, how many output channels; not falling.
        output_channels: How many there are.
        within: By level, the share of the weights between its channels that it leaves
            out; empty where it keeps all of them.
    """

    inputs: tuple[int, ...]
    input_channels: int
    outputs: tuple[int, ...]
    output_channels: int
    within: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "within"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.inputs) != len(self.outputs):
            raise NestError(
                "Expected as many input as output widths, one for each level. "
                f"Received: inputs={self.inputs}, outputs={self.outputs}"
            )
        check_widths(self.inputs, self.input_channels)
        check_widths(self.outputs, self.output_channels)
        if self.within and len(self.within) != len(self.inputs):
            raise NestError(
                f"Expected {len(self.inputs)} sparsities within the channels, one for "
                f"each level. Received: within={self.within}"
            )

    @property
    def sparsities(self) -> tuple[float, ...]:
        """Share of the kernel that each level leaves out."""
        size = self.input_channels * self.output_channels
        within = self.within or (0.0,) * len(self.inputs)
        levels = zip(self.inputs, self.outputs, within, strict=True)
        found = [1 - (1 - left_out) * i * o / size for i, o, left_out in levels]
        # Levels that keep as many differ by rounding.
        return tuple(itertools.accumulate(found, min))

    def level_of(self, shape: Sequence[int], factor: float = 1.0) -> Array:
        """`level_of`, uint8 of the kernel's shape [..., inputs, outputs].

        That of all weights between the channels of a level, whatever `within` is.

        Args:
            shape: The kernel's shape.
            factor: Share of the channels left out that is left out; 0 for none.
        """
        sets = shape[-2] // self.input_channels
        inputs = np.tile(_levels(self.inputs, self.input_channels, factor), sets)
        outputs = _levels(self.outputs, self.output_channels, factor)
        levels = np.maximum(inputs[:, None], outputs[None, :])
        return np.ascontiguousarray(np.broadcast_to(levels, tuple(shape)))

    def get_config(self) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


class Widths(dict[str, ChannelPrefix]):
    """Layer name -> widths of its levels; `nest` takes it in place of sparsities.

    Attributes:
        depthwise: Name of a depthwise convolution -> how many of its channels each
            level uses. Its kernel has no masks: what is not used is not read either.
    """

    def __init__(
        self, *args: Any, depthwise: Mapping[str, tuple[int, ...]] | None = None
    ):
        super().__init__(*args)
        self.depthwise = dict(depthwise or {})

    @property
    def sparsities(self) -> dict[str, tuple[float, ...]]:
        """The sparsities of each layer's kernel."""
        return {name: prefix.sparsities for name, prefix in self.items()}

    @property
    def is_mixed(self) -> bool:
        """Whether a level leaves out weights between its channels."""
        return any(prefix.within for prefix in self.values())

    def pattern_of(self, name: str, pattern: Pattern) -> Pattern:
        """A layer's pattern, where that of sparsities is `pattern`."""
        is_width = name in self and not self[name].within
        return Pattern() if is_width else pattern


def read_prefix(value: ChannelPrefix | Mapping[str, Any] | None) -> Any:
    """A prefix out of a layer's config."""
    return ChannelPrefix(**value) if isinstance(value, Mapping) else value


def check_widths(widths: Sequence[int], channels: int) -> None:
    """Raises if these are no numbers of channels for levels, sparsest first."""
    in_range = all(1 <= width <= channels for width in widths)
    if not widths or not in_range or any(a > b for a, b in itertools.pairwise(widths)):
        raise NestError(
            f"Expected widths from 1 to {channels} that do not fall from level to "
            f"level. Received: {tuple(widths)}"
        )


def _levels(widths: Sequence[int], channels: int, factor: float) -> Array:
    """The lowest level of each channel, 255 for none."""
    left_out = channels - np.asarray(widths)
    counts = channels - np.floor(factor * left_out + 0.5).astype(int)
    levels = np.searchsorted(counts, np.arange(channels), side="right")
    return np.where(levels == len(widths), NEVER, levels).astype(np.uint8)
