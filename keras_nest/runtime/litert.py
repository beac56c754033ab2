"""TensorFlow Lite on this machine, out of the `tflite-runtime` wheel 2.14.0."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import os
from typing import Any

from keras_nest._native import library_path
from keras_nest.errors import NestError
from keras_nest.runtime.base import Array, BaseInterpreter, model_bytes
from keras_nest.runtime.stderr import as_one_line

PINNED = "2.14.0"

# tflite::MutableOpResolver::AddCustom(const char*, const TfLiteRegistration*, int)
_ADD_CUSTOM = "_ZN6tflite17MutableOpResolver9AddCustomEPKcPK18TfLiteRegistrationi"


class LiteInterpreter(BaseInterpreter):
    """Runs a .tflite, nested or plain, in tflite-runtime 2.14.0.

    The nested ops give the same bytes as in TFLM; TensorFlow Lite's own builtin ops can
    differ from TFLM's by one. That wheel needs CPython 3.11 and numpy < 2.

    Args:
        model: The bytes of a .tflite, or the path to one.

    Raises:
        NestError: If the model cannot be run, with the runtime's own message; if
            `tflite-runtime` is not installed or of another version.
    """

    def __init__(self, model: bytes | str | os.PathLike[str]):
        content = model_bytes(model)
        super().__init__(content)
        module, register = _load()
        try:
            self._runtime = module.InterpreterWithCustomOps(
                custom_op_registerers=[register], model_content=content
            )
            self._runtime.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise NestError(
                f"tflite-runtime cannot prepare this model: {as_one_line(str(error))}"
            ) from error
        self._inputs = [one["index"] for one in self._runtime.get_input_details()]
        self._outputs = [one["index"] for one in self._runtime.get_output_details()]

    def _set_input(self, index: int, value: Array) -> None:
        try:
            self._runtime.set_tensor(self._inputs[index], value)
        except ValueError as error:
            raise NestError(f"tflite-runtime refused an input: {error}") from error

    def _invoke(self) -> None:
        try:
            self._runtime.invoke()
        except RuntimeError as error:
            raise NestError(
                f"tflite-runtime stopped: {as_one_line(str(error))}"
            ) from error

    def _get_output(self, index: int) -> Array:
        return self._runtime.get_tensor(self._outputs[index])


@functools.cache
def _load() -> tuple[Any, Any]:
    """tflite-runtime's interpreter module, and a function that registers our ops."""
    hint = f"pip install 'tflite-runtime=={PINNED}' 'numpy<2' (CPython 3.11)"
    try:
        version = importlib.metadata.version("tflite_runtime")
    except importlib.metadata.PackageNotFoundError as error:
        raise NestError(
            f"Expected the package tflite-runtime {PINNED}. Received: none", hint
        ) from error
    if version != PINNED:
        raise NestError(
            f"Expected tflite-runtime {PINNED}, whose structs are known. "
            f"Received: {version}",
            hint,
        )
    try:
        from tflite_runtime import (
            _pywrap_tensorflow_interpreter_wrapper as wrapper,
        )
        from tflite_runtime import interpreter
    except (ImportError, AttributeError) as error:
        # Built against numpy 1: under numpy 2 either one comes.
        raise NestError(f"tflite-runtime does not load: {error}", hint) from error
    add_custom = ctypes.CDLL(wrapper.__file__)[_ADD_CUSTOM]
    plugin = ctypes.CDLL(str(library_path("nest_tflite")))
    plugin.nest_tflite_register_ops.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    plugin.nest_tflite_register_ops.restype = None

    def register(resolver: int) -> None:
        plugin.nest_tflite_register_ops(
            resolver, ctypes.cast(add_custom, ctypes.c_void_p)
        )

    return interpreter, register
