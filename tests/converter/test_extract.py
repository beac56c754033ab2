"""Level l of the nested file equals its extracted plain model, in every byte, in TFLM.

Nets have normalizations of each level's own with negative, tiny and zero gammas.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_nest import NestError, convert, extract
from keras_nest.converter import calibrate, costs, emit, flatbuffer, quantize
from keras_nest.converter.choose import Request
from keras_nest.converter.freeze import freeze
from keras_nest.converter.nested_file import nested_operators
from keras_nest.model import nest
from keras_nest.runtime import Interpreter
from tests.converter.nets import PATTERNS, inputs_for, nested_random_net, random_net

L = keras.layers

NETS = [(seed, PATTERNS[seed % len(PATTERNS)]) for seed in range(20)]


def assert_levels_equal_extracted(
    tflite: bytes, x: np.ndarray, dense_as_conv: bool = False
) -> None:
    nested = Interpreter(tflite)
    for level in range(nested.levels):
        got = nested.predict(x, level=level)
        plain = Interpreter(extract(tflite, level, dense_as_conv=dense_as_conv))
        assert plain.levels == 0
        np.testing.assert_array_equal(got, plain.predict(x), err_msg=f"level {level}")


@pytest.mark.parametrize(("seed", "pattern"), NETS)
def test_random_nets(seed: int, pattern: str) -> None:
    model = nested_random_net(
        seed, pattern, exempt=None if seed % 3 else "first-convolution"
    )
    x = inputs_for(random_net(seed), 12)
    tflite = convert(model, x)
    assert any(entry.nested for entry in tflite.report.entries)
    assert_levels_equal_extracted(tflite, x)
    if seed % 4 == 0:
        assert_levels_equal_extracted(tflite, x, dense_as_conv=True)


@pytest.mark.parametrize(
    ("encoding", "optimize"),
    [
        ("blocks", "size"),
        ("blocks", "speed"),
        ("lists", "size"),
        ("lists", "speed"),
        ("offsets", "speed"),
        ("vectors", "speed"),
    ],
)
def test_every_encoding(encoding: str, optimize: str) -> None:
    inputs = keras.Input((6, 6, 4))
    x = L.Conv2D(8, 3, activation="relu")(inputs)
    model = nest(
        keras.Model(inputs, L.Dense(5)(L.Flatten()(x))),
        (0.9, 0.5, 0.0),
        pattern="1x2",
        exempt=None,
    )
    data = inputs_for(keras.Model(inputs, x), 10)
    tflite = convert(model, data, encoding=encoding, optimize=optimize)
    assert {entry.encoding for entry in tflite.report.replaced} == {encoding}
    assert_levels_equal_extracted(tflite, data)


@pytest.mark.parametrize("case", ["one unit", "signal", "pixels", "float io"])
def test_awkward_shapes(case: str) -> None:
    if case == "one unit":
        inputs = keras.Input((24,))
        outputs = L.Dense(1)(L.Dense(16, activation="relu")(inputs))
    elif case == "signal":
        inputs = keras.Input((20, 3))
        y = L.Conv1D(8, 5, padding="causal", activation="relu", dilation_rate=2)(inputs)
        y = L.BatchNormalization()(L.Conv1D(6, 3, strides=2, padding="same")(y))
        outputs = L.Dense(4, activation="softmax")(y)
    else:
        inputs = keras.Input((5, 4, 8))
        outputs = L.Dense(6)(L.Dense(8, activation="relu6")(inputs))
    base = keras.Model(inputs, outputs)
    model = nest(base, (0.8, 0.5, 0.0), pattern="element", exempt=None)
    x = inputs_for(base, 30)
    tflite = convert(model, x, io="float32" if case == "float io" else "int8")
    assert_levels_equal_extracted(tflite, x)
    assert_levels_equal_extracted(tflite, x, dense_as_conv=True)


def test_extract_finds_the_very_scales_weights_and_biases() -> None:
    """Out of the blob come, bit for bit, the numbers that quantize computed."""
    model = nested_random_net(4, "element", exempt=None)
    x = inputs_for(random_net(4), 20)
    graph = freeze(model)
    quantized = quantize.quantize(graph, calibrate.ranges(graph, x))
    request = Request(costs.load("generic"), "size")
    options = emit.Options("int8", request, sticky_level=False)
    data = emit.write(quantized, options, "").data
    checked = 0
    for level in range(graph.levels):
        plain = flatbuffer.load(extract(data, level))
        tensors = {flatbuffer.text(t.name): t for t in plain.subgraphs[0].tensors}
        for name, op in quantized.weighted.items():
            kernel, bias = tensors[f"{name}/kernel"], tensors[f"{name}/bias"]
            mask = True if op.op.level_of is None else op.op.level_of <= level
            weights = op.weights * mask * op.op.per_channel(op.sign[level])
            stored = flatbuffer.tensor_data(plain, kernel)
            np.testing.assert_array_equal(
                np.frombuffer(stored, np.int8).reshape(weights.shape), weights
            )
            stored = flatbuffer.tensor_data(plain, bias)
            np.testing.assert_array_equal(np.frombuffer(stored, "<i4"), op.bias[level])
            scale = np.float32(kernel.quantization.scale)
            np.testing.assert_array_equal(scale, op.weight_scale[level])
            checked += 1
    assert checked >= graph.levels * 3


def test_extracted_file_is_plain_and_has_no_leftovers() -> None:
    model = nested_random_net(0, "1x2")
    tflite = convert(model, inputs_for(random_net(0), 10), sticky_level=True)
    plain = extract(tflite, 0)
    parsed = flatbuffer.load(plain)
    assert not nested_operators(parsed)
    subgraph = parsed.subgraphs[0]
    codes = {flatbuffer.code_of(parsed, op)[0] for op in subgraph.operators}
    assert schema.BuiltinOperator.CUSTOM not in codes
    assert len(codes) == len(parsed.operatorCodes)
    assert len(subgraph.inputs) == len(subgraph.outputs) == 1
    signature = parsed.signatureDefs[0]
    assert [flatbuffer.text(entry.name) for entry in signature.inputs] == ["x"]
    assert len(signature.outputs) == 1
    names = [flatbuffer.text(tensor.name) for tensor in subgraph.tensors]
    assert "level" not in names
    assert not any(name.endswith("/packed") for name in names)
    used = {tensor.buffer for tensor in subgraph.tensors}
    used |= {entry.buffer for entry in parsed.metadata}
    assert set(range(len(parsed.buffers))) == used | {0}
    assert "level 0 extracted" in flatbuffer.text(parsed.description)


def small_nested(x: np.ndarray) -> bytes:
    inputs = keras.Input((8,))
    model = nest(keras.Model(inputs, L.Dense(4)(inputs)), (0.5, 0.0), pattern="element")
    return convert(model, x)


@pytest.mark.parametrize("level", [-1, 2, True, 0.0, None, "0"])
def test_level_out_of_range(level: Any) -> None:
    tflite = small_nested(np.ones((2, 8)))
    with pytest.raises(NestError, match=r"level from 0 .* to 1 .*Received: level="):
        extract(tflite, level)


def test_plain_model_has_nothing_to_extract() -> None:
    tflite = small_nested(np.ones((2, 8)))
    with pytest.raises(NestError, match="without any"):
        extract(extract(tflite, 0), 0)


def test_foreign_multipliers_and_clamps_are_refused() -> None:
    """A blob whose tables no float32 scale gives cannot become a plain model."""
    tflite = small_nested(np.random.default_rng(0).normal(size=(20, 8)))
    found = nested_operators(flatbuffer.load(tflite))[0]
    for field, delta, message in (
        ("multiplier", 1, "multipliers that come from float32"),
        ("act_max", -3, "clamp as a ReLU"),
    ):
        from dataclasses import replace

        from keras_nest.format import pack

        changed = replace(found.op, **{field: getattr(found.op, field) + delta})
        model = flatbuffer.load(tflite)
        buffer = model.subgraphs[0].tensors[found.packed].buffer
        model.buffers[buffer].data = np.frombuffer(pack(changed), np.uint8)
        with pytest.raises(NestError, match=message):
            extract(flatbuffer.pack(model), 0)
