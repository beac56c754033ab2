"""The real TensorFlow Lite Micro on this machine, out of the `tflite-micro` wheel."""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from keras_nest._native import library_path
from keras_nest.errors import NestError
from keras_nest.runtime.base import Array, BaseInterpreter, model_bytes
from keras_nest.runtime.stderr import StderrCapture

PINNED = "0.dev20260203175027"

_MIN_ARENA = 1024  # below, TFLM's own start fails without a message
_FIRST_ARENA = 1 << 20
_LAST_ARENA = 1 << 30
# What TFLM prints when the arena is too small, and not for other faults.
_NO_MEMORY = re.compile(r"missing: \d|Failed to allocate")
_ARENA_TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


@dataclass(frozen=True)
class _Wheel:
    """Versions of tflite-micro with one layout of TFLM's structs, first to last."""

    first: str
    last: str
    registerer: str  # in tflm_ops/host/tflm_plugin.cc
    more_arguments: tuple[Any, ...]  # of InterpreterWrapper's constructor

    def __contains__(self, version: str) -> bool:
        return _date(self.first) <= _date(version) <= _date(self.last)


# The random ops of tests/runtime were run with the first and the last of each line. In
# between, CPython 3.11 cannot load some wheels and others have layouts of their own.
_WHEELS = (
    _Wheel("0.dev20250207030249", PINNED, "nest_register_ops_2026_02", ()),
    _Wheel(
        "0.dev20261008201341", "0.dev20261023182759", "nest_register_ops_2026_10", (0,)
    ),
)


class Interpreter(BaseInterpreter):
    """Runs a .tflite, nested or plain, in TensorFlow Lite Micro on this machine.

    The bytes that come out are those of a microcontroller running the same model with
    TFLM's reference kernels.

    Args:
        model: The bytes of a .tflite, or the path to one.
        arena_size: Bytes of TFLM's arena. None: found by trying, and enough.

    Attributes:
        arena_size: Bytes given to TFLM.

    Raises:
        NestError: If the model cannot be run, with TFLM's own message; if
            `tflite-micro` is not installed or of a version that is not known.
    """

    def __init__(
        self, model: bytes | str | os.PathLike[str], arena_size: int | None = None
    ):
        content = model_bytes(model)
        super().__init__(content)
        self._stderr = StderrCapture()
        runtime, wheel = load()
        if arena_size is not None:
            self._wrapper = self._allocate(runtime, wheel, content, arena_size)
            return
        size = _FIRST_ARENA
        while True:
            try:
                self._wrapper = self._allocate(runtime, wheel, content, size)
                return
            except NestError as error:
                if size >= _LAST_ARENA or not _NO_MEMORY.search(error.message):
                    raise
            size *= 4

    @functools.cached_property
    def arena_bytes(self) -> int:
        """Bytes of the arena that TFLM used, as its own recorder counts them.

        Tensors and scratch take the same on a microcontroller, TFLM's structs less, as
        pointers are 64 bits wide here. While it prepares a model TFLM needs a few
        hundred bytes more, for temporaries.
        """
        with self._stderr.held():
            self._wrapper.PrintAllocations()
        found = _ARENA_TOTAL.search(self._stderr.take())
        return int(found.group(1)) if found else self.arena_size

    def _allocate(
        self, runtime: ModuleType, wheel: _Wheel, model: bytes, size: int
    ) -> Any:
        if size < _MIN_ARENA:
            raise NestError(
                f"Expected an arena of at least {_MIN_ARENA} bytes. Received: {size}"
            )
        self.arena_size = size
        try:
            with self._stderr.held():
                return runtime.InterpreterWrapper(
                    model,
                    [wheel.registerer],
                    size,
                    self.interface.resource_variables,
                    runtime.PythonInterpreterConfig.kAllocationRecording,
                    *wheel.more_arguments,
                )
        except (RuntimeError, ValueError, MemoryError) as error:
            raise NestError(
                f"TFLM cannot prepare this model with an arena of {size} bytes: "
                f"{self._stderr.take() or error}"
            ) from error

    def _set_input(self, index: int, value: Array) -> None:
        try:
            self._wrapper.SetInputTensor(value, index)
        except ValueError as error:
            raise NestError(f"TFLM refused an input: {error}") from error

    def _invoke(self) -> None:
        try:
            with self._stderr.held():
                self._wrapper.Invoke()
        except RuntimeError as error:
            raise NestError(
                f"TFLM stopped: {self._stderr.take() or error}",
                hint="A nested op stops at a level that it does not have.",
            ) from error

    def _get_output(self, index: int) -> Array:
        return np.asarray(self._wrapper.GetOutputTensor(index))


def _date(version: str) -> int:
    """The date and time in a version such as 0.dev20260203175027."""
    found = re.fullmatch(r"0\.dev(\d{14})", version)
    return int(found.group(1)) if found else 0


@functools.cache
def load() -> tuple[ModuleType, _Wheel]:
    """Loads the wheel's interpreter and our ops; returns it and which layout it has.

    Raises:
        NestError: If the wheel or our library is missing, or the wheel is not known.
    """
    hint = f"pip install 'keras-nest[tflm]', or tflite-micro=={PINNED}"
    try:
        version = importlib.metadata.version("tflite_micro")
    except importlib.metadata.PackageNotFoundError as error:
        raise NestError(
            "Expected the package tflite-micro, which brings TFLM to this machine "
            "(Linux x86-64). Received: none",
            hint=hint,
        ) from error
    wheel = next((known for known in _WHEELS if version in known), None)
    if wheel is None:
        ranges = ", ".join(
            known.first
            if known.first == known.last
            else f"{known.first} to {known.last}"
            for known in _WHEELS
        )
        raise NestError(
            f"Expected a tflite-micro whose structs are known: {ranges}. "
            f"Received: {version}",
            hint=hint,
        )
    # The interpreter finds registerers by name among the libraries loaded this way.
    ctypes.CDLL(str(library_path("nest_tflm")), mode=ctypes.RTLD_GLOBAL)
    return _extension_module(hint), wheel


def _extension_module(hint: str) -> ModuleType:
    """The wheel's C++ module alone.

    Its Python package imports the whole of TensorFlow (wheels until 2026-10) for two
    helpers that are not needed here. The module is entered under its own name, so that
    `import tflite_micro`, before or after, shares it.
    """
    name = "tflite_micro.python.tflite_micro._runtime"
    if name in sys.modules:
        return sys.modules[name]
    package = importlib.util.find_spec("tflite_micro")
    folders = (package and package.submodule_search_locations) or []
    for folder in folders:
        path = Path(folder, "python", "tflite_micro", "_runtime.so")
        if not path.exists():
            continue
        loader = importlib.machinery.ExtensionFileLoader(name, str(path))
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        sys.modules[name] = module
        return module
    raise NestError("Expected _runtime.so within tflite-micro. Received: none", hint)
