"""Levels that are bit widths: all weights at every level, with fewer bits each."""

from __future__ import annotations

import dataclasses
import itertools
import numbers
from collections.abc import Sequence

from keras_nest.errors import NestError

MOST_BITS = 8
FEWEST_BITS = 2
QUANTIZATIONS = ("affine", "planes")


@dataclasses.dataclass(frozen=True)
class BitWidths:
    """Bits of each weight by level; `nest` takes it in place of sparsities.

    Attributes:
        bits: By level, from 2 to 8, rising.
        quantization: "affine": each level quantizes the layer by itself, over the range
            of its weights, as Nunez et al., "LCS: Learning Compressible Subspaces"
            (WACV 2023). "planes": a level has the upper bits of the 8-bit weight of its
            channel, so that all levels are in one set of 8-bit weights: `convert` takes
            these, with 4, or 4 and 8, bits.

    Example:

    ```python
    model = nest(base, BitWidths((3, 4, 6, 8)), recipe=LCS(kind="bits"))
    small = nest(base, BitWidths((4, 8), "planes"))
    ```
    """

    bits: Sequence[int]
    quantization: str = "affine"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", tuple(self.bits))
        whole = all(isinstance(value, numbers.Integral) for value in self.bits)
        rising = whole and all(a < b for a, b in itertools.pairwise(self.bits))
        known = whole and all(FEWEST_BITS <= b <= MOST_BITS for b in self.bits)
        if not self.bits or not rising or not known:
            raise NestError(
                f"Expected `bits` from {FEWEST_BITS} to {MOST_BITS} that rise from "
                f"level to level. Received: bits={self.bits}",
                hint="Level 0 has the fewest: write for example (3, 4, 6, 8).",
            )
        if self.quantization not in QUANTIZATIONS:
            raise NestError(
                f"Expected `quantization` to be one of {QUANTIZATIONS}. "
                f"Received: quantization={self.quantization!r}"
            )

    @property
    def on_device(self) -> bool:
        """Whether `convert` takes them: planes of 4, or of 4 and 8, bits."""
        return self.quantization == "planes" and self.bits in ((4,), (4, 8))

    @property
    def sparsities(self) -> tuple[float, ...]:
        """Share of 8 bits that each level leaves out."""
        return tuple(1 - bits / MOST_BITS for bits in self.bits)
