"""Levels of width in TFLM == TFLM's builtin op with zeros in their place == numpy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import candidates, variant_of
from keras_nest.runtime import Interpreter
from tests.kernels.random_widths import active_only, random_widths
from tests.runtime.one_op import Case, nested_model, plain_model
from tests.runtime.random_ops import KINDS, random_case, random_input


def widths_case(rng: np.random.Generator, kind: str) -> Case:
    """A random case whose levels are widths."""
    case = random_case(rng, kind)
    widths = random_widths(rng, case.op.geometry, case.op.levels)
    level_of = widths.level_of(case.op.geometry)
    op = dataclasses.replace(case.op, widths=widths, level_of=level_of, block=(1, 1))
    variants = [variant_of(found.blob) for found in candidates(op)]
    return dataclasses.replace(case, op=op, encoding=str(rng.choice(variants)))


def without_rest(case: Case, level: int) -> Case:
    """The case with no bias where the level has no channel: nothing comes out."""
    assert case.op.widths is not None
    rest = np.arange(case.op.geometry.out_c) >= case.op.widths.outputs[level]
    bias = np.where(rest, 0, case.op.bias).astype(np.int32)
    return dataclasses.replace(case, op=dataclasses.replace(case.op, bias=bias))


@pytest.mark.parametrize("kind", KINDS)
def test_every_level_equals_the_plain_model_of_that_level(kind: str) -> None:
    seen, inner = set(), []
    for number in range(60):
        rng = np.random.default_rng([7, number])
        case = widths_case(rng, kind)
        seen.add(case.encoding)
        x = random_input(rng, case)
        nested = Interpreter(nested_model(case))
        for level in range(case.op.levels):
            inputs = active_only(case.op, x, level)
            outputs = nested.run(inputs, level)
            # The plain model has no weights of what the level leaves out.
            plain = Interpreter(plain_model(without_rest(case, level), level)).run(x)
            context = f"case {number}, level {level}: {case}"
            np.testing.assert_array_equal(outputs, plain, err_msg=context)
            expected = reference.run(case.op, inputs, level)
            np.testing.assert_array_equal(outputs, expected, err_msg=context)
            inner.append(np.mean((outputs > -128) & (outputs < 127)))
    assert seen == {"dense widths", "folded dense widths"}
    assert np.mean(inner) > 0.3
