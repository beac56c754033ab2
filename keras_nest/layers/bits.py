"""Layers whose levels have fewer or more bits of the same weights.

The bit widths of Nunez et al., "LCS: Learning Compressible Subspaces for Efficient,
Adaptive, Real-Time Network Compression at Inference Time" (WACV 2023), after the code
of apple/learning-compressible-subspaces; and bit planes of int8 weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_nest.bit_widths import BitWidths
from keras_nest.errors import NestError
from keras_nest.layers import fake_quantize
from keras_nest.layers.base import PACKAGE, NestedKernel, Tensor, level_tensor
from keras_nest.layers.conv import NestedConv1D, NestedConv2D
from keras_nest.layers.dense import NestedDense


class BitsKernel(NestedKernel):
    """Mixin for a nested layer: a level sees the kernel rounded to its bits.

    Stands before the nested class among the bases. Gradients go through the rounding as
    if it were none. Masks, where there are sparsities, come first.

    Args:
        bits: Bits of each level, rising.
        quantization: See `keras_nest.BitWidths`.

    Attributes:
        bit_widths: Both of them.
    """

    def __init__(
        self,
        *args: Any,
        bits: Sequence[int],
        quantization: str = "affine",
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.bit_widths = BitWidths(bits, quantization)
        if self.sparsities is not None and self.levels != len(bits):
            raise NestError(
                "Expected as many bit widths as sparsities, one for each level. "
                f"Received: bits={tuple(bits)}, sparsities={self.sparsities}"
            )
        self.levels = len(bits)

    def level_kernel(self, level: Any = None) -> Tensor:
        kernel = ops.convert_to_tensor(super().level_kernel(level))
        of_levels = ops.convert_to_tensor(self.bit_widths.bits, "float32")
        bits = ops.take(of_levels, level_tensor(level, self.levels))
        return getattr(fake_quantize, self.bit_widths.quantization)(kernel, bits)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "bits": list(self.bit_widths.bits),
            "quantization": self.bit_widths.quantization,
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class BitsConv2D(BitsKernel, NestedConv2D):
    """A `NestedConv2D` whose levels are bit widths; see `BitsKernel`."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class BitsConv1D(BitsKernel, NestedConv1D):
    """A `NestedConv1D` whose levels are bit widths; see `BitsKernel`."""


@keras.saving.register_keras_serializable(package=PACKAGE)
class BitsDense(BitsKernel, NestedDense):
    """A `NestedDense` whose levels are bit widths; see `BitsKernel`."""
