"""The interpreter over TFLM: levels, errors, arena, arrays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_nest import reference
from keras_nest.errors import NestError
from keras_nest.runtime import Interpreter
from tests.runtime.flatbuffer_graph import Graph
from tests.runtime.one_op import Case, nested_model, plain_model
from tests.runtime.random_ops import random_case, random_input


def convolution(seed: int = 5) -> tuple[Case, np.ndarray]:
    """A conv 2D of several levels, one image, and an input for it."""
    for number in range(seed, 1000):
        rng = np.random.default_rng(number)
        case = random_case(rng, "conv_2d")
        if case.batch == 1 and case.op.levels == 3 and case.op.level_of is not None:
            return case, random_input(rng, case)
    raise AssertionError("no such case")


@pytest.mark.parametrize("level", [-1, 3, 2**31 - 1, -(2**31)])
def test_a_level_out_of_range_leaves_the_output_untouched(level: int) -> None:
    case, x = convolution()
    interpreter = Interpreter(nested_model(case))
    before = interpreter.run(x, 2)
    with pytest.raises(NestError, match="failed to invoke"):
        interpreter.run(~x, level)
    np.testing.assert_array_equal(interpreter._get_output(0), before)
    np.testing.assert_array_equal(interpreter.run(x, 2), before)
    with pytest.raises(NestError, match=f"from 0 .* to 2 .*Received: level={level}"):
        interpreter.predict(x, level)


def test_a_level_that_is_no_integer() -> None:
    case, x = convolution()
    with pytest.raises(NestError, match=r"Received: level=1\.5"):
        Interpreter(nested_model(case)).predict(x, 1.5)  # type: ignore[arg-type]


def test_predict_runs_many_samples_and_tells_how_far_it_is() -> None:
    case, x = convolution()
    rng = np.random.default_rng(0)
    samples = rng.integers(-128, 128, (5, *x.shape[1:]), np.int8)
    interpreter = Interpreter(nested_model(case))
    steps: list[tuple[int, int]] = []
    for level in (0, 2):
        outputs = interpreter.predict(
            samples, level, progress=lambda *step: steps.append(step)
        )
        expected = reference.run(case.op, samples, level)
        np.testing.assert_array_equal(outputs, expected)
    assert steps == [(n, 5) for n in range(1, 6)] * 2
    np.testing.assert_array_equal(interpreter.predict(samples), outputs)
    real = interpreter.predict(samples, dequantize=True)
    assert real.dtype == np.float32
    scaled = (outputs.astype(np.float32) - case.op.output_zero_point) * case.s_out
    np.testing.assert_array_equal(real, scaled)
    assert interpreter.predict(samples[:0]).shape == (0, *outputs.shape[1:])


def test_a_batch_that_does_not_divide_the_samples_is_filled_up() -> None:
    rng = np.random.default_rng(1)
    case = next(
        c for c in iter(lambda: random_case(rng, "conv_2d"), None) if c.batch > 1
    )
    samples = rng.integers(-128, 128, (3, *case.input_shape[1:]), np.int8)
    outputs = Interpreter(nested_model(case)).predict(samples, 0)
    np.testing.assert_array_equal(outputs, reference.run(case.op, samples, 0))


def test_floats_are_quantized_as_tflm_quantizes_them() -> None:
    graph = Graph()
    x = graph.tensor("x", (1, 4000), np.float32)
    y = graph.tensor("y", (1, 4000), np.int8, 0.037, -5)
    graph.op(schema.BuiltinOperator.QUANTIZE, [x], y, schema.QuantizeOptionsT())
    tflm = Interpreter(graph.build([x], [y]))
    graph = Graph()
    x = graph.tensor("x", (1, 4000), np.int8, 0.037, -5)
    y = graph.tensor("y", (1, 4000), np.int8, 0.037, -5)
    shape = graph.tensor("shape", (2,), np.int32, data=np.array([1, 4000], np.int32))
    graph.op(schema.BuiltinOperator.RESHAPE, [x, shape], y, schema.ReshapeOptionsT())
    ours = Interpreter(graph.build([x], [y]))
    rng = np.random.default_rng(0)
    halves = (np.arange(-130, 130, dtype=np.float32) + 0.5) * np.float32(0.037)
    values = rng.normal(0, 3, (1, 4000)).astype(np.float32)
    values[0, : len(halves)] = halves
    np.testing.assert_array_equal(ours.predict(values), tflm.predict(values))


def test_a_plain_model_has_no_levels() -> None:
    case, x = convolution()
    interpreter = Interpreter(plain_model(case, 1))
    assert interpreter.levels == 0
    expected = reference.run(case.op, x, 1)
    np.testing.assert_array_equal(interpreter.predict(x), expected)
    with pytest.raises(NestError, match="Expected no level"):
        interpreter.predict(x, level=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[..., :-1], "Expected samples of shape"),
        (lambda x: x.astype(np.int32), "Received: int32"),
        (lambda x: x * np.float64("nan"), "Expected finite"),
        (lambda x: np.float32(1), "Expected samples of shape"),
    ],
)
def test_samples_that_do_not_fit(change: object, message: str) -> None:
    case, x = convolution()
    with pytest.raises(NestError, match=message):
        Interpreter(nested_model(case)).predict(change(x), 0)  # type: ignore[operator]


def test_the_arena_grows_until_it_fits() -> None:
    graph = Graph()
    x = graph.tensor("x", (1, 3 << 19), np.int8, 0.1, 0)
    y = graph.tensor("y", (1, 3 << 19), np.int8, 0.1, 0)
    graph.op(schema.BuiltinOperator.RELU, [x], y)
    model = graph.build([x], [y])
    interpreter = Interpreter(model)
    assert 3 << 20 < interpreter.arena_bytes <= interpreter.arena_size == 4 << 20
    with pytest.raises(NestError, match=r"arena of 1048576 bytes: .*missing: \d+"):
        Interpreter(model, arena_size=1 << 20)
    with pytest.raises(NestError, match=r"at least 1024 bytes\. Received: 12"):
        Interpreter(model, arena_size=12)


def test_arena_bytes_are_enough_when_given_back() -> None:
    case, x = convolution()
    model = nested_model(case)
    grown = Interpreter(model)
    # TFLM's temporaries while it prepares the model come on top.
    exact = Interpreter(model, arena_size=grown.arena_bytes + 1024)
    assert abs(exact.arena_bytes - grown.arena_bytes) < 64  # alignment of its ends
    np.testing.assert_array_equal(exact.run(x, 1), grown.run(x, 1))


def test_what_tflm_prints_is_in_the_error_and_nowhere_else(
    capfd: pytest.CaptureFixture[str],
) -> None:
    graph = Graph()
    x = graph.tensor("x", (1, 4), np.int8, 0.1, 0)
    y = graph.tensor("y", (1, 4), np.int8, 0.1, 0)
    graph.op("NOT_AN_OP", [x], y)
    with pytest.raises(NestError, match="CUSTOM"):
        Interpreter(graph.build([x], [y]))
    assert capfd.readouterr().err == ""


def test_python_code_after_an_error_still_prints(
    capfd: pytest.CaptureFixture[str],
) -> None:
    case, x = convolution()
    with pytest.raises(NestError):
        Interpreter(nested_model(case)).run(x, 9)
    print("still here", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "still here\n"


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(NestError, match="Expected a .tflite file"):
        Interpreter(b"certainly not a model")
    with pytest.raises(NestError, match="Received: int"):
        Interpreter(3)  # type: ignore[arg-type]
    with pytest.raises(NestError, match="No such file"):
        Interpreter(f"{tmp_path}/missing.tflite")
    model = nested_model(convolution()[0])
    for cut in range(8, len(model) - 64, 37):
        with pytest.raises(NestError, match="Expected a complete .tflite file"):
            Interpreter(model[:cut])


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys, keras_nest.runtime\n"
        "light = set(sys.modules)\n"
        "from tests.runtime.test_tflm import *\n"
        "case, x = convolution()\n"
        "Interpreter(nested_model(case)).predict(x, 0)\n"
        "print({'tensorflow', 'keras', 'tflite_micro', 'ai_edge_litert'} & light,\n"
        "      {'tensorflow', 'keras', 'tflite_micro'} & set(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "set() set()\n"
