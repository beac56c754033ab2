"""Nested widths: levels that keep the first channels of each layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_nest
from keras_nest.errors import NestError
from keras_nest.prefixes import ChannelPrefix
from keras_nest.summary import layer_facts

SHARES = (0.25, 0.5, 1.0)
LOSS = "sparse_categorical_crossentropy"


def network() -> Any:
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 3, padding="same", name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU()(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.Conv2D(12, 1, name="a")(x)
    z = layers.Conv2D(12, 3, padding="same", name="b")(y)
    x = layers.ReLU()(layers.Add()([y, z]))
    x = layers.MaxPooling2D(4)(x)
    x = layers.Dense(8, activation="relu", name="hidden")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(3, "softmax", name="last")(x))


def data(count: int = 24) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = generator.normal(size=(count, 8, 8, 3)) * 0.5
    x[np.arange(count), :, :, y] += 1.5
    return x.astype("float32"), y


KEPT = {"first": (2, 4, 8), "a": (3, 6, 12), "b": (3, 6, 12), "hidden": (2, 4, 8)}
INPUTS = {
    "first": (3, 3, 3),
    "a": KEPT["first"],
    "b": KEPT["a"],
    "hidden": KEPT["b"],
    "last": KEPT["hidden"],
}


def test_widths_are_the_same_where_channels_are_joined() -> None:
    found = keras_nest.channel_widths(network(), SHARES)
    assert {name: prefix.outputs for name, prefix in found.items()} == {
        **KEPT,
        "last": (3, 3, 3),
    }
    assert {name: prefix.inputs for name, prefix in found.items()} == INPUTS
    named = keras_nest.channel_widths(network(), {"a": (3, 6, 12)})
    assert set(named) == {"a", "b", "hidden"}
    assert named["b"] == found["b"] and named["a"].inputs == (8, 8, 8)


def test_masks_are_prefixes_and_macs_are_exact() -> None:
    base = network()
    model = keras_nest.nest(base, keras_nest.channel_widths(base, SHARES))
    facts = {fact.name: fact for fact in layer_facts(model.graph, 3)}
    positions = {"first": 9 * 64, "a": 64, "b": 9 * 64, "hidden": 4, "last": 1}
    for name, count in positions.items():
        outputs = KEPT.get(name, (3, 3, 3))
        expected = [count * i * o for i, o in zip(INPUTS[name], outputs, strict=True)]
        assert list(facts[name].macs) == expected
    b = ops.convert_to_numpy(model.graph.get_layer("b").level_of)
    assert np.all(b[..., :3, :3] == 0) and np.all(b[..., 3:6, :6] == 1)
    assert np.all(b[..., 6:, :] == 2)
    hidden = ops.convert_to_numpy(model.graph.get_layer("hidden").level_of)
    # Behind the Flatten each of the four positions has all 12 channels.
    np.testing.assert_array_equal(hidden[:12], hidden[12:24])
    assert np.all(hidden[:3, :2] == 0) and np.all(hidden[3:6, :2] == 1)
    x, _ = data(4)
    np.testing.assert_allclose(model(x)["level_2"], base(x), rtol=1e-4, atol=1e-5)


def test_a_level_depends_on_its_own_channels_alone() -> None:
    base = network()
    model = keras_nest.nest(base, keras_nest.channel_widths(base, SHARES))
    x, _ = data(4)
    before = {name: np.array(value) for name, value in model(x).items()}
    generator = np.random.default_rng(3)

    def spoil(variable: Any, index: Any) -> None:
        values = np.array(ops.convert_to_numpy(variable))
        values[index] = generator.normal(size=values[index].shape) * 50
        variable.assign(values)

    for name, widths in KEPT.items():
        layer = model.graph.get_layer(name)
        spoil(layer.kernel, (..., slice(widths[1], None)))
        spoil(layer.bias, slice(widths[1], None))
    norm = model.graph.get_layer("norm")
    for variable in (norm.gamma, norm.beta, norm.moving_mean):
        spoil(variable, (..., slice(4, None)))
    spoil(model.graph.get_layer("depthwise").kernel, (..., slice(4, None), slice(None)))
    after = model(x)
    for level in (0, 1):
        np.testing.assert_allclose(
            after[f"level_{level}"], before[f"level_{level}"], rtol=1e-4, atol=1e-5
        )
    assert not np.allclose(after["level_2"], before["level_2"], atol=1e-2)


def test_widths_ramp_train_save_and_convert(tmp_path: Path) -> None:
    base = network()
    x, y = data()
    scores = keras_nest.taylor_importance(base, x, y, loss=LOSS)
    base, _ = keras_nest.permute_channels(base, scores)
    model = keras_nest.nest(base, keras_nest.channel_widths(base, SHARES))
    layer = model.graph.get_layer("b")
    layer.update_mask(0.0)
    assert not np.any(ops.convert_to_numpy(layer.level_of))
    layer.update_mask(0.5)
    # Half of the 9 channels that level 0 leaves out, rounded, and of the 6 of level 1.
    assert np.sum(ops.convert_to_numpy(layer.level_of)[0, 0, 0] == 0) == 7
    assert np.sum(ops.convert_to_numpy(layer.level_of)[0, 0, 0] == 1) == 2
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=8, verbose=0)
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert all(scores[f"level_{level}_accuracy"] > 0.6 for level in range(3)), scores
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.graph.get_layer("b").prefix == layer.prefix
    outputs = model.predict(x, verbose=0)
    again = loaded.predict(x, verbose=0)
    for name, values in outputs.items():
        np.testing.assert_allclose(again[name], values, atol=1e-6)
    interpreter = keras_nest.Interpreter(keras_nest.convert(model, x))
    for level in range(3):
        found = interpreter.predict(x, level=level, dequantize=True)
        np.testing.assert_allclose(found, outputs[f"level_{level}"], atol=0.1)


def test_reds_is_all_of_it_together() -> None:
    base = network()
    x, y = data()
    base.compile(keras.optimizers.Adam(0.01), LOSS)
    base.fit(x, y, batch_size=8, epochs=4, verbose=0)
    before = base.predict(x, verbose=0)
    scores = keras_nest.taylor_importance(base, x, y, loss=LOSS)
    base, _ = keras_nest.permute_channels(base, scores)
    scores = keras_nest.taylor_importance(base, x, y, loss=LOSS)
    widths = keras_nest.plan_widths(base, (0.3, 0.6, 1.0), importance=scores)
    model = keras_nest.nest(base, widths, recipe="reds")
    # The densest level is the trained model, with its channels in another order.
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(found["level_2"], before, rtol=1e-3, atol=1e-5)
    assert model.distillation == 0 and model.graph.get_layer("norm").gamma.ndim == 1
    assert model.level_weights == pytest.approx(
        np.sqrt(1 - np.array(model.sparsities))
        / np.sqrt(1 - np.array(model.sparsities)).sum()
    )
    masks = [ops.convert_to_numpy(v.level_of).copy() for v in model.nested_layers]
    model.compile(keras.optimizers.Adam(0.01), LOSS, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=6, verbose=0)
    for layer, mask in zip(model.nested_layers, masks, strict=True):
        np.testing.assert_array_equal(layer.level_of, mask)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert all(logs[f"level_{level}_accuracy"] > 0.6 for level in range(3)), logs


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((0.5, 0.25), r"rise from level to level.*\(0.5, 0.25\)"),
        ((0.5, 1.5), "at most 1"),
        ((), "widths above 0"),
        ({"last": (1, 2)}, r"channels can be left out.*\['last'\]"),
        ({"depthwise": (1, 2)}, r"channels can be left out.*\['depthwise'\]"),
        ({"first": (4, 9)}, "from 1 to 8 that do not fall"),
        ({"first": (4, 2)}, "from 1 to 8 that do not fall"),
        ({"a": (3, 6), "b": (4, 6)}, "one width for channels that are joined"),
        ({"a": (3, 6), "first": (4,)}, r"as many levels.*\[1, 2\]"),
        ({}, "one layer at least"),
    ],
)
def test_bad_widths_are_refused(widths: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        keras_nest.channel_widths(network(), widths)


def test_bad_prefixes_are_refused() -> None:
    with pytest.raises(NestError, match="as many input as output widths"):
        ChannelPrefix((1, 2), 2, (1,), 2)
    base = network()
    with pytest.raises(NestError, match=r"levels lie on a line\. Received: widths"):
        keras_nest.nest(
            base,
            keras_nest.channel_widths(base, SHARES),
            recipe=keras_nest.LCS(variant="line"),
        )
