"""Every nested layer against the same demands, by one base class."""

# Class attributes are read only here.
# ruff: noqa: RUF012

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_nest.errors import NestError
from keras_nest.layers import (
    NestedBatchNormalization,
    NestedConv1D,
    NestedConv2D,
    NestedDense,
    NestedDepthwiseConv2D,
)
from keras_nest.masks import NEVER, Pattern

SPARSITIES = (0.75, 0.5, 0.25)
NESTING = {"sparsities": SPARSITIES, "pattern": "1x2"}


def samples(shape: tuple[int, ...], seed: int = 0) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape).astype("float32")


class LayerTests:
    """What every nested layer must do; a subclass says which layer."""

    layer: type
    parent: type
    nesting: dict[str, Any]
    arguments: list[dict[str, Any]]
    shape: tuple[int, ...]

    def nested(self, arguments: dict[str, Any], **changes: Any) -> Any:
        """A built layer with random weights and, where it has masks, ranked ones."""
        layer = self.layer(**{**arguments, **self.nesting, **changes})
        layer.build((None, *self.shape))
        for number, weight in enumerate(layer.weights):
            if not str(weight.dtype).startswith("uint"):
                weight.assign(np.abs(samples(weight.shape, number)) + 0.1)
        if hasattr(layer, "update_mask"):
            layer.update_mask()
        return layer

    def test_signature_holds_that_of_the_parent(self) -> None:
        own = inspect.signature(self.layer).parameters
        theirs = inspect.signature(self.parent).parameters
        assert list(own)[: len(theirs) - 1] == list(theirs)[:-1]
        assert set(self.nesting) <= set(own)
        for name, parameter in theirs.items():
            assert own[name].default == parameter.default

    def test_without_nesting_it_is_the_parent(self) -> None:
        x = samples((2, *self.shape))
        for arguments in self.arguments:
            plain, drop_in = self.parent(**arguments), self.layer(**arguments)
            expected = plain(x)
            drop_in.build(x.shape)
            assert drop_in.levels == 1
            assert len(drop_in.weights) == len(plain.weights)
            drop_in.set_weights(plain.get_weights())
            np.testing.assert_array_equal(drop_in(x), expected)
            assert drop_in.compute_output_shape(x.shape) == expected.shape

    def test_config_round_trip(self) -> None:
        for arguments in self.arguments:
            layer = self.nested(arguments)
            config = keras.saving.serialize_keras_object(layer)
            again = keras.saving.deserialize_keras_object(config)
            assert type(again) is self.layer
            assert again.get_config() == layer.get_config()

    def test_every_weight_survives_saving(self, tmp_path: Path) -> None:
        for arguments in self.arguments:
            x = keras.Input(self.shape)
            level = keras.Input(batch_shape=(), dtype="int32")
            layer = self.nested(arguments)
            model = keras.Model([x, level], layer(x, level=level))
            model.save(tmp_path / "model.keras")
            loaded = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
            assert type(loaded) is self.layer
            assert len(loaded.weights) == len(layer.weights)
            for ours, theirs in zip(layer.weights, loaded.weights, strict=True):
                assert ours.dtype == theirs.dtype
                np.testing.assert_array_equal(ours, theirs)

    def test_level_may_be_an_int_or_a_tensor(self) -> None:
        layer = self.nested(self.arguments[0])
        x = samples((2, *self.shape))
        for level in range(len(SPARSITIES)):
            as_int = layer(x, level=level)
            tensor = ops.convert_to_tensor(level, "int32")
            np.testing.assert_array_equal(as_int, layer(x, level=tensor))
        np.testing.assert_array_equal(layer(x), layer(x, level=2))


class KernelTests(LayerTests):
    """What the layers with masks must do as well."""

    nesting = NESTING

    def test_each_level_is_the_parent_with_a_masked_kernel(self) -> None:
        x = samples((2, *self.shape))
        for arguments in self.arguments:
            layer = self.nested(arguments)
            plain = self.parent(**arguments)
            plain.build(x.shape)
            lowest = ops.convert_to_numpy(layer.level_of)
            kernel = ops.convert_to_numpy(layer.kernel)
            for level, sparsity in enumerate(SPARSITIES):
                mask = lowest <= level
                # To the nearest block of two weights.
                assert np.mean(~mask) == pytest.approx(sparsity, abs=1.01 / mask.size)
                bias = [layer.bias] if layer.use_bias else []
                plain.set_weights([kernel * mask, *bias])
                np.testing.assert_array_equal(layer(x, level=level), plain(x))

    def test_gradient_routing(self) -> None:
        x = samples((2, *self.shape))
        for routing in ("sum", "owner"):
            layer = self.nested(self.arguments[0], routing=routing)
            lowest = ops.convert_to_numpy(layer.level_of)
            outputs = [layer(x, level=level) for level in range(3)]
            # The same values come out; only the gradients differ.
            for level, output in enumerate(outputs):
                np.testing.assert_array_equal(
                    output, self.nested(self.arguments[0])(x, level=level)
                )
                gradient = kernel_gradient(layer, x, level)
                holders = lowest <= level if routing == "sum" else lowest == level
                assert np.all(gradient[~holders] == 0)
                assert np.any(gradient[holders] != 0)

    def test_pattern_falls_to_one_that_fits(self) -> None:
        layer = self.nested(self.arguments[0], pattern="4x16")
        assert str(layer.asked_pattern) == "4x16"
        assert str(layer.pattern) == "4x4"
        assert layer.get_config()["pattern"] == "4x16"

    def test_masks_follow_the_factor(self) -> None:
        layer = self.nested(self.arguments[0])
        layer.update_mask(0.0)
        assert np.all(ops.convert_to_numpy(layer.level_of) == 0)
        layer.update_mask(0.5)
        lowest = ops.convert_to_numpy(layer.level_of)
        assert np.mean(lowest > 0) == pytest.approx(0.375, abs=1 / lowest.size)
        assert np.mean(lowest == NEVER) == pytest.approx(0.125, abs=1 / lowest.size)

    def test_levels_take_weights_back_only_where_told(self) -> None:
        layer = self.nested(self.arguments[0])
        before = np.array(ops.convert_to_numpy(layer.level_of))
        layer.kernel.assign(1 / layer.kernel)
        layer.update_mask(regrow=False)
        np.testing.assert_array_equal(layer.level_of, before)
        layer.update_mask()
        assert np.any(ops.convert_to_numpy(layer.level_of) != before)

    def test_bad_arguments_are_refused(self) -> None:
        layer = self.nested(self.arguments[0])
        x = samples((1, *self.shape))
        for level in (-1, 3):
            with pytest.raises(NestError, match=rf"from 0 .* to 2.*level={level}"):
                layer(x, level=level)
        with pytest.raises(NestError, match=r"`routing` to be one of.*'mean'"):
            self.nested(self.arguments[0], routing="mean")
        with pytest.raises(NestError, match="Expected a pattern out of"):
            self.nested(self.arguments[0], pattern="3x3")
        with pytest.raises(NestError, match="fall from level to level"):
            self.nested(self.arguments[0], sparsities=(0.1, 0.5))


def kernel_gradient(layer: Any, x: Any, level: int) -> np.ndarray[Any, Any]:
    """Gradient of the sum of a level's outputs with respect to the kernel."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = ops.sum(ops.square(layer(x, level=level)))
    return np.asarray(tape.gradient(total, layer.kernel.value))


class TestNestedConv2D(KernelTests):
    layer, parent = NestedConv2D, keras.layers.Conv2D
    shape = (6, 5, 4)
    arguments = [
        {"filters": 8, "kernel_size": 3},
        {
            "filters": 6,
            "kernel_size": (2, 3),
            "strides": 2,
            "padding": "same",
            "activation": "relu",
            "use_bias": False,
        },
        {"filters": 4, "kernel_size": 2, "dilation_rate": 2, "groups": 2},
    ]


class TestNestedConv1D(KernelTests):
    layer, parent = NestedConv1D, keras.layers.Conv1D
    shape = (9, 4)
    arguments = [
        {"filters": 8, "kernel_size": 3},
        {"filters": 6, "kernel_size": 2, "padding": "causal", "dilation_rate": 2},
        {"filters": 5, "kernel_size": 3, "strides": 2, "use_bias": False},
    ]


class TestNestedDense(KernelTests):
    layer, parent = NestedDense, keras.layers.Dense
    shape = (12,)
    arguments = [
        {"units": 8},
        {"units": 6, "activation": "softmax", "use_bias": False},
    ]


class TestNestedDepthwiseConv2D(LayerTests):
    layer, parent = NestedDepthwiseConv2D, keras.layers.DepthwiseConv2D
    nesting = {"levels": 3}
    shape = (6, 5, 4)
    arguments = [
        {"kernel_size": 3},
        {"kernel_size": 2, "depth_multiplier": 2, "strides": 2, "padding": "same"},
    ]

    def test_weights_are_dense_at_all_levels(self) -> None:
        layer = self.nested(self.arguments[0])
        assert layer.sparsities is None and layer.pattern is None
        assert layer.level_of is None and layer.levels == 3
        x = samples((1, *self.shape))
        np.testing.assert_array_equal(layer(x, level=0), layer(x, level=2))


class TestNestedBatchNormalization(LayerTests):
    layer, parent = NestedBatchNormalization, keras.layers.BatchNormalization
    nesting = {"levels": 3}
    shape = (4, 5, 6)
    arguments = [
        {},
        {"axis": 1, "momentum": 0.5, "epsilon": 0.1},
        {"center": False},
        {"scale": False},
    ]

    @pytest.mark.parametrize("statistics", [True, False])
    @pytest.mark.parametrize("affine", [True, False])
    def test_each_level_is_the_parent(self, statistics: bool, affine: bool) -> None:
        x = samples((3, *self.shape))
        for arguments in self.arguments:
            layer = self.nested(
                arguments, private_statistics=statistics, private_affine=affine
            )
            axis = arguments.get("axis", -1)
            channels = x.shape[axis]
            for name, private in (
                ("gamma", affine),
                ("beta", affine),
                ("moving_mean", statistics),
                ("moving_variance", statistics),
            ):
                weight = getattr(layer, name)
                if weight is not None:
                    assert weight.shape == ((3, channels) if private else (channels,))
            for level in range(3):
                plain = self.parent(**arguments)
                plain.build(x.shape)
                plain.set_weights([layer.of_level(w, level) for w in layer.weights])
                for training in (False, True):
                    # Rounding differs: the levels are added up to pick one.
                    np.testing.assert_allclose(
                        layer(x, level=level, training=training),
                        plain(x, training=training),
                        rtol=1e-5,
                        atol=1e-6,
                    )
                for ours, theirs in zip(layer.weights, plain.weights, strict=True):
                    np.testing.assert_allclose(
                        layer.of_level(ours, level), theirs, rtol=1e-6
                    )

    def test_training_moves_the_statistics_of_its_level_alone(self) -> None:
        layer = self.nested({})
        before = ops.convert_to_numpy(layer.moving_mean).copy()
        layer(samples((3, *self.shape)), level=1, training=True)
        after = ops.convert_to_numpy(layer.moving_mean)
        np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
        assert np.all(after[1] != before[1])

    def test_a_mask_leaves_samples_out(self) -> None:
        layer = self.nested({"momentum": 0.0})
        x = samples((3, *self.shape))
        mask = np.zeros(x.shape[:-1], bool)
        mask[:2] = True
        layer(x, level=1, training=True, mask=mask)
        chosen = x[:2].reshape(-1, x.shape[-1])
        # The mean is over 40 values; float32 sums and an epsilon in the divisor.
        np.testing.assert_allclose(layer.moving_mean[1], chosen.mean(0), atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance[1], chosen.var(0), rtol=1e-4)

    @pytest.mark.parametrize("private", [True, False])
    def test_recalibration_measures_exact_moments(self, private: bool) -> None:
        layer = self.nested({}, private_statistics=private)
        batches = [samples((n, *self.shape), n) * n for n in (2, 3, 7)]
        layer.start_recalibration()
        for level in range(3):
            for batch in batches:
                layer(batch * (level + 1), level=level)
        layer.finish_recalibration()
        values = np.concatenate(batches).reshape(-1, self.shape[-1])
        for level in range(3):
            at_level = values * (level + 1)
            if not private:
                at_level = np.concatenate([values, values * 2, values * 3])
            # float32 batch moments, float64 sums of them
            np.testing.assert_allclose(
                layer.of_level(layer.moving_mean, level), at_level.mean(0), atol=1e-4
            )
            np.testing.assert_allclose(
                layer.of_level(layer.moving_variance, level), at_level.var(0), rtol=1e-4
            )
        again = layer(batches[0], level=0)
        assert not np.allclose(ops.std(again, axis=(0, 1, 2)), 1, atol=1e-3)

    def test_renorm_is_refused(self) -> None:
        with pytest.raises(NestError, match=r"without batch renormalization.*'bn'"):
            NestedBatchNormalization(levels=3, renorm=True, name="bn")


def test_patterns_may_be_objects() -> None:
    layer = NestedDense(4, sparsities=(0.5,), pattern=Pattern(4, 4, balanced=True))
    assert layer.get_config()["pattern"] == "4x4-balanced"
