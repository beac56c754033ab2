"""The fused op against Keras' own BatchNormalization: outputs, moments, gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nest.layers import fused
from keras_nest.layers.normalization import NestedBatchNormalization

X = np.random.default_rng(0).normal(2, 3, (16, 6, 5, 7)).astype("float32")


def _filled(layer: keras.layers.Layer, levels: int = 1) -> keras.layers.Layer:
    layer.build(X.shape)
    values = np.random.default_rng(1).normal(size=(2, 7))
    for weight, value in zip(layer.trainable_variables, values, strict=False):
        weight.assign(np.broadcast_to(value, weight.shape))
    return layer


def _trained(layer: keras.layers.Layer, **level: int) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        y = layer(x, training=True, **level)
        loss = tf.reduce_sum(y**3)
    variables = [variable.value for variable in layer.trainable_variables]
    gradients = [np.array(one) for one in tape.gradient(loss, [x, *variables])]
    moments = [np.array(layer.moving_mean), np.array(layer.moving_variance)]
    if level:
        moments = [one[level["level"]] for one in moments]
        gradients[1:] = [one[level["level"]] for one in gradients[1:]]
    return [np.array(y), *moments, *gradients]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("levels", [1, 3])
def test_same_as_keras(levels: int, affine: bool) -> None:
    options = {"scale": affine, "center": affine}
    ours = _filled(NestedBatchNormalization(levels=levels, **options), levels)
    keras_own = _filled(keras.layers.BatchNormalization(**options))
    got = _trained(ours, **({"level": 1} if levels > 1 else {}))
    for one, other in zip(got, _trained(keras_own), strict=True):
        # Sums of 480 float32 values in another order.
        np.testing.assert_allclose(
            one, other, rtol=1e-4, atol=1e-5 * np.abs(other).max()
        )


def test_only_images_of_single_precision_or_less() -> None:
    assert fused.is_possible(tf.zeros([2, 4, 4, 3]), 3)
    assert fused.is_possible(tf.zeros([2, 4, 4, 3], "float16"), 3)
    assert not fused.is_possible(tf.zeros([2, 4, 4, 3], "float64"), 3)
    assert not fused.is_possible(tf.zeros([2, 4, 4, 3]), 1)
    assert not fused.is_possible(tf.zeros([2, 3]), 1)


def test_the_op_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    normalize = fused.normalize

    def counted(*args: object) -> object:
        calls.append(args)
        return normalize(*args)

    monkeypatch.setattr(fused, "normalize", counted)
    layer = NestedBatchNormalization(levels=2)
    layer(X, level=0, training=True)
    assert len(calls) == 1
    layer(X, level=0, training=False)
    layer.trainable = False
    layer(X, level=0, training=True)
    assert len(calls) == 1
