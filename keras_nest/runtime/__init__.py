"""Running a .tflite on this machine: in TFLM, or in tflite-runtime.

Neither Keras nor TensorFlow is imported.
"""

from keras_nest.runtime.interface import Interface, TensorDetails, read_interface
from keras_nest.runtime.litert import LiteInterpreter
from keras_nest.runtime.tflm import Interpreter

__all__ = [
    "Interface",
    "Interpreter",
    "LiteInterpreter",
    "TensorDetails",
    "read_interface",
]
