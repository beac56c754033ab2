"""Nested op in TFLM == TFLM's builtin op of each level == numpy, byte for byte.

`KERAS_NEST_RANDOM_OPS=10000 pytest tests/runtime/test_random_ops.py` runs more.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.runtime import Interpreter
from tests.runtime.one_op import Case, nested_model, plain_model
from tests.runtime.random_ops import BLOCKS, KINDS, random_case, random_input

CASES = int(os.environ.get("KERAS_NEST_RANDOM_OPS", "600"))
PARTS = 6


def numbered(number: int) -> tuple[Case, np.ndarray]:
    """A case and its input that depend on the number alone."""
    rng = np.random.default_rng([2026, number])
    case = random_case(rng)
    return case, random_input(rng, case)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_level_equals_the_plain_model_of_that_level(part: int) -> None:
    for number in range(part, CASES, PARTS):
        case, x = numbered(number)
        nested = Interpreter(nested_model(case))
        assert nested.levels == case.op.levels
        for level in range(case.op.levels):
            context = f"case {number}, level {level}: {case}"
            outputs = nested.run(x, level)
            plain = Interpreter(plain_model(case, level)).run(x)
            np.testing.assert_array_equal(outputs, plain, err_msg=context)
            expected = reference.run(case.op, x, level)
            np.testing.assert_array_equal(outputs, expected, err_msg=context)


def facts(case: Case) -> set[object]:
    """What is special about a case, as the issue lists it."""
    op, g = case.op, case.op.geometry
    found: set[object] = {("kind", g.op), ("encoding", case.encoding)}
    found |= {("block", op.block), ("levels", op.levels), ("batch", case.batch)}
    found |= {("activation", case.activation), ("odd", g.in_c % 2, g.out_c % 2)}
    if g.op != "fully_connected":
        found |= {("kernel", g.kernel_h), ("kernel", g.kernel_w)}
        found |= {("stride", g.stride_h), ("stride", g.stride_w)}
        found |= {("dilation", g.dilation_h), ("same", case.same_padding)}
    for name, point in (("in", op.input_zero_point), ("out", op.output_zero_point)):
        found |= {(name, point)} if point in (-128, 127) else set()
    real = np.ldexp(op.multiplier.astype(float), op.shift.astype(int) - 31)
    found |= {"negative"} if (real < 0).any() else set()
    found |= {"near zero"} if ((abs(real) > 0) & (abs(real) < 1e-8)).any() else set()
    found |= {"zero"} if (real == 0).any() else set()
    found |= {"left shift"} if (op.shift > 0).any() else set()
    found |= {"tables differ"} if (real != real[0]).any() else set()
    found |= {"all active"} if op.level_of is None else set()
    return found


def test_the_random_cases_cover_what_they_should() -> None:
    seen = Counter(fact for n in range(600) for fact in facts(numbered(n)[0]))
    wanted = {("kind", kind) for kind in KINDS} | {("block", b) for b in BLOCKS}
    variants = ("auto", "dense", "folded dense", "blocks", "lists")
    placed = ("offsets", "offsets + dense", "vectors", "vectors + dense")
    wanted |= {("encoding", variant) for variant in (*variants, *placed)}
    wanted |= {("kernel", k) for k in range(1, 6)} | {("stride", s) for s in (1, 2, 3)}
    wanted |= {("dilation", d) for d in (1, 2, 3)} | {("same", True), ("same", False)}
    wanted |= {("in", -128), ("in", 127), ("out", -128), ("out", 127)}
    wanted |= {("odd", a, b) for a in (0, 1) for b in (0, 1)} | {("batch", 2)}
    wanted |= {("activation", a) for a in ("none", "relu", "relu6")}
    wanted |= {("levels", n) for n in (1, 2, 3, 4)}
    wanted |= {"negative", "near zero", "zero", "left shift", "tables differ"}
    wanted |= {"all active"}
    assert {fact for fact in wanted if seen[fact] < 3} == set()


def test_outputs_are_not_all_clamped() -> None:
    """Equality says little where every output is a bound."""
    inner = []
    for number in range(200):
        case, x = numbered(number)
        y = reference.run(case.op, x, case.op.levels - 1)
        inner.append(np.mean((y > case.op.act_min) & (y < case.op.act_max)))
    assert np.mean(inner) > 0.3
