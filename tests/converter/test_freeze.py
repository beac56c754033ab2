"""Freezing: the float graph computes what Keras computes; what cannot is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_nest import NestError
from keras_nest.converter import calibrate
from keras_nest.converter import graph as ir
from keras_nest.converter.freeze import freeze
from keras_nest.layers import NestedConv2D
from keras_nest.model import nest
from tests.converter.nets import (
    inputs_for,
    nested_random_net,
    on_int8_grid,
    random_net,
)

L = keras.layers


def frozen_output(model: Any, x: np.ndarray, level: int = 0) -> np.ndarray:
    graph = freeze(model)
    values = calibrate.run(graph, x, level)[graph.output]
    return values.reshape(len(x), *graph.output_shape[1:])


# float32 sums in another order, normalizations folded: 1e-4 of values around 1.
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.mark.parametrize("seed", range(6))
def test_plain_nets_compute_what_keras_does(seed: int) -> None:
    model = on_int8_grid(random_net(seed), seed)
    x = inputs_for(model, 8)
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(frozen_output(model, x), expected, **CLOSE)


@pytest.mark.parametrize("seed", range(4))
def test_nested_nets_compute_what_keras_does_at_every_level(seed: int) -> None:
    model = nested_random_net(seed, "1x2")
    x = inputs_for(random_net(seed), 8)
    outputs = model.predict(x, verbose=0)
    assert len(outputs) == model.levels
    for level in range(model.levels):
        expected = outputs[f"level_{level}"]
        np.testing.assert_allclose(frozen_output(model, x, level), expected, **CLOSE)


def submodel_net() -> Any:
    conv = L.Conv2D(4, 3, padding="same", name="conv")
    inner = keras.Sequential([keras.Input((6, 6, 4)), conv, L.ReLU()], name="inner")
    middle_input = keras.Input((6, 6, 4))
    middle = keras.Model(
        middle_input, L.Add()([inner(middle_input), middle_input]), name="middle"
    )
    inputs = keras.Input((6, 6, 4), name="image")
    x = middle(inputs)
    # The second call shares the weights of the first.
    x = middle(x)
    return keras.Model(inputs, L.GlobalMaxPooling2D()(x))


def test_submodels_are_flattened_and_shared_layers_repeated() -> None:
    model = submodel_net()
    graph = freeze(model)
    names = [op.name for op in graph.weighted()]
    assert names == ["middle/inner/conv", "middle/inner/conv_1"]
    x = inputs_for(model, 5)
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(frozen_output(model, x), expected, **CLOSE)


def test_sequential_with_a_submodel_and_a_nested_one() -> None:
    model = keras.Sequential(
        [keras.Input((6, 6, 4)), submodel_net(), L.Dense(5, activation="softmax")]
    )
    x = inputs_for(model, 5)
    expected = model.predict(x, verbose=0)
    np.testing.assert_allclose(frozen_output(model, x), expected, **CLOSE)
    nested = nest(model, (0.8, 0.0), exempt=None)
    outputs = nested.predict(x, verbose=0)
    for level in (0, 1):
        got = frozen_output(nested, x, level)
        np.testing.assert_allclose(got, outputs[f"level_{level}"], **CLOSE)


def test_a_level_of_a_nested_model_freezes_as_a_plain_one() -> None:
    model = nested_random_net(1, "element")
    x = inputs_for(random_net(1), 5)
    plain = model.level(0)
    assert freeze(plain).levels == 1
    expected = frozen_output(model, x, 0)
    np.testing.assert_allclose(frozen_output(plain, x), expected, **CLOSE)


def test_subclass_that_keeps_call_is_taken_as_its_parent() -> None:
    class Named(L.Dense):
        pass

    class Doubled(L.Dense):
        def call(self, inputs: Any) -> Any:
            return 2 * super().call(inputs)

    inputs = keras.Input((4,))
    assert freeze(keras.Model(inputs, Named(3)(inputs))).weighted()
    with pytest.raises(NestError, match="class Doubled"):
        freeze(keras.Model(inputs, Doubled(3)(inputs)))


def test_training_only_layers_leave_nothing() -> None:
    inputs = keras.Input((4, 4, 2))
    x = L.GaussianNoise(0.1)(L.SpatialDropout2D(0.2)(inputs))
    x = L.Conv2D(2, 1)(L.Dropout(0.5)(L.Identity()(x)))
    assert [type(op) for op in freeze(keras.Model(inputs, x)).ops] == [ir.Weighted]


def test_activation_read_twice_is_not_fused_away() -> None:
    inputs = keras.Input((4,))
    x = L.Dense(3)(inputs)
    model = keras.Model(inputs, L.Concatenate()([x, L.ReLU()(x)]))
    kinds = [type(op) for op in freeze(model).ops]
    assert kinds == [ir.Weighted, ir.Activation, ir.Concatenate]


def image(layer: Any) -> Callable[[], Any]:
    def build() -> Any:
        inputs = keras.Input((6, 6, 4))
        return keras.Model(inputs, layer(inputs))

    return build


def two_inputs() -> Any:
    a, b = keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], L.Add()([a, b]))


def two_inputs_nested() -> Any:
    a, b = keras.Input((4,)), keras.Input((4,))
    return nest(keras.Model([a, b], L.Dense(3)(L.Concatenate()([a, b]))))


def standardized(parent: Any) -> Any:
    class Standardized(parent):  # type: ignore[misc]
        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            return super().convolution_op(inputs, kernel - keras.ops.mean(kernel))

    inputs = keras.Input((6, 6, 4))
    return keras.Model(inputs, Standardized(2, 3, name="s")(inputs))


def own_nested_call() -> Any:
    class Doubled(NestedConv2D):
        def call(self, inputs: Any, level: Any = None) -> Any:
            return 2 * super().call(inputs, level)

    inputs = keras.Input((6, 6, 4))
    return keras.Model(inputs, Doubled(2, 3, name="s")(inputs))


def dense() -> Any:
    return keras.Sequential([keras.Input((4,)), L.Dense(8, name="d")], name="lora")


def quantized_by_keras() -> Any:
    model = dense()
    model.quantize("int8")
    return model


def with_lora() -> Any:
    model = dense()
    model.layers[0].enable_lora(2)
    return model


def test_lora_is_merged_by_saving(tmp_path: Path) -> None:
    model = with_lora()
    for name in ("lora_kernel_a", "lora_kernel_b"):
        variable = getattr(model.layers[0], name)
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    model.save_weights(tmp_path / "merged.weights.h5")
    merged = dense()
    merged.load_weights(tmp_path / "merged.weights.h5")
    x = inputs_for(model, 5)
    expected = np.asarray(model(x))
    np.testing.assert_allclose(frozen_output(merged, x), expected, **CLOSE)


def two_outputs() -> Any:
    inputs = keras.Input((4,))
    return keras.Model(inputs, [L.Dense(1)(inputs), L.Dense(2)(inputs)])


def free_size() -> Any:
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, L.Conv2D(3, 3)(inputs))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.dense = L.Dense(2)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


class Own(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="own")

    def call(self, inputs: Any) -> Any:
        return 2 * inputs


def built_subclass() -> Any:
    model = Subclassed()
    model(np.zeros((1, 3), np.float32))
    return model


REFUSED: dict[str, tuple[Callable[[], Any], str, str]] = {
    "unbuilt": (lambda: keras.Sequential([L.Dense(2)]), "an unbuilt", "Input"),
    "subclassed": (built_subclass, "a subclassed model, 'subclassed'", "Functional"),
    "no model": (lambda: [1, 2], "Received: list", "nest"),
    "two inputs": (two_inputs, "2 inputs and 1 outputs", "branch"),
    "two inputs, nested": (two_inputs_nested, "2 inputs and 1 outputs", "branch"),
    "two outputs": (two_outputs, "1 inputs and 2 outputs", "branch"),
    "free size": (free_size, "class InputLayer with output shape", "keras.Input"),
    "groups": (image(L.Conv2D(4, 3, groups=2, name="g")),
               "'g' of class Conv2D.*groups=2", "DepthwiseConv2D"),
    "own convolution": (lambda: standardized(L.Conv2D),
                        r"'s' of class Standardized, whose convolution_op\(\)",
                        "Use Conv2D with the weights"),
    "own convolution, nested": (lambda: standardized(NestedConv2D),
                                r"'s' of class Standardized, whose convolution_op\(\)",
                                "Use NestedConv2D"),
    "own call, nested": (own_nested_call, r"'s' of class Doubled, whose call\(\)",
                         "Use NestedConv2D"),
    "quantized by Keras": (quantized_by_keras, "'d' of class Dense.*'int8'", "float"),
    "LoRA": (with_lora, "'d' of class Dense.*LoRA enabled", "save_weights"),
    "transposed": (image(L.Conv2DTranspose(4, 3, name="t")),
                   "'t' of class Conv2DTranspose", "upsampling"),
    "channels first": (image(L.MaxPooling2D(2, data_format="channels_first", name="p")),
                       "'p' of class MaxPooling2D.*channels_first", "channels_last"),
    "separable": (image(L.SeparableConv2D(4, 3)), "SeparableConv2D", "1x1 Conv2D"),
    "leaky": (image(L.LeakyReLU(name="l")), "'l' of class LeakyReLU", "relu6"),
    "sigmoid": (image(L.Conv2D(4, 3, activation="sigmoid", name="c")),
                "'c' of class Conv2D.*activation='sigmoid'", "relu6"),
    "own activation": (image(L.Activation(lambda x: 2 * x)), "activation=", "relu6"),
    "relu 3": (image(L.ReLU(3.0)), "max_value=3.0", "relu6"),
    "leaky relu": (image(L.ReLU(negative_slope=0.1)), "negative_slope=0.1", "relu6"),
    "softmax axis": (image(L.Softmax(axis=1)), "axis=1", "axis=-1"),
    "norm axis": (image(L.BatchNormalization(axis=1)), "axis=1", "channels_last"),
    "concatenate axis": (image(lambda x: L.Concatenate(axis=1, name="k")([x, x])),
                         "'k' of class Concatenate.*axis=1", "axis=-1"),
    "broadcast add": (image(lambda x: L.Add()([x, L.AveragePooling2D(6)(x)])),
                      "inputs of shapes", "one shape"),
    "group norm": (image(L.GroupNormalization(2)), "GroupNormalization",
                   "BatchNormalization"),
    "lambda": (image(L.Lambda(lambda x: x, name="lam")), "'lam' of class Lambda",
               "Supported"),
    "recurrent": (image(lambda x: L.LSTM(3)(L.Reshape((36, 4))(x))), "class LSTM",
                  "Supported"),
    "five dimensions": (image(L.Reshape((2, 3, 6, 4))), "2 to 4 dimensions", "Reshape"),
    "own submodel": (image(lambda x: Own()(x)), "'own' of class Own, a subclass",
                     "keras.Model"),
    "training": (image(lambda x: L.Dropout(0.5, name="d")(x, training=True)),
                 "'d' of class Dropout, called with training=True", "fit"),
    "in a submodel": (
        image(keras.Sequential([keras.Input((6, 6, 4)), L.ELU(name="e")], name="sub")),
        "'sub/e' of class ELU", "relu6"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name_with_what_to_do(name: str) -> None:
    build, message, hint = REFUSED[name]
    with pytest.raises(NestError, match=message) as caught:
        freeze(build())
    assert "Received" in caught.value.message
    assert caught.value.hint is not None and hint in caught.value.hint


def test_diverged_weights_are_refused() -> None:
    inputs = keras.Input((3,))
    layer = L.Dense(2, name="dead")
    model = keras.Model(inputs, layer(inputs))
    layer.kernel.assign(np.full((3, 2), np.nan))
    with pytest.raises(NestError, match="NaN or infinity in layer 'dead'"):
        freeze(model)
