"""The facts that `inspect` prints, against numbers counted by hand."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from keras_nest import NestError, convert, describe, extract
from keras_nest.converter import flatbuffer
from keras_nest.converter.describe import single_level
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format import pack
from keras_nest.model import nest
from tests.converter.nets import inputs_for, nested_random_net, random_net

L = keras.layers


@pytest.fixture(scope="module")
def tflite() -> bytes:
    inputs = keras.Input((10, 10, 2), name="x")
    x = L.Conv2D(4, 3, padding="same", name="first")(inputs)
    x = L.Conv2D(8, 3, strides=2, name="second")(x)
    base = keras.Model(inputs, L.Dense(5, name="last")(L.Flatten()(x)))
    model = nest(base, (0.75, 0.5, 0.0), pattern="element")
    # Its weights that happen to be 0 are stored and counted, too.
    return convert(model, inputs_for(base, 10), encoding="lists")


def test_counts_by_hand(tflite: bytes) -> None:
    facts = describe(tflite)
    assert facts.levels == 3
    first, second, last = facts.ops
    assert [op.name for op in facts.ops] == ["first", "second", "last"]
    assert [op.nested for op in facts.ops] == [False, True, True]
    # 3x3x2 weights for each of 4 channels at 10x10 places, dense at every level.
    assert (first.weights, first.macs) == (72, [7200])
    # 3x3x4 weights for each of 8 channels at 4x4 places.
    assert second.weights == 288
    assert second.nonzeros == [72, 144, 288]
    assert second.macs == [72 * 16, 144 * 16, 288 * 16]
    assert second.sparsity == [0.75, 0.5, 0.0]
    assert last.weights == 4 * 4 * 8 * 5
    assert last.macs == [160, 320, 640]
    assert facts.macs == [7200 + 72 * 16 + 160, 7200 + 144 * 16 + 320, 12448]
    assert facts.sparsity == [1 - (72 + 72 + 160) / 1000, 1 - (72 + 464) / 1000, 0]
    assert facts.weights == 1000
    assert facts.dense_bytes == 1000 + 4 * (4 + 8 + 5)
    assert facts.operators == {
        "CONV_2D": 1,
        "NESTED_CONV_2D": 1,
        "RESHAPE": 1,
        "NESTED_FULLY_CONNECTED": 1,
    }


def test_bytes_add_up(tflite: bytes) -> None:
    facts = describe(tflite)
    found = nested_operators(flatbuffer.load(tflite))
    for op, nested in zip(facts.ops[1:], found, strict=True):
        assert op.packed_bytes == len(nested.blob) == sum(op.sections.values())
        separate = [len(pack(single_level(nested.op, level))) for level in range(3)]
        assert op.separate_bytes == sum(separate)
        inner = sum(op.sections[name] for name in ("counts", "indices", "values"))
        assert op.weights < op.entropy_bound <= inner
    # 72 weights, 4 biases and 4 scales, all of them in every separate file.
    assert facts.ops[0].packed_bytes == 72 + 16
    assert facts.packed_bytes == sum(op.packed_bytes for op in facts.ops)
    assert facts.file_bytes == len(tflite) > facts.packed_bytes
    rest = len(tflite) - facts.packed_bytes
    assert facts.separate_file_bytes == 3 * rest + facts.separate_bytes
    assert facts.separate_bytes == sum(op.separate_bytes for op in facts.ops[1:]) + 264


def test_a_single_level_computes_what_it_did(tflite: bytes) -> None:
    from keras_nest import reference

    found = nested_operators(flatbuffer.load(tflite))[0].op
    shape = (2, found.geometry.in_h, found.geometry.in_w, found.geometry.in_c)
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    for level in range(3):
        alone = reference.run(single_level(found, level), x, 0)
        np.testing.assert_array_equal(alone, reference.run(found, x, level))


def test_plain_model_is_described_as_such(tflite: bytes) -> None:
    plain = extract(tflite, 0)
    facts = describe(plain)
    assert facts.levels == 0
    assert len(facts.macs) == len(facts.sparsity) == 1
    assert facts.macs == [12448]
    assert not any(op.nested for op in facts.ops)
    assert facts.file_bytes == len(plain)


def test_facts_are_json(tflite: bytes) -> None:
    facts = json.loads(json.dumps(describe(tflite).as_dict()))
    assert facts["ops"][1]["encoding"] in ("blocks", "lists")


@pytest.mark.parametrize("seed", range(4))
def test_random_nets_are_described(seed: int) -> None:
    model = nested_random_net(seed, "element")
    facts = describe(convert(model, inputs_for(random_net(seed), 4)))
    assert facts.levels == model.levels
    assert sorted(facts.macs) == facts.macs
    assert sorted(facts.sparsity, reverse=True) == facts.sparsity


def test_damaged_nested_op_is_named(tflite: bytes) -> None:
    model = flatbuffer.load(tflite)
    (index,) = {
        tensor.buffer
        for tensor in model.subgraphs[0].tensors
        if tensor.name == b"second/packed"
    }
    blob = np.array(model.buffers[index].data)
    blob[4:12] ^= 0xFF
    model.buffers[index].data = blob
    with pytest.raises(NestError, match="packed weights in NESTED_CONV_2D 'second'"):
        describe(flatbuffer.pack(model))


@pytest.mark.parametrize("data", [b"", b"hello world", b"\x08\0\0\0TFL3"])
def test_not_a_tflite(data: bytes) -> None:
    with pytest.raises(NestError, match=r"\.tflite file"):
        describe(data)
