"""A level for each nested layer: what `per_layer_level` makes of the level input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

import keras_nest
from keras_nest import reference
from keras_nest.converter import flatbuffer, nested_file
from keras_nest.errors import NestError
from keras_nest.runtime import Interpreter, base
from tests.converter.nets import inputs_for, random_net
from tests.runtime.flatbuffer_graph import Graph
from tests.runtime.one_op import Case
from tests.runtime.random_ops import random_case, random_input

LEVELS = 3
SPARSITIES = (0.9, 0.5, 0.0)


def pair(seed: int) -> tuple[bytes, bytes, np.ndarray]:
    """A net with one level for all layers, the same with one for each, and samples."""
    net = random_net(seed)
    model = keras_nest.nest(net, SPARSITIES, exempt=None)
    x = inputs_for(net, 6)
    one = keras_nest.convert(model, x, target="m4")
    return one, keras_nest.convert(model, x, target="m4", per_layer_level=True), x


@pytest.fixture(scope="module")
def models() -> tuple[bytes, bytes, np.ndarray]:
    return pair(4)


def test_all_entries_equal_is_one_level(models: Any) -> None:
    scalar, vector, x = models
    one, each = Interpreter(scalar), Interpreter(vector)
    assert one.level_layers == ()
    assert one.levels == each.levels == LEVELS
    count = len(each.level_layers)
    assert each.interface.level.shape == (count,) and count > 2
    for level in range(LEVELS):
        expected = one.predict(x, level)
        np.testing.assert_array_equal(each.predict(x, level), expected)
        np.testing.assert_array_equal(each.predict(x, [level] * count), expected)
    np.testing.assert_array_equal(each.predict(x), one.predict(x))  # densest


@pytest.mark.parametrize("seed", range(4))
def test_mixed_levels_are_those_of_the_plain_model(seed: int) -> None:
    _, vector, x = pair(seed)
    interpreter = Interpreter(vector)
    count = len(interpreter.level_layers)
    rng = np.random.default_rng(seed)
    different = set()
    for _ in range(4):
        levels = rng.integers(0, LEVELS, count)
        outputs = interpreter.predict(x, levels)
        plain = Interpreter(keras_nest.extract(vector, levels.tolist()))
        np.testing.assert_array_equal(outputs, plain.predict(x))
        different.add(outputs.tobytes())
    assert count == 1 or len(different) > 1


def test_mixed_levels_are_those_of_the_numpy_reference() -> None:
    keras.utils.set_random_seed(2)
    x = inputs = keras.Input((8, 8, 4))
    for width in (8, 12):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    x = keras.layers.Dense(5)(keras.layers.Flatten()(x))
    model = keras_nest.nest(keras.Model(inputs, x), SPARSITIES, exempt=None)
    rng = np.random.default_rng(2)
    tflite = keras_nest.convert(
        model, rng.random((20, 8, 8, 4), np.float32), per_layer_level=True
    )
    ops = nested_file.nested_operators(flatbuffer.load(tflite))
    assert [one.entry for one in ops] == [0, 1, 2]
    samples = rng.integers(-128, 128, (3, 8, 8, 4)).astype(np.int8)
    interpreter = Interpreter(tflite)
    for levels in np.ndindex(LEVELS, LEVELS, LEVELS):
        expected = samples
        for one, level in zip(ops, levels, strict=True):
            if one.op.geometry.op == "fully_connected":
                expected = expected.reshape(len(samples), -1)
            expected = reference.run(one.op, expected, level)
        np.testing.assert_array_equal(
            interpreter.predict(samples, list(levels)).reshape(expected.shape), expected
        )


def test_entries_are_named_where_a_user_looks(models: Any) -> None:
    scalar, vector, _ = models
    facts = keras_nest.describe(vector)
    assert tuple(facts.level_layers) == Interpreter(vector).level_layers
    assert facts.level_layers == [op.name for op in facts.ops if op.nested]
    assert keras_nest.describe(scalar).level_layers == []
    (note,) = (one for one in vector.report.notes if "entry for each layer" in one)
    assert all(f"{n} {name}" in note for n, name in enumerate(facts.level_layers))


def test_extracting_one_level_of_it(models: Any) -> None:
    scalar, vector, x = models
    for level in range(LEVELS):
        plain = keras_nest.extract(vector, level)
        assert keras_nest.describe(plain).metadata is not None
        np.testing.assert_array_equal(
            Interpreter(plain).predict(x), Interpreter(scalar).predict(x, level)
        )
    count = len(Interpreter(vector).level_layers)
    mixed = keras_nest.describe(keras_nest.extract(vector, [0] + [1] * (count - 1)))
    assert mixed.metadata is None  # no level's score is that of a mixture
    assert "level 0-1" in mixed.description


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ([0, 1], "a level for each of"),
        ([], "a level for each of"),
        (3, "level from 0"),
        (-1, "level from 0"),
        ("0", "level from 0"),
        (0.5, "level from 0"),
    ],
)
def test_levels_that_do_not_fit_are_refused(
    models: Any, level: Any, words: str
) -> None:
    _, vector, x = models
    with pytest.raises(NestError, match=words):
        Interpreter(vector).predict(x, level)
    with pytest.raises(NestError, match=words):
        keras_nest.extract(vector, level)


def test_a_model_of_one_level_refuses_several(models: Any) -> None:
    scalar, _, x = models
    with pytest.raises(NestError, match="one for all layers") as error:
        Interpreter(scalar).predict(x, [0, 1, 2])
    assert "per_layer_level" in str(error.value.hint)
    with pytest.raises(NestError, match="one for all layers"):
        keras_nest.extract(scalar, [0, 1, 2])


def test_a_level_out_of_range_stops_one_op(models: Any) -> None:
    _, vector, _ = models
    interpreter = Interpreter(vector)
    levels = [0] * len(interpreter.level_layers)
    sample = np.zeros(interpreter.input_details[0].shape, np.int8)
    interpreter.run(sample, levels)
    levels[-1] = LEVELS
    with pytest.raises(NestError, match="TFLM stopped"):
        interpreter.run(sample, levels)


def test_sticky_entries_stay() -> None:
    net = random_net(4)
    x = inputs_for(net, 2)
    model = keras_nest.nest(net, SPARSITIES, exempt=None)
    tflite = keras_nest.convert(model, x, per_layer_level=True, sticky_level=True)
    interpreter = Interpreter(tflite)
    levels = [n % LEVELS for n in range(len(interpreter.level_layers))]
    sample = np.full(interpreter.input_details[0].shape, 3, np.int8)
    first = interpreter.run(sample, levels)
    np.testing.assert_array_equal(interpreter.run(sample), first)


def entry_model(case: Case, entry: Any, count: int = 2, **changes: Any) -> bytes:
    """A conv 2D that reads an entry of a level of `count`."""
    blob, op, graph = case.packed(), case.op, Graph()
    x = graph.tensor("x", case.input_shape, np.int8, case.s_in, op.input_zero_point)
    level = graph.tensor("level", (count,), np.int32)
    packed = graph.tensor("a/packed", (len(blob),), np.uint8, data=blob)
    data = None if entry is None else np.asarray(entry, changes.get("dtype", np.int32))
    shape = (1,) if data is None else data.shape
    place = graph.tensor("entry", shape, changes.get("dtype", np.int32), data=data)
    y = graph.tensor("y", case.output_shape, np.int8, case.s_out, op.output_zero_point)
    graph.op("NESTED_CONV_2D", [x, level, packed, place], y)
    inputs = [x, level] + [place] * (entry is None)
    return graph.build(inputs, [y])


WRONG: list[tuple[Any, dict[str, Any], str]] = [
    ([2], {}, "no such entry"),
    ([-1], {}, "no such entry"),
    ([1 << 30], {}, "no such entry"),
    ([0, 1], {}, "one constant int32"),
    ([0], {"dtype": np.float32}, "one constant int32"),
    ([0], {"dtype": np.int8}, "one constant int32"),
    (None, {}, "one constant int32"),
]


@pytest.mark.parametrize(("entry", "changes", "words"), WRONG)
def test_prepare_refuses_entries_that_lead_nowhere(
    entry: Any, changes: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(random_case(np.random.default_rng(3), "conv_2d"), batch=1)
    model = entry_model(case, entry, **changes)
    with pytest.raises(NestError, match="as the entry of the level"):
        Interpreter(model)  # Python's own look at the file
    read = base.read_interface
    with monkeypatch.context() as patch:
        patch.setattr(nested_file, "level_entry", lambda *_: None)
        interface = read(model)
    monkeypatch.setattr(base, "read_interface", lambda _: interface)
    with pytest.raises(NestError, match=f"NESTED_CONV_2D: .*{words}"):
        Interpreter(model)


def test_an_op_alone_reads_its_entry() -> None:
    rng = np.random.default_rng(3)
    case = replace(random_case(rng, "conv_2d"), batch=1)
    x = random_input(rng, case)
    model = entry_model(case, [0], count=1)
    for level in range(case.op.levels):
        np.testing.assert_array_equal(
            Interpreter(model).run(x, [level]), reference.run(case.op, x, level)
        )
    # An entry that no op reads is an error of the file, not of the level.
    with pytest.raises(NestError, match="a layer for each entry"):
        Interpreter(entry_model(case, [1], count=2))


def test_what_it_costs(models: Any) -> None:
    """Per layer: an entry, its constant, and TFLM's records of one tensor."""
    scalar, vector, _ = models
    count = len(Interpreter(vector).level_layers)
    more = Interpreter(vector).arena_bytes - Interpreter(scalar).arena_bytes
    # 24 bytes of TfLiteEvalTensor on this 64-bit host (12 on a 32-bit core), 8 more of
    # the op's state, and up to 16 of alignment for the level itself.
    assert 0 < more <= 40 * count + 16
