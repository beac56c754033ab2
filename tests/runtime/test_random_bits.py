"""Levels of bits in TFLM == TFLM's builtin op with such weights == numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import candidates, variant_of
from keras_nest.runtime import Interpreter
from tests.kernels.random_bits import KINDS
from tests.runtime.one_op import Case, nested_model, plain_model
from tests.runtime.random_ops import random_case, random_input


def bits_case(rng: np.random.Generator, kind: str) -> Case:
    """A random case whose levels are bits."""
    case = random_case(rng, kind)
    levels = case.op.levels
    fours = int(rng.integers(1, levels + 1))
    weights = rng.integers(-120, 120, case.op.weights.shape).astype(np.int8)
    bits = (4,) * fours + (8,) * (levels - fours)
    op = dataclasses.replace(
        case.op, bits=bits, weights=weights, level_of=None, block=(1, 1)
    )
    op.weights = op.at(levels - 1)
    variants = [variant_of(found.blob) for found in candidates(op)]
    return dataclasses.replace(case, op=op, encoding=str(rng.choice(variants)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_equals_the_plain_model_of_that_level(kind: str) -> None:
    seen, inner = set(), []
    for number in range(50):
        rng = np.random.default_rng([8, number])
        case = bits_case(rng, kind)
        seen.add(case.encoding)
        x = random_input(rng, case)
        nested = Interpreter(nested_model(case))
        for level in range(case.op.levels):
            outputs = nested.run(x, level)
            plain = Interpreter(plain_model(case, level)).run(x)
            context = f"case {number}, level {level}: {case}"
            np.testing.assert_array_equal(outputs, plain, err_msg=context)
            expected = reference.run(case.op, x, level)
            np.testing.assert_array_equal(outputs, expected, err_msg=context)
            inner.append(np.mean((outputs > -128) & (outputs < 127)))
    assert seen == {"dense bits", "folded dense bits"}
    assert np.mean(inner) > 0.3
