"""The written file: alignment, names, signature, metadata, and what reads it."""

from __future__ import annotations

from typing import Any

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter as LiteRT
from flatbuffers import flexbuffers

from keras_nest import NestError, convert, extract
from keras_nest.converter import flatbuffer
from keras_nest.converter.describe import describe
from keras_nest.model import nest
from keras_nest.runtime import Interpreter, read_interface
from tests.converter.nets import inputs_for, nested_random_net, on_int8_grid, random_net
from tests.docs.format_page import table

L = keras.layers


@pytest.fixture(scope="module")
def nested() -> bytes:
    return convert(nested_random_net(4, "1x2"), inputs_for(random_net(4), 20))


def buffer_places(data: bytes) -> list[tuple[int, int]]:
    """Offset and length of every non-empty buffer in the file."""
    model = schema.Model.GetRootAs(data, 0)
    places = []
    for index in range(model.BuffersLength()):
        table = model.Buffers(index)._tab
        field = table.Offset(4)
        if field and table.VectorLen(field):
            places.append((table.Vector(field), table.VectorLen(field)))
    return places


def test_every_buffer_is_aligned_in_the_file(nested: bytes) -> None:
    for data in (nested, extract(nested, 0), extract(nested, 1, dense_as_conv=True)):
        places = buffer_places(data)
        assert len(places) > 5
        assert all(offset % 16 == 0 for offset, _ in places)
        assert all(offset + length <= len(data) for offset, length in places)


def test_the_generated_writer_would_not_align(nested: bytes) -> None:
    """The reason for a writer of our own; if this fails, it can go."""
    builder = flatbuffers.Builder()
    builder.Finish(flatbuffer.load(nested).Pack(builder), file_identifier=b"TFL3")
    places = buffer_places(bytes(builder.Output()))
    assert any(offset % 16 for offset, _ in places)


def test_writing_what_was_read_changes_nothing(nested: bytes) -> None:
    again = flatbuffer.pack(flatbuffer.load(nested))
    assert flatbuffer.pack(flatbuffer.load(again)) == again
    x = inputs_for(random_net(4), 3)
    for level in range(Interpreter(nested).levels):
        np.testing.assert_array_equal(
            Interpreter(again).predict(x, level), Interpreter(nested).predict(x, level)
        )


def test_names_signature_and_metadata(nested: bytes) -> None:
    model = flatbuffer.load(nested)
    subgraph = model.subgraphs[0]
    names = [flatbuffer.text(tensor.name) for tensor in subgraph.tensors]
    assert len(set(names)) == len(names)
    assert sum(name.endswith("/packed") for name in names) >= 3

    (signature,) = model.signatureDefs
    assert flatbuffer.text(signature.signatureKey) == "serving_default"
    inputs = {flatbuffer.text(e.name): e.tensorIndex for e in signature.inputs}
    assert list(inputs) == ["x", "level"]
    assert list(inputs.values()) == list(subgraph.inputs)
    level = subgraph.tensors[inputs["level"]]
    assert level.type == schema.TensorType.INT32
    assert list(level.shape) == [1]
    assert flatbuffer.text(level.name) == "level"
    assert len(signature.outputs) == len(subgraph.outputs) == 1

    assert model.version == 3
    assert "random_4" in flatbuffer.text(model.description)
    assert "keras-nest" in flatbuffer.text(model.description)
    entry, levels = model.metadata
    assert flatbuffer.text(levels.name) == "keras_nest_levels"
    assert flatbuffer.text(entry.name) == "min_runtime_version"
    assert bytes(model.buffers[entry.buffer].data).rstrip(b"\0") == b"2.3.0"
    assert model.buffers[0].data is None


def test_tensors_bear_the_names_of_keras_layers() -> None:
    model = nested_random_net(4, "1x2")
    tflite = flatbuffer.load(convert(model, inputs_for(random_net(4), 20)))
    layers = {layer.name for layer in model.graph.layers}
    names = [flatbuffer.text(tensor.name) for tensor in tflite.subgraphs[0].tensors]
    # Behind the slash stands which of the layer's tensors it is.
    assert {name.partition("/")[0] for name in names} <= layers


def test_custom_options_say_in_words_what_the_op_is(nested: bytes) -> None:
    model = flatbuffer.load(nested)
    words = [
        flexbuffers.Loads(bytes(op.customOptions))
        for op in model.subgraphs[0].operators
        if op.customOptions is not None
    ]
    rows = table("| key | type | |")
    keys = {key for row in rows for key in row[0].split("`, `")}
    sparse = [entry for entry in words if entry["pattern"] != "dense"]
    assert sparse
    keys -= {"outputs", "bits"}  # of levels of width and of bits, which it has not
    for entry in words:
        of_images = {"padding", "strides", "dilation"}
        assert set(entry) in (keys, keys - of_images)
        assert entry["levels"] == 3
        assert entry["sparsities"] == [0.9, 0.7, 0.0]
        assert entry["encoding"] in ("dense", "blocks", "lists")
    assert {entry["pattern"] for entry in sparse} <= {"1x2", "element"}


def everything() -> Any:
    inputs = keras.Input((9, 8, 3), name="x")
    x = L.Conv2D(6, 3, padding="same", activation="relu")(L.Rescaling(0.5)(inputs))
    y = L.ReLU(6.0)(L.DepthwiseConv2D(3, padding="same")(x))
    y = L.Concatenate()([L.MaxPooling2D(2)(L.Add()([x, y])), L.AveragePooling2D(2)(x)])
    y = L.ReLU(6.0)(L.ZeroPadding2D(1)(L.ReLU()(L.MaxPooling2D(1)(y))))
    z = L.Reshape((6, 72))(y)
    z = L.GlobalAveragePooling1D()(L.Dense(8)(z))
    outputs = L.Dense(5, activation="softmax")(z)
    return on_int8_grid(keras.Model(inputs, outputs))


@pytest.mark.parametrize("io", ["int8", "float32"])
def test_plain_files_run_in_litert_too(io: str) -> None:
    """All ops, their versions and options are ones that LiteRT accepts."""
    model = everything()
    x = inputs_for(model, 16)
    tflite = convert(model, x, io=io)
    litert = LiteRT(model_content=bytes(tflite))
    litert.allocate_tensors()
    runner = litert.get_signature_runner("serving_default")
    tflm = Interpreter(tflite)
    details = tflm.input_details[0]
    if io == "int8":
        steps = np.clip(np.round(x / details.scale) + details.zero_point, -128, 127)
        x = steps.astype(np.int8)
    (name,) = runner.get_output_details()
    got = np.concatenate([runner(x=row[None])[name] for row in x])
    step = 1 if io == "int8" else 1 / 256
    # LiteRT's kernels round some ops otherwise; three such ops in a row are in here.
    difference = got.astype(np.float64) - tflm.predict(x)
    assert np.max(np.abs(difference)) <= 3 * step


def test_sticky_level_keeps_the_level_between_invokes() -> None:
    inputs = keras.Input((12,), name="x")
    net = L.Dense(6)(L.Dense(16, activation="relu")(inputs))
    model = nest(keras.Model(inputs, net), (0.9, 0.0), pattern="element", exempt=None)
    x = inputs_for(keras.Model(inputs, net), 20)
    tflite = convert(model, x, sticky_level=True)
    parsed = flatbuffer.load(tflite)
    outputs = [flatbuffer.text(e.name) for e in parsed.signatureDefs[0].outputs]
    assert outputs[1:] == ["level"]
    interpreter = Interpreter(tflite)
    source = interpreter.input_details[0]
    steps = np.round(x / source.scale) + source.zero_point
    rows = np.clip(steps, -128, 127).astype(np.int8)
    for level in (0, 1):
        expected = interpreter.predict(rows, level=level)
        interpreter.run(rows[:1], level)
        kept = np.concatenate([interpreter.run(row[None]) for row in rows])
        np.testing.assert_array_equal(kept, expected)


NOT_TFLITE = {
    "empty": b"",
    "text": b"no flatbuffer at all, only text",
    "identifier alone": b"\x08\0\0\0TFL3",
    "zip": b"PK\x03\x04" + bytes(60),
}


@pytest.mark.parametrize("name", NOT_TFLITE)
def test_what_is_no_tflite_is_said(name: str) -> None:
    with pytest.raises(NestError, match=r"Expected a (complete )?\.tflite file"):
        flatbuffer.load(NOT_TFLITE[name])


def test_truncated_anywhere_is_an_error_or_the_same_facts(nested: bytes) -> None:
    """Only alignment bytes at the end may be missing without being noticed."""
    for share in np.linspace(0, 0.999, 60):
        with pytest.raises(NestError):
            flatbuffer.load(nested[: int(len(nested) * share)])


def test_flipped_bytes_never_raise_anything_but_our_error(nested: bytes) -> None:
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(nested)
        for place in rng.integers(0, len(nested), 3):
            damaged[place] ^= int(rng.integers(1, 256))
        try:
            extract(bytes(damaged), 0)
        except NestError:
            refused += 1
    assert refused > 0


def test_flipped_bytes_outside_of_the_weights_are_errors_or_nothing(
    nested: bytes,
) -> None:
    """Flips in the tables of the flatbuffer, where every index and offset lives."""
    weights = np.zeros(len(nested), bool)
    for offset, length in buffer_places(nested):
        weights[offset : offset + length] = True
    rng = np.random.default_rng(1)
    plain = extract(nested, 0)
    refused = 0
    for number in range(300):
        whole = plain if number % 3 == 0 else nested
        places = np.arange(len(plain)) if whole is plain else np.flatnonzero(~weights)
        damaged = bytearray(whole)
        for place in rng.choice(places, 2):
            damaged[place] ^= int(rng.choice([1, 2, 4, 16, 64, 128, 255]))
        for read in (describe, read_interface, lambda data: extract(data, 1)):
            try:
                read(bytes(damaged))
            except NestError:
                refused += 1
    assert refused > 100


def changed(data: bytes, change: Any) -> bytes:
    """The file with `change` made to its parsed model."""
    model = flatbuffer.load(data)
    change(model, model.subgraphs[0])
    return flatbuffer.pack(model)


def no_shape(model: Any, graph: Any) -> None:
    for tensor in graph.tensors:
        tensor.shape = None


def no_kernel(model: Any, graph: Any) -> None:
    for operator in graph.operators:
        operator.inputs = operator.inputs[:1]


def no_channels(model: Any, graph: Any) -> None:
    for tensor in graph.tensors:
        tensor.shape = np.zeros_like(tensor.shape)


def signature_elsewhere(model: Any, graph: Any) -> None:
    model.signatureDefs[0].inputs[0].tensorIndex = len(graph.tensors)


def metadata_elsewhere(model: Any, graph: Any) -> None:
    model.metadata[0].buffer = len(model.buffers)


def output_left_out(model: Any, graph: Any) -> None:
    graph.outputs = np.asarray([-1], np.int32)


def no_zero_points(model: Any, graph: Any) -> None:
    graph.tensors[graph.inputs[0]].quantization.zeroPoint = np.zeros(0, np.int64)


@pytest.mark.parametrize(
    "change",
    [
        no_shape,
        no_kernel,
        no_channels,
        signature_elsewhere,
        metadata_elsewhere,
        output_left_out,
        no_zero_points,
    ],
)
def test_models_that_do_not_hold_together_are_refused(
    nested: bytes, change: Any
) -> None:
    for data in (nested, extract(nested, 0)):
        with pytest.raises(NestError, match=r"complete \.tflite file"):
            flatbuffer.load(changed(data, change))


def test_vectors_that_are_left_out_are_empty(nested: bytes) -> None:
    def leave_out(model: Any, graph: Any) -> None:
        model.signatureDefs = model.metadata = None

    plain = extract(changed(nested, leave_out), 0)
    assert describe(plain).levels == 0
    assert len(read_interface(plain).inputs) == 1
