"""The same dense nets through TensorFlow's own converter: outputs must agree."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_nest import convert
from keras_nest.runtime import Interpreter
from tests.converter.nets import inputs_for, on_int8_grid, random_net

tensorflow = pytest.importorskip("tensorflow")


def tensorflow_int8(model: keras.Model, x: np.ndarray) -> bytes:
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in x)
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    return converter.convert()


@pytest.mark.parametrize("seed", [2])
def test_as_close_to_float_as_tensorflows_converter(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    model = on_int8_grid(random_net(seed))
    x = inputs_for(model, 120)
    expected = np.asarray(model.predict(x, verbose=0))
    errors, answers = [], []
    for tflite in (convert(model, x), tensorflow_int8(model, x)):
        interpreter = Interpreter(tflite)
        got = interpreter.predict(x, dequantize=True)
        step = interpreter.output_details[0].scale
        errors.append(np.sqrt(np.mean((got - expected) ** 2)) / step)
        answers.append(got)
    ours, theirs = errors
    # Both round every tensor once; half a step more is all that another choice of
    # ranges and op fusions may cost.
    assert ours <= theirs + 0.5
    assert np.max(np.abs(answers[0] - answers[1])) <= 8 * step
    if expected.shape[1] > 1:
        same = np.mean(answers[0].argmax(1) == answers[1].argmax(1))
        # Near ties may fall either way.
        assert same >= 0.9
