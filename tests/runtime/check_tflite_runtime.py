"""The checks of test_tflite_runtime.py; run in the Python that has tflite-runtime.

Prints a JSON object of counts; an assertion that fails ends it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from keras_nest import reference
from keras_nest.converter import nested_file
from keras_nest.errors import NestError
from keras_nest.format import pack
from keras_nest.runtime import LiteInterpreter
from tests.runtime.one_op import nested_model, plain_model
from tests.runtime.random_ops import KINDS, random_case, random_input


def error_of(*arguments: object) -> str:
    """The message of the NestError that `arguments[0]` raises."""
    call, *rest = arguments
    try:
        call(*rest)  # type: ignore[operator]
    except NestError as error:
        return error.message
    raise AssertionError("no error")


def check_random_ops(cases: int) -> int:
    runs = 0
    for number in range(cases):
        rng = np.random.default_rng([7, number])
        case = random_case(rng)
        x = random_input(rng, case)
        interpreter = LiteInterpreter(nested_model(case))
        assert interpreter.levels == case.op.levels
        for level in range(case.op.levels):
            expected = reference.run(case.op, x, level)
            np.testing.assert_array_equal(interpreter.run(x, level), expected)
            runs += 1
    return runs


def check_levels() -> int:
    for kind in KINDS:
        rng = np.random.default_rng(1)
        case = random_case(rng, kind)
        x = random_input(rng, case)
        interpreter = LiteInterpreter(nested_model(case))
        before = interpreter.run(x, 0)
        for level in (-1, case.op.levels):
            assert "level" in error_of(interpreter.run, ~x, level)
            after = interpreter._get_output(0)
            np.testing.assert_array_equal(after, before)
        np.testing.assert_array_equal(interpreter.run(x, 0), before)
    return len(KINDS)


def check_entries() -> int:
    case = random_case(np.random.default_rng(1), "conv_2d")
    x = random_input(np.random.default_rng(1), case)
    interpreter = LiteInterpreter(nested_model(case, entry=(0, 1)))
    for level in range(case.op.levels):
        expected = reference.run(case.op, x, level)
        np.testing.assert_array_equal(interpreter.run(x, level), expected)
    read = nested_file.level_entry
    nested_file.level_entry = lambda *_: None  # Python's own look at the file
    try:
        message = error_of(LiteInterpreter, nested_model(case, entry=(2, 2)))
    finally:
        nested_file.level_entry = read
    assert "no such entry" in message, message
    return case.op.levels


def check_refusals() -> int:
    for kind in KINDS:
        case = replace(random_case(np.random.default_rng(3), kind), batch=1)
        blob = pack(case.op)
        point = (case.op.input_zero_point + 129) % 256 - 128
        other = replace(case, op=replace(case.op, input_zero_point=point))
        message = error_of(LiteInterpreter, nested_model(other, packed=blob))
        assert "input zero point is not" in message, message
        wrong = replace(case.op.geometry, out_c=case.op.geometry.out_c + 1)
        other = replace(case, op=replace(case.op, geometry=wrong))
        message = error_of(LiteInterpreter, nested_model(other, packed=blob))
        assert "shape is not the packed one" in message, message
    return 2 * len(KINDS)


def check_plain_models() -> int:
    case = random_case(np.random.default_rng(5), "conv_2d")
    interpreter = LiteInterpreter(plain_model(case, 0))
    assert interpreter.levels == 0
    interpreter.predict(random_input(np.random.default_rng(0), case))
    assert "Expected no level" in error_of(interpreter.predict, None, 0)
    return 1


if __name__ == "__main__":
    print(
        json.dumps(
            {
                "random": check_random_ops(int(sys.argv[1])),
                "levels": check_levels(),
                "entries": check_entries(),
                "refusals": check_refusals(),
                "plain": check_plain_models(),
            }
        )
    )
