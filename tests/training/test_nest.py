"""nest(): what becomes of a model, which weights it keeps, what it refuses."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_nest import layers as nested
from keras_nest.errors import NestError
from keras_nest.model import nest

SPARSITIES = (0.8, 0.5, 0.0)


def samples(model: Any, count: int = 3) -> Any:
    generator = np.random.default_rng(0)
    values = [
        generator.normal(size=(count, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    ]
    return values[0] if len(values) == 1 else values


def randomize(model: Any) -> Any:
    """Gives every weight a value that a mistake in copying would show."""
    generator = np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(np.abs(generator.normal(size=weight.shape)) * 0.3 + 0.05)
    return model


def check_levels(base: Any, model: Any) -> None:
    """The densest level computes what the base does; level(i) what level i does."""
    x = samples(base)
    outputs = model(x)
    assert list(outputs) == [f"level_{i}" for i in range(len(SPARSITIES))]
    # BatchNormalization sums over the levels to pick one: another rounding.
    np.testing.assert_allclose(outputs["level_2"], base(x), rtol=1e-4, atol=1e-5)
    assert not np.allclose(outputs["level_0"], outputs["level_2"], atol=1e-3)
    for level in range(3):
        plain = model.level(level)
        assert not any("Nested" in type(layer).__name__ for layer in plain.layers)
        np.testing.assert_allclose(
            plain(x), outputs[f"level_{level}"], rtol=1e-4, atol=1e-5
        )


def conv_net() -> Any:
    x = inputs = keras.Input((12, 12, 4), name="image")
    x = layers.Rescaling(0.5)(x)
    x = layers.Conv2D(8, 3, padding="same", name="stem")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = shortcut = layers.ReLU(max_value=6)(x)
    x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Conv2D(8, 1, use_bias=False, name="pointwise")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("relu")(x)
    x = layers.Add()([x, shortcut])
    y = layers.ZeroPadding2D(1)(x)
    y = layers.MaxPooling2D(2)(y)
    z = layers.AveragePooling2D(2, padding="same")(x)
    y = layers.Conv2D(6, 2, name="valid")(y)
    x = layers.Concatenate()([y, z])
    x = layers.Dropout(0.2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(10, name="classes")(x)
    return keras.Model(inputs, layers.Softmax()(x), name="conv_net")


def sequential_1d() -> Any:
    return keras.Sequential(
        [
            keras.Input((16, 4)),
            layers.Conv1D(8, 3, name="first"),
            layers.BatchNormalization(),
            layers.Conv1D(8, 3, padding="causal", activation="relu", name="second"),
            layers.MaxPooling1D(2),
            layers.Reshape((7, 8)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(5, name="classes"),
        ],
        name="sequence",
    )


def with_submodels() -> Any:
    """Submodels that share layer names, one of them called twice, one frozen."""
    twice = keras.Sequential(
        [keras.Input((6, 6, 4)), layers.Conv2D(4, 3, padding="same", name="conv")],
        name="twice",
    )
    inner = keras.Input((6, 6, 4))
    y = layers.Conv2D(4, 1, name="conv")(inner)
    y = layers.BatchNormalization(name="norm")(y)
    frozen = keras.Model(inner, twice(y), name="frozen")
    frozen.get_layer("norm").trainable = False
    x = inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
    x = twice(twice(x))
    x = frozen(x, training=False)
    x = ops.relu(x) + 1.0
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, name="classes")(x), name="outer")


def auto_encoder() -> Any:
    x = inputs = keras.Input((32,))
    for number, units in enumerate((16, 8, 16)):
        x = layers.Dense(units, name=f"dense_{number}")(x)
        x = layers.BatchNormalization(name=f"norm_{number}")(x)
        x = layers.ReLU()(x)
    return keras.Model(inputs, layers.Dense(32, name="last")(x), name="encoder")


def two_inputs() -> Any:
    a, b = keras.Input((8,), name="a"), keras.Input((4,), name="level")
    x = layers.Concatenate()([layers.Dense(6, name="left")(a), b])
    return keras.Model([a, b], layers.Dense(4, name="right")(x), name="two")


NETS = [conv_net, sequential_1d, with_submodels, auto_encoder, two_inputs]


@pytest.mark.parametrize("batch_norm", ["private", "shared"])
@pytest.mark.parametrize("net", NETS)
def test_levels_compute_what_they_should(net: Any, batch_norm: str) -> None:
    base = randomize(net())
    before = base.get_weights()
    model = nest(base, SPARSITIES, batch_norm=batch_norm)
    assert model.levels == 3 and model.sparsities == SPARSITIES
    assert model.graph.inputs[-1].shape == () and model.graph.inputs[-1].name == "level"
    check_levels(base, model)
    for ours, theirs in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_each_layer_becomes_its_nested_kind() -> None:
    graph = nest(conv_net(), SPARSITIES).graph
    kinds = {layer.name: type(layer) for layer in graph.layers}
    assert kinds["stem"] is layers.Conv2D  # exempt
    assert kinds["stem_norm"] is layers.BatchNormalization  # the same at all levels
    assert kinds["depthwise"] is nested.NestedDepthwiseConv2D
    assert kinds["pointwise"] is nested.NestedConv2D
    assert kinds["norm"] is nested.NestedBatchNormalization
    assert kinds["classes"] is nested.NestedDense


def test_masks_are_ranked_at_once() -> None:
    model = nest(randomize(auto_encoder()), SPARSITIES, pattern="element")
    for layer in model.nested_layers:
        lowest = ops.convert_to_numpy(layer.level_of)
        for level, sparsity in enumerate(SPARSITIES):
            assert np.mean(lowest > level) == pytest.approx(
                sparsity, abs=0.51 / lowest.size
            )


def test_a_shared_layer_stays_shared() -> None:
    model = nest(with_submodels(), SPARSITIES)
    convolutions = [
        layer for layer in model.graph.layers if isinstance(layer, layers.Conv2D)
    ]
    # conv, twice/conv (called three times) and frozen/conv, named apart
    assert len(convolutions) == 3
    assert len({layer.name for layer in convolutions}) == 3


def test_frozen_layers_stay_frozen() -> None:
    model = nest(with_submodels(), SPARSITIES)
    norm = next(
        layer
        for layer in model.graph.layers
        if isinstance(layer, nested.NestedBatchNormalization)
    )
    before = ops.convert_to_numpy(norm.moving_mean)
    model(samples(with_submodels()), training=True)
    np.testing.assert_array_equal(norm.moving_mean, before)


@pytest.mark.parametrize(
    ("exempt", "dense"),
    [
        ("first-convolution", {"stem"}),
        (None, set()),
        ("classes", {"classes"}),
        (["stem", "classes"], {"stem", "classes"}),
        ("first-and-last", {"stem", "classes"}),
        (lambda layer: layer.name.startswith("v"), {"valid"}),
    ],
)
def test_exempt_layers_stay_dense(exempt: Any, dense: set[str]) -> None:
    model = nest(conv_net(), SPARSITIES, exempt=exempt)
    masked = {layer.name for layer in model.nested_layers}
    assert masked == {"stem", "pointwise", "valid", "classes"} - dense


def test_layers_without_a_nested_kind_pass_through() -> None:
    x = inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(4, 3, name="first")(x)
    x = layers.Conv2DTranspose(4, 3, name="transposed")(x)
    x = layers.SeparableConv2D(4, 3, name="separable")(x)
    x = layers.Conv2D(4, 1, groups=2, name="grouped")(x)
    x = layers.GroupNormalization(2, name="group_norm")(x)
    x = layers.Conv2D(4, 1, name="last")(x)
    base = randomize(keras.Model(inputs, x))
    model = nest(base, SPARSITIES)
    assert [layer.name for layer in model.nested_layers] == ["last"]
    check_levels(base, model)


def test_drop_in_layers_are_given_the_level() -> None:
    x = inputs = keras.Input((8,))
    x = nested.NestedDense(8, sparsities=(0.9, 0.5, 0.0), pattern="1x4", name="own")(x)
    base = randomize(keras.Model(inputs, layers.Dense(4, name="plain")(x)))
    model = nest(base, SPARSITIES, pattern="element")
    own, plain = model.nested_layers
    assert (str(own.pattern), str(plain.pattern)) == ("1x4", "element")
    assert own.sparsities == (0.9, 0.5, 0.0)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        ({}, "1x2"),
        ({"target": "cortex-m4"}, "1x2"),
        ({"target": "cortex-m55"}, "1x16"),
        ({"target": "cortex-m4", "pattern": "4x4"}, "4x4"),
        ({"pattern": "1x4", "balanced": True}, "1x4-balanced"),
        ({"pattern": "1x4-balanced"}, "1x4-balanced"),
    ],
)
def test_pattern_and_target(arguments: dict[str, Any], pattern: str) -> None:
    inputs = keras.Input((64,))
    base = keras.Model(inputs, layers.Dense(32)(inputs))
    layer = nest(base, SPARSITIES, **arguments).nested_layers[0]
    assert str(layer.pattern) == pattern


def several_outputs() -> Any:
    x = keras.Input((4,))
    return keras.Model(x, [layers.Dense(2)(x), layers.Dense(3)(x)], name="heads")


class Subclassed(keras.Model):
    def call(self, inputs: Any) -> Any:
        return inputs


BAD_MODELS = [
    (lambda: keras.Sequential([layers.Dense(3)], name="new"), "a built model.*'new'"),
    (several_outputs, "one output.*2 outputs in model 'heads'"),
    (lambda: Subclassed(name="own"), "functional or Sequential.*Subclassed 'own'"),
    (lambda: "model.keras", "a Keras model.*'model.keras'"),
    (
        lambda: keras.Sequential(
            [keras.Input((4,)), nested.NestedDense(2, sparsities=(0.5, 0), name="two")]
        ),
        "3 levels.*'two' with 2",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD_MODELS)
def test_bad_models_are_refused(make: Any, message: str) -> None:
    with pytest.raises(NestError, match=message):
        nest(make(), SPARSITIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsities": (0.5, 0.7)}, r"fall from level to level.*\(0.5, 0.7\)"),
        ({"sparsities": ()}, "1 to 32 sparsities"),
        ({"sparsities": (1.5,)}, "at least 0 and below 1"),
        ({"pattern": "2x2"}, "Expected a pattern out of.*'2x2'"),
        ({"routing": "mean"}, "`routing` to be one of.*'mean'"),
        ({"batch_norm": "none"}, "'private', 'shared', 'fixed', 'group'.*'none'"),
        ({"level_weights": "log"}, "`level_weights` to be one of.*'log'"),
        ({"level_weights": (1, 2)}, "3 level weights"),
        ({"level_weights": (1, -1, 1)}, "3 level weights, none negative"),
        ({"distillation": -1}, "`distillation` to be a finite weight.*-1"),
        ({"distillation": "a"}, "`distillation` to be a finite weight.*'a'"),
        ({"distillation": float("nan")}, "`distillation` to be a finite.*nan"),
        ({"target": "z80"}, "`target` to be one of.*'z80'"),
        ({"exempt": ["fist"]}, r"`exempt` to name.*\['fist'\]"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    arguments = {"sparsities": SPARSITIES, **arguments}
    with pytest.raises(NestError, match=message):
        nest(auto_encoder(), **arguments)


@pytest.mark.parametrize("level", [-1, 3, "densest"])
def test_a_level_out_of_range_is_refused(level: Any) -> None:
    with pytest.raises(
        NestError, match=rf"from 0 \(sparsest\) to 2 \(densest\).*{level!r}"
    ):
        nest(auto_encoder(), SPARSITIES).level(level)


def test_a_nested_model_is_refused_by_name() -> None:
    inputs = keras.Input((8,))
    base = keras.Model(inputs, layers.Dense(2)(inputs), name="small")
    model = nest(base, SPARSITIES)
    with pytest.raises(
        NestError, match=r"not nested.*'small', which is nested already"
    ):
        nest(model)


def test_a_dict_of_inputs_is_read_by_name() -> None:
    first, second = keras.Input((4,), name="z"), keras.Input((4,), name="a")
    joined = layers.Concatenate()([first, second])
    base = keras.Model([first, second], layers.Dense(3)(joined))
    model = nest(base, SPARSITIES)
    z, a = samples(base)
    expected = model([z, a])
    # More entries than the model has inputs are left out, as Keras does.
    for value in ({"z": z, "a": a}, {"a": a, "other": a, "z": z}):
        for name, output in model(value).items():
            np.testing.assert_array_equal(output, expected[name])
    predicted = model.predict({"z": z, "a": a}, verbose=0)
    np.testing.assert_allclose(predicted["level_2"], base([z, a]), rtol=1e-4, atol=1e-5)
    with pytest.raises(NestError, match=r"inputs \['z', 'a'\].*\['a', 'b'\]"):
        model({"a": a, "b": z})
