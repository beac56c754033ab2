"""Plain int8 models in TensorFlow Lite's interpreter, and how far TFLM agrees.

On a computer TFLM's reference kernels take 30 ms for an image of the quickstart's net,
TensorFlow Lite's 0.1 ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from keras_nest import evaluation

Array = np.ndarray[Any, Any]

CHECKED = 200  # samples that run in TFLM as well


def outputs(tflite: bytes, x: Array) -> Array:
    """What a plain model with int8 inputs and outputs gives, dequantized.

    Without XNNPACK, whose convolutions round otherwise.

    Args:
        tflite: The model.
        x: Float samples, the first axis.
    """
    interpreter = Interpreter(
        model_content=tflite,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    source, target = (
        details()[0]
        for details in (interpreter.get_input_details, interpreter.get_output_details)
    )
    scale, zero_point = source["quantization"]
    quantized = np.clip(np.rint(x / scale) + zero_point, -128, 127).astype(np.int8)
    found = []
    for one in quantized:
        interpreter.set_tensor(source["index"], one[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(target["index"])[0])
    scale, zero_point = target["quantization"]
    return (np.asarray(found, np.float32) - zero_point) * scale


def agreement(tflite: bytes, x: Array, found: Array) -> dict[str, int]:
    """Of how many of the first samples TFLM names the same class.

    Args:
        tflite: The model.
        x: The samples.
        found: What `outputs` gave for them.
    """
    x, found = x[:CHECKED], found[:CHECKED]
    tflm = evaluation.run_levels(tflite, x, dequantize=True).runs[0].outputs
    same = int(np.sum(tflm.argmax(axis=-1) == found.argmax(axis=-1)))
    return {"samples": len(x), "same_class_in_tflm": same}
