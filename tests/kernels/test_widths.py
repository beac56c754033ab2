"""Levels of width: C equals numpy, numpy the formula, scratch its arithmetic."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import NestedOp, candidates, unpack
from keras_nest.runtime import core
from tests.kernels.random_ops import random_input
from tests.kernels.random_widths import active_only, random_widths_op

KINDS = ("conv_2d", "depthwise_conv_2d", "fully_connected")


def dense_level(op: NestedOp, level: int) -> NestedOp:
    """The level as an op without widths, its weights zero where it has none."""
    assert op.widths is not None
    rest = np.arange(op.geometry.out_c) >= op.widths.outputs[level]
    bias = np.where(rest, 0, op.bias[level])
    return dataclasses.replace(
        op,
        levels=1,
        weights=np.where(op.mask(level), op.weights, 0).astype(np.int8),
        level_of=None,
        widths=None,
        multiplier=op.multiplier[level : level + 1],
        shift=op.shift[level : level + 1],
        bias=bias[None].astype(np.int32),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_c_equals_numpy(kind: str) -> None:
    constant = whole = narrow = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        op = random_widths_op(rng, kind)
        x = random_input(rng, op.geometry)
        for level in range(op.levels):
            inputs = active_only(op, x, level)
            expected = reference.run(op, inputs, level)
            constant += len(np.unique(expected)) == 1
            whole += bool(op.mask(level).all())
            narrow += not op.mask(level).all()
            # What a level leaves out counts for nothing, and holds the zero point.
            plain = reference.run(dense_level(op, level), x, 0)
            np.testing.assert_array_equal(plain, expected)
            np.testing.assert_array_equal(reference.run(op, x, level), expected)
            for found in candidates(op):
                np.testing.assert_array_equal(
                    core.run(found.blob, inputs, level),
                    expected,
                    f"{seed} {found.folded} {level}",
                )
    assert constant < 60 and whole > 40 and narrow > 150


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind: str) -> None:
    for seed in range(60):
        op = random_widths_op(np.random.default_rng(seed), kind)
        for found in candidates(op):
            again = unpack(found.blob)
            assert again.widths == op.widths
            for name in ("weights", "level_of", "multiplier", "shift", "bias"):
                np.testing.assert_array_equal(getattr(again, name), getattr(op, name))
