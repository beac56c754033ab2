"""Synthetic ops whose counts the cost tables are fitted to, and others to check them.

Shapes are small and awkward on purpose: every part of a kernel must matter in some of
them, or its coefficient would be a guess.
"""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from keras_nest.bench.synthetic import synthetic_op
from keras_nest.format import Geometry, NestedOp

_RANDOM_SHAPES = 20
_SEEDS = 4  # ops of each shape and pattern
BLOCKS = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16), (2, 2))

# Height, width, input and output channels, kernel, stride, dilation, "same" padding.
_CONVOLUTIONS = (
    (8, 8, 16, 16, 3, 1, 1, True),
    (6, 6, 32, 8, 3, 1, 1, False),
    (7, 5, 8, 12, 3, 1, 1, True),
    (10, 3, 4, 20, 5, 1, 1, True),
    (9, 9, 16, 10, 3, 2, 1, True),
    (12, 7, 8, 6, 3, 2, 1, True),
    (9, 10, 16, 7, 3, 1, 2, True),
    (3, 2, 64, 16, 3, 1, 1, True),
    (1, 21, 16, 9, (1, 7), 1, 1, True),
    (6, 13, 16, 24, 1, 1, 1, True),
    (9, 9, 32, 16, 1, 2, 1, True),
    (4, 4, 48, 32, 1, 1, 1, True),
    (1, 3, 16, 40, 1, 1, 1, True),
    (5, 6, 6, 11, 3, 1, 1, True),
    (6, 5, 3, 8, 3, 1, 1, True),
    (5, 5, 5, 9, 1, 1, 1, True),
    (2, 9, 128, 8, 1, 1, 1, True),
    (16, 16, 16, 4, 3, 1, 1, True),
    (14, 15, 4, 16, 3, 2, 1, True),
    (10, 10, 16, 64, 1, 1, 1, True),
    (7, 8, 16, 200, 1, 1, 1, True),
    (5, 6, 4, 150, 3, 1, 1, True),
    (2, 2, 96, 12, 5, 1, 1, True),
    (6, 7, 10, 8, 3, 1, 2, True),
    (7, 4, 9, 7, 3, 1, 1, True),
    (9, 11, 1, 16, 3, 1, 1, True),
    (7, 6, 3, 12, 1, 1, 1, True),
    (7, 9, 3, 10, 3, 1, 1, True),
    (5, 7, 1, 12, 5, 1, 1, True),
    (9, 8, 7, 5, 1, 2, 1, True),
    (4, 30, 16, 8, 3, 1, 1, True),
    (20, 5, 16, 4, 3, 1, 1, True),
    (6, 9, 32, 12, 3, 1, 1, True),
    (12, 4, 16, 8, (3, 1), 1, 1, True),
    (5, 6, 48, 20, 3, 1, 1, True),
    (2, 40, 16, 4, 1, 1, 1, True),
    (14, 9, 32, 4, 1, 2, 1, True),
    (5, 5, 8, 12, 5, 1, 1, False),
    (9, 11, 16, 12, 3, 2, 1, True),
    (10, 7, 32, 8, 3, 2, 1, True),
    (13, 13, 16, 8, 5, 3, 1, True),
    (8, 8, 3, 12, 3, 2, 1, True),
    (5, 9, 2, 140, 3, 1, 1, True),
    (8, 5, 7, 10, 5, 1, 1, True),
    (6, 6, 33, 9, 1, 1, 1, True),
    (5, 10, 18, 6, 3, 1, 1, False),
    (4, 7, 2, 11, 3, 1, 2, True),
    (7, 8, 16, 10, 1, 2, 1, True),
    (11, 5, 16, 8, 1, 3, 1, True),
)
_FULLY_CONNECTED = (
    (1, 64, 10),
    (1, 128, 128),
    (1, 256, 33),
    (1, 32, 64),
    (1, 400, 20),
    (3, 96, 24),
    (5, 48, 16),
    (1, 30, 12),
    (1, 21, 8),
    (1, 16, 130),
    (1, 1200, 5),
    (1, 8, 7),
    (1, 100, 51),
    (1, 176, 16),
    (2, 80, 20),
    (2, 160, 12),
    (2, 32, 8),
    (1, 1024, 8),
)
# Height, width, channels, multiplier, kernel, stride, "same" padding.
_DEPTHWISE = (
    (8, 8, 16, 1, 3, 1, True),
    (9, 7, 24, 1, 3, 2, True),
    (5, 5, 64, 1, 3, 1, False),
    (10, 4, 8, 1, 5, 1, True),
    (1, 30, 12, 1, (1, 9), 1, True),
    (4, 4, 32, 1, 4, 4, False),
    (14, 3, 20, 1, 3, 1, True),
    (3, 3, 128, 1, 3, 1, True),
    (4, 3, 160, 1, 3, 1, True),
    (6, 6, 7, 1, 3, 1, True),
    (8, 8, 33, 1, 3, 2, True),
    (9, 7, 1, 8, 3, 1, True),
    (12, 12, 1, 16, 5, 2, True),
    (7, 6, 1, 6, 3, 1, False),
    (3, 3, 1, 20, 2, 1, True),
    (8, 5, 1, 64, (10, 4), 2, True),
    (8, 8, 1, 1, 3, 1, True),
    (4, 9, 5, 1, 5, 1, True),
    (9, 3, 16, 2, 3, 1, True),
    (3, 8, 2, 6, 3, 2, True),
    (12, 10, 3, 1, 3, 2, True),
    (5, 5, 18, 1, 3, 1, True),
    (7, 7, 4, 2, 3, 1, True),
    (6, 5, 3, 4, 3, 2, True),
    (4, 4, 8, 3, 1, 1, True),
)
# Layers of ResNet-8, DS-CNN and MobileNet, some of them cropped: not fitted to.
_CHECKED = (
    (5, 6, 64, 21, 1, 1, 1, True),
    (7, 5, 48, 13, 1, 1, 1, True),
    (6, 10, 16, 11, 1, 2, 1, True),
    (10, 6, 32, 5, 1, 2, 1, True),
    (16, 16, 16, 16, 3, 1, 1, True),
    (16, 16, 16, 32, 3, 2, 1, True),
    (8, 8, 32, 24, 3, 1, 1, True),
    (8, 8, 64, 20, 1, 1, 1, True),
    (12, 5, 64, 16, 1, 1, 1, True),
    (6, 6, 128, 12, 1, 1, 1, True),
    (1, 1, 64, 12, 1, 1, 1, True),
    (3, 3, 128, 256, 1, 1, 1, True),
    (12, 12, 3, 16, 3, 1, 1, True),
)
_CHECKED_FULLY_CONNECTED = ((1, 640, 32), (1, 8, 128), (1, 64, 12), (2, 128, 12))
_CHECKED_DEPTHWISE = (
    (12, 5, 64, 1, 3, 1, True),
    (25, 10, 1, 64, (10, 4), 2, True),
    (12, 12, 8, 1, 3, 2, True),
    (6, 6, 5, 1, 3, 1, True),
    (6, 6, 4, 2, 3, 1, True),
)


@dataclasses.dataclass(frozen=True)
class Sample:
    """An op of the grid.

    Attributes:
        name: Its shape in words.
        op: What is packed, in every encoding that holds it.
        checks: Whether the table is checked with it, and not fitted to it.
    """

    name: str
    op: NestedOp
    checks: bool


def samples() -> Iterator[Sample]:
    """All ops, the same in every call: every shape with every pattern it takes."""
    for checks in (False, True):
        for geometry in _geometries(checks):
            # From the shape, so that one more changes none of the others' ops.
            seeds = itertools.count(zlib.crc32(str(geometry).encode()))
            for block in _blocks(geometry):
                for seed in itertools.islice(seeds, 1 if checks else _SEEDS):
                    name = f"{'check' if checks else 'grid'}-{seed}"
                    yield Sample(name, synthetic_op(geometry, block, seed), checks)


def fingerprint(ops: Iterable[Sample]) -> str:
    """Eight hexadecimal digits that tell whether a table is of these ops.

    Args:
        ops: All that the table is measured with.
    """
    crc = 0
    for sample in ops:
        op = sample.op
        level_of = b"" if op.level_of is None else op.level_of.tobytes()
        for part in (str(op.geometry).encode(), op.weights.tobytes(), level_of):
            crc = zlib.crc32(part, crc)
    return f"{crc:08x}"


def _geometries(checks: bool) -> list[Geometry]:
    convolutions = _CHECKED if checks else _CONVOLUTIONS
    vectors = _CHECKED_FULLY_CONNECTED if checks else _FULLY_CONNECTED
    depthwise = _CHECKED_DEPTHWISE if checks else _DEPTHWISE
    found = [convolution(*shape) for shape in convolutions]
    found += [Geometry("fully_connected", 1, n, i, 1, n, o) for n, i, o in vectors]
    found += [
        dataclasses.replace(
            convolution(h, w, c, c * multiplier, kernel, stride, 1, same),
            op="depthwise_conv_2d",
        )
        for h, w, c, multiplier, kernel, stride, same in depthwise
    ]
    if checks:
        found += [_random_convolution(seed) for seed in range(_RANDOM_SHAPES)]
    return found


def _random_convolution(seed: int) -> Geometry:
    rng = np.random.default_rng(seed)
    kernel, stride = int(rng.choice([1, 3, 3, 5])), int(rng.choice([1, 1, 2]))
    height, width = rng.integers(kernel, 14, 2).tolist()
    in_c, out_c = int(rng.choice([3, 8, 16, 24, 32, 48])), int(rng.integers(4, 40))
    same = bool(rng.integers(2))
    return convolution(height, width, in_c, out_c, kernel, stride, 1, same)


def convolution(
    height: int,
    width: int,
    in_c: int,
    out_c: int,
    kernel: int | tuple[int, int],
    stride: int,
    dilation: int,
    same: bool,
) -> Geometry:
    """A convolution with TFLite's padding."""
    kernels = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    outs, pads = [], []
    for size, taps in zip((height, width), kernels, strict=True):
        reach = (taps - 1) * dilation + 1
        out = -(-size // stride) if same else (size - reach) // stride + 1
        outs.append(out)
        pads.append(max((out - 1) * stride + reach - size, 0) // 2 if same else 0)
    return Geometry(
        "conv_2d",
        *(height, width, in_c),
        *(outs[0], outs[1], out_c),
        *kernels,
        *(stride, stride),
        *(dilation, dilation),
        *(pads[0], pads[1]),
    )


def _blocks(g: Geometry) -> Iterator[tuple[int, int] | None]:
    """The patterns that an op can have, and none: dense."""
    yield None
    if g.op != "depthwise_conv_2d":
        yield from (block for block in BLOCKS if g.in_c % block[1] == 0)
