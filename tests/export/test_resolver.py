"""The exported resolver has exactly the ops of the model, of ten different ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_nest import NestError, convert, nest
from keras_nest.converter import flatbuffer
from keras_nest.export import export_firmware, operators
from tests.bench.conftest import model_for
from tests.converter.nets import nested_random_net
from tests.end_to_end.conftest import mlperf_tiny  # noqa: F401  (a fixture)
from tests.export.conftest import (
    CXX_FLAGS,
    LAYOUTS,
    STAND_IN,
    TFLM,
    WARNINGS,
    call,
    need,
)
from tests.runtime.flatbuffer_graph import Graph

MLPERF_TINY = ("resnet8", "ds_cnn", "mobilenet_v1_025", "autoencoder")
SEEDS = (0, 1, 2, 3)
MODELS = (*MLPERF_TINY, *(f"random {seed}" for seed in SEEDS), "small", "float io")

L = keras.layers


def samples(model: Any) -> np.ndarray:
    shape = (4, *model.graph.inputs[0].shape[1:])
    return np.random.default_rng(0).normal(0.2, 1, shape).astype(np.float32)


def make_float_io() -> bytes:
    """QUANTIZE and DEQUANTIZE at the ends, pooling and a concatenation within; a level
    for each layer."""
    inputs = keras.Input((8, 8, 4))
    first = L.Conv2D(8, 3, padding="same", activation="relu6")(inputs)
    second = L.Conv2D(8, 1)(first)
    joined = L.MaxPooling2D()(L.Concatenate()([first, second]))
    outputs = L.Dense(3, activation="softmax")(L.Flatten()(joined))
    model = nest(keras.Model(inputs, outputs), (0.5, 0.0), pattern="1x2")
    return bytes(convert(model, samples(model), io="float32", per_layer_level=True))


@pytest.fixture(scope="module")
def make(request: pytest.FixtureRequest) -> Callable[[str], bytes]:
    def made(name: str) -> bytes:
        if name == "small":
            return model_for("cortex-m4")
        if name == "float io":
            return make_float_io()
        if name.startswith("random"):
            model = nested_random_net(int(name.split()[1]), "1x2")
        else:
            model = nest(
                request.getfixturevalue("mlperf_tiny")[name], (0.9, 0.0), pattern="1x4"
            )
        return bytes(convert(model, samples(model)))

    return made


def op_names(tflite: bytes) -> set[str]:
    """By TensorFlow's own reader of the schema, not by ours."""
    model = schema.ModelT.InitFromPackedBuf(tflite)
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if isinstance(value, int)
    }
    codes = [model.operatorCodes[op.opcodeIndex] for op in model.subgraphs[0].operators]
    return {
        code.customCode.decode()
        if code.customCode
        else names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        for code in codes
    }


def nest_model_header(folder: Path) -> str:
    return (folder / "src" / "nest_model.h").read_text()


def methods_of_tflm() -> dict[str, int | str]:
    """Method -> the code or name that it registers, out of the stand-in's list."""
    text = (TFLM / "tensorflow/lite/micro/resolver_methods.inc").read_text()
    found: dict[str, int | str] = {
        name: int(code)
        for name, code in re.findall(r"STAND_IN_BUILTIN\((\w+), (\d+)\)", text)
    }
    return found | dict(re.findall(r'STAND_IN_CUSTOM\((\w+), "(\w+)"\)', text))


@pytest.mark.parametrize("name", MODELS)
def test_resolver_has_the_ops_of_the_model(
    make: Callable[[str], bytes], name: str, tmp_path: Path
) -> None:
    need("g++")
    tflite = make(name)
    folder = export_firmware(tflite, tmp_path / "net")
    header = (folder.path / "src" / "nest_ops.h").read_text()
    expected = op_names(tflite)
    assert {call.op for call in folder.model.calls} == expected
    calls = re.findall(r"resolver\.(Add\w+)\((?:\"(\w+)\")?", header)
    registered = methods_of_tflm()
    names = {
        custom or next(n for n, m in operators.ALL_METHODS.items() if m == method)
        for method, custom in calls
    }
    assert names == expected
    assert len(calls) == len(expected)
    for method, custom in calls:
        assert custom or method in registered
    # It compiles, fills the resolver to the last place, and refuses nothing.
    for flags in LAYOUTS.values():
        program = tmp_path / "program"
        call(
            *("g++", *CXX_FLAGS, *flags, f"-I{folder.path / 'src'}", f"-I{TFLM}"),
            *(STAND_IN / "count_ops.cc", "-o", program),
        )
        assert int(call(program)) == len(expected)
        example = [*CXX_FLAGS, *WARNINGS, *flags, f"-I{folder.path / 'src'}"]
        main = folder.path / "example" / "main.cpp"
        call("g++", *example, f"-I{TFLM}", "-fsyntax-only", main)
    entries = re.findall(r"kLevelEntries = (\d+);", nest_model_header(folder.path))
    assert entries == (["2"] if name == "float io" else [])


def test_table_names_the_methods_of_tflm() -> None:
    methods = methods_of_tflm()
    assert len(methods) > 100
    for name, method in operators.BUILTIN_METHODS.items():
        assert methods.pop(method) == getattr(schema.BuiltinOperator, name)
    for name, method in operators.CUSTOM_METHODS.items():
        assert methods.pop(method) == name
    assert not methods


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (schema.BuiltinOperator.HASHTABLE, "the builtin op HASHTABLE"),
        ("FlexErf", "the custom op 'FlexErf'"),
    ],
)
def test_op_that_tflm_has_not(code: Any, words: str, tmp_path: Path) -> None:
    model = flatbuffer.load(model_for("cortex-m4"))
    extra = Graph()
    tensor = extra.tensor("x", (1, 4), np.int8, 1.0)
    extra.op(code, [tensor], extra.tensor("y", (1, 4), np.int8, 1.0))
    model.operatorCodes += extra.model.operatorCodes
    added = extra.graph.operators[0]
    added.opcodeIndex = len(model.operatorCodes) - 1
    graph = model.subgraphs[0]
    added.inputs, added.outputs = graph.inputs[:1], graph.outputs
    graph.operators.append(added)
    with pytest.raises(NestError, match=words) as caught:
        export_firmware(flatbuffer.pack(model), tmp_path / "net")
    assert "keras-nest inspect" in str(caught.value)
    assert not (tmp_path / "net").exists()
