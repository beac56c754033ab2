"""Random nested ops of every shape, pattern, encoding and requantization."""

from __future__ import annotations

import numpy as np

from keras_nest.format import NEVER, Geometry, NestedOp, candidates, variant_of
from tests.runtime.one_op import Case, multiplier_of, real_multiplier

BLOCKS = ((1, 1), (1, 2), (1, 4), (1, 16), (4, 4), (4, 16))
KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")
ENDS = (-128, 127, 0)


def random_case(rng: np.random.Generator, kind: str | None = None) -> Case:
    """A case whose outputs use much of int8's range."""
    kind = kind or str(rng.choice(KINDS))
    block = BLOCKS[rng.integers(len(BLOCKS))] if kind != KINDS[1] else (1, 1)
    geometry, same = _geometry(rng, kind, block)
    levels = int(rng.integers(1, 5))
    level_of = None
    if kind != "depthwise_conv_2d" and rng.random() < 0.9:
        level_of = _level_of(rng, geometry, block, levels)
    weights = _weights(rng, geometry, level_of)
    zero_in, zero_out = _zero_point(rng), _zero_point(rng)
    s_in, s_out = _scale(rng), _scale(rng)
    w_scale, multiplier, shift = _requantization(rng, geometry, levels, s_in, s_out)
    activation = str(rng.choice(("none", "relu", "relu6")))
    act_min, act_max = _bounds(activation, s_out, zero_out)
    op = NestedOp(
        geometry=geometry,
        levels=levels,
        input_zero_point=zero_in,
        output_zero_point=zero_out,
        act_min=act_min,
        act_max=act_max,
        weights=weights,
        level_of=level_of,
        multiplier=multiplier,
        shift=shift,
        bias=_bias(rng, geometry, levels, multiplier, shift),
        block=block if level_of is not None else (1, 1),
    )
    variants = [variant_of(found.blob) for found in candidates(op)]
    return Case(
        op=op,
        s_in=s_in,
        s_out=s_out,
        w_scale=w_scale,
        same_padding=same,
        activation=activation,
        batch=1 if rng.random() < 0.9 else 2,
        encoding=str(rng.choice(["auto", *variants])),
    )


def random_input(rng: np.random.Generator, case: Case) -> np.ndarray:
    """int8 of the case's input shape, all values likely, both ends included."""
    x = rng.integers(-128, 128, case.input_shape, np.int8)
    if rng.random() < 0.1:
        x[...] = rng.choice((-128, 127))
    return x


def _geometry(
    rng: np.random.Generator, kind: str, block: tuple[int, int]
) -> tuple[Geometry, bool]:
    in_c = block[1] * int(rng.integers(1, 1 + max(1, 20 // block[1])))
    out_c = int(rng.integers(1, 14))
    if kind == "fully_connected":
        vectors = int(rng.integers(1, 6))
        in_c *= int(rng.integers(1, 8))
        return Geometry(kind, 1, vectors, in_c, 1, vectors, out_c), False
    if kind == "depthwise_conv_2d":
        in_c = int(rng.integers(1, 14))
        out_c = in_c * int(rng.integers(1, 4))
    same = bool(rng.random() < 0.5)
    kernel, stride = rng.integers(1, 6, 2), rng.integers(1, 4, 2)
    # TFLite's converters never write a stride and a dilation for the same op.
    dilation = rng.integers(1, 4, 2) if rng.random() < 0.4 else np.ones(2, int)
    reach = (kernel - 1) * dilation + 1
    size = rng.integers(1, 12, 2) if same else reach + rng.integers(0, 8, 2)
    out = -(-size // stride) if same else (size - reach) // stride + 1
    pad = np.maximum((out - 1) * stride + reach - size, 0) // 2 * same
    return (
        Geometry(
            kind,
            *(int(size[0]), int(size[1]), in_c, int(out[0]), int(out[1]), out_c),
            *map(int, (*kernel, *stride, *dilation, *pad)),
        ),
        same,
    )


def _level_of(
    rng: np.random.Generator, g: Geometry, block: tuple[int, int], levels: int
) -> np.ndarray:
    groups, blocks = -(-g.out_c // block[0]), g.columns // block[1]
    values = np.array([*range(levels), NEVER])
    likely = rng.dirichlet(np.ones(levels + 1))
    if rng.random() < 0.4:  # row-balanced: the same number of each level in each row
        row = rng.choice(values, blocks, p=likely)
        grid = np.stack([rng.permutation(row) for _ in range(groups)])
    else:
        grid = rng.choice(values, (groups, blocks), p=likely)
    whole = np.repeat(np.repeat(grid, block[0], 0), block[1], 1)
    return np.ascontiguousarray(whole[: g.out_c].astype(np.uint8))


def _weights(
    rng: np.random.Generator, g: Geometry, level_of: np.ndarray | None
) -> np.ndarray:
    weights = rng.integers(-127, 128, g.weights_shape, np.int8)
    weights[rng.random(g.weights_shape) < 0.1] = 0
    if level_of is not None:
        weights[level_of == NEVER] = 0
    return weights


def _zero_point(rng: np.random.Generator) -> int:
    if rng.random() < 0.6:
        return int(rng.choice(ENDS))
    return int(rng.integers(-128, 128))


def _scale(rng: np.random.Generator) -> np.float32:
    return np.float32(10 ** rng.uniform(-3, 1))


def _requantization(
    rng: np.random.Generator,
    g: Geometry,
    levels: int,
    s_in: np.float32,
    s_out: np.float32,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight scales, multipliers and shifts, each [levels, out_c]."""
    typical = 60 / (np.sqrt(g.columns) * 75 * 73)  # outputs about +-60
    size = (levels, g.out_c)
    if rng.random() < 0.3:
        size = (1, g.out_c)  # shared by all levels
    real = typical * 10 ** rng.normal(0, 0.4, size)
    near_zero = rng.random(size) < 0.08
    real[near_zero] *= 10 ** rng.uniform(-14, -2, near_zero.sum())
    large = rng.random(size) < 0.03  # up to a left shift where the limits allow it
    real[large] *= 10 ** rng.uniform(0, 2, large.sum())
    negative = np.broadcast_to(rng.random(size) < 0.2, (levels, g.out_c))
    w_scale = (real * float(s_out) / float(s_in)).astype(np.float32)
    w_scale = np.broadcast_to(w_scale, (levels, g.out_c)).copy()
    per_tensor = g.op == "fully_connected" and g.out_c == 1
    multiplier = np.zeros(w_scale.shape, np.int32)
    shift = np.zeros(w_scale.shape, np.int8)
    for at, scale in np.ndenumerate(w_scale):
        fixed, exponent = multiplier_of(real_multiplier(s_in, scale, s_out, per_tensor))
        multiplier[at] = -fixed if negative[at] else fixed
        shift[at] = exponent
    return w_scale, multiplier, shift


def _bias(
    rng: np.random.Generator,
    g: Geometry,
    levels: int,
    multiplier: np.ndarray,
    shift: np.ndarray,
) -> np.ndarray:
    """Mostly of the accumulator's size; for small multipliers large enough to show."""
    spread = np.sqrt(g.columns) * 75 * 73
    bias = rng.normal(0, spread, (levels, g.out_c))
    # y moves by bias * M: let some near-zero channels output their bias alone.
    real = np.ldexp(np.abs(multiplier.astype(float)), shift - 31)
    loud = (rng.random(bias.shape) < 0.5) & (real > 0) & (real < 1e-6)
    bias[loud] = np.minimum(60 / real[loud], 2.0**29 - 2**25)
    return np.round(np.clip(bias, -(2.0**29), 2.0**29)).astype(np.int32)


def _bounds(activation: str, s_out: np.float32, zero_point: int) -> tuple[int, int]:
    if activation == "none":
        return -128, 127
    low = max(-128, zero_point)
    if activation == "relu":
        return low, 127
    six = np.floor(np.float32(6) / s_out + np.float32(0.5))
    return low, min(127, zero_point + int(six))
