"""Nested sparse Keras models for TensorFlow Lite Micro.

```python
model = keras_nest.nest(base, sparsities=(0.9, 0.7, 0.0))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=6)
tflite = keras_nest.convert(model, x[:500])
tflite.save("model.tflite")
keras_nest.Interpreter(tflite).predict(x[:1], level=0)
```

Nothing heavy is imported until a name is used: neither Keras nor TensorFlow is needed
to inspect, extract or run a .tflite.
"""

from __future__ import annotations

import importlib
from typing import Any

from keras_nest._registration import register_with_keras
from keras_nest.errors import ConversionWarning, NestError

# public name -> the module that has it
_PUBLIC = {
    "nest": "keras_nest.model",
    "NestedModel": "keras_nest.model",
    "quantization_aware": "keras_nest.qat",
    "QuantizationAwareModel": "keras_nest.qat",
    "plan": "keras_nest.planner",
    "Plan": "keras_nest.planner",
    "plan_widths": "keras_nest.planner",
    "plan_mixed": "keras_nest.planner",
    "load_plan": "keras_nest.planner",
    "uniform_budgets": "keras_nest.planner",
    "taylor_importance": "keras_nest.planner.importance",
    "BitWidths": "keras_nest.bit_widths",
    "channel_widths": "keras_nest.nesting.widths",
    "permute_channels": "keras_nest.nesting.permutation",
    "Recipe": "keras_nest.recipes",
    "Best": "keras_nest.recipes",
    "Dress": "keras_nest.recipes",
    "LCS": "keras_nest.recipes",
    "REDS": "keras_nest.recipes",
    "NestedSparse": "keras_nest.recipes",
    "UsNet": "keras_nest.recipes",
    "batch_norm_stage": "keras_nest.recipes",
    "NestedConv2D": "keras_nest.layers",
    "NestedConv1D": "keras_nest.layers",
    "NestedDense": "keras_nest.layers",
    "NestedDepthwiseConv2D": "keras_nest.layers",
    "NestedBatchNormalization": "keras_nest.layers",
    "LinearRamp": "keras_nest.training.schedules",
    "CubicRamp": "keras_nest.training.schedules",
    "ConstantSparsity": "keras_nest.training.schedules",
    "StepSchedule": "keras_nest.training.step_schedules",
    "Sandwich": "keras_nest.training.sampling",
    "OneLevel": "keras_nest.training.sampling",
    "SeededBatches": "keras_nest.training.batches",
    "Pattern": "keras_nest.masks",
    "convert": "keras_nest.converter.convert",
    "extract": "keras_nest.converter.extract",
    "describe": "keras_nest.converter.describe",
    "annotate": "keras_nest.converter.annotate",
    "export_firmware": "keras_nest.export",
    "Interpreter": "keras_nest.runtime",
}

__all__ = ["ConversionWarning", "NestError", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'keras_nest' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


register_with_keras()
