"""What the interpreters share: levels, quantization, running over arrays."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_nest.errors import NestError
from keras_nest.files import read_bytes
from keras_nest.levels import check_levels
from keras_nest.runtime.interface import Interface, TensorDetails, read_interface

Array = npt.NDArray[Any]
Progress = Callable[[int, int], None]  # (samples done, samples in all)
Level = int | Sequence[int] | None


class BaseInterpreter(ABC):
    """A .tflite in some runtime; subclasses say how that one is spoken to.

    Attributes:
        interface: Inputs, outputs and levels of the model.
    """

    def __init__(self, model: bytes | str | os.PathLike[str]):
        self.interface: Interface = read_interface(model_bytes(model))

    @property
    def levels(self) -> int:
        """How many levels the model has; 0 for one without nested ops."""
        return self.interface.levels

    @property
    def level_layers(self) -> tuple[str, ...]:
        """The layers with a level of their own; empty where all read one level."""
        return self.interface.level_layers

    @property
    def input_details(self) -> tuple[TensorDetails, ...]:
        """The inputs, without the level."""
        return self.interface.inputs

    @property
    def output_details(self) -> tuple[TensorDetails, ...]:
        """The outputs, without the level that `sticky_level` lists there."""
        return self.interface.outputs

    def predict(
        self,
        x: npt.ArrayLike,
        level: Level = None,
        *,
        dequantize: bool = False,
        progress: Progress | None = None,
    ) -> Array:
        """Runs the model over samples, writing the level before every Invoke.

        Args:
            x: [N, ...], int8 as the model takes it, or numbers of any other type as in
                training: quantized with the input's scale where that is int8.
            level: 0 (sparsest) to `levels` - 1; None is the densest. A model without
                levels takes None only; one that was converted with `per_layer_level` a
                level for all its layers, or a sequence as `level_layers`.
            dequantize: Return float32 where the model's output is int8.
            progress: Called with (samples done, samples in all) after each Invoke.

        Returns:
            [N, ...], the model's first output, of its type unless `dequantize`.

        Raises:
            NestError: For a level out of range, samples of another shape or type, or
                what the runtime itself refused, with its message.
        """
        details = self._only_input()
        written = self.check_level(level)
        samples = self._as_input(np.asarray(x), details)
        batch = details.shape[0] if details.shape else 1
        output = self.output_details[0]
        shape = (len(samples), *output.shape[1:])
        outputs = np.empty(shape, output.dtype)
        for start in range(0, len(samples), batch):
            chunk = samples[start : start + batch]
            count = len(chunk)
            if count < batch:
                rest = np.zeros((batch - count, *chunk.shape[1:]), chunk.dtype)
                chunk = np.concatenate([chunk, rest])
            outputs[start : start + count] = self.run(chunk, written)[:count]
            if progress is not None:
                progress(start + count, len(samples))
        return _dequantized(outputs, output) if dequantize else outputs

    def run(self, x: Array, level: Level = None) -> Array:
        """One Invoke.

        Args:
            x: The input exactly as the model declares it, batch included.
            level: Written before the Invoke, to all entries if it is one; None leaves
                the level's memory as it is, which TFLM may have used for something else
                since (README, "level").

        Returns:
            The model's first output.
        """
        self._set_input(self._only_input().index, np.ascontiguousarray(x))
        if level is not None and self.interface.level is not None:
            shape = self.interface.level.shape
            value = np.empty(shape, np.int32)
            value[...] = np.reshape(level, shape) if np.ndim(level) else level
            self._set_input(self.interface.level.index, value)
        self._invoke()
        return self._get_output(self.output_details[0].index)

    def outputs(self) -> list[Array]:
        """All outputs of the last `run`, in the order of `output_details`."""
        return [self._get_output(details.index) for details in self.output_details]

    def check_level(self, level: Level) -> Level:
        """Returns `level`, the densest for None; raises NestError if out of range."""
        if self.levels == 0:
            if level is not None:
                raise NestError(
                    "Expected no level, as the model has no nested ops. "
                    f"Received: level={level}",
                    hint="Leave the level away to run it as it is.",
                )
            return None
        if level is None:
            return self.levels - 1
        written = check_levels(level, self.levels, self.level_layers)
        return written if len(written) > 1 else written[0]

    def _only_input(self) -> TensorDetails:
        if len(self.input_details) != 1:
            raise NestError(
                "Expected a model with one input beside the level. Received: one with "
                f"{len(self.input_details)}"
            )
        return self.input_details[0]

    def _as_input(self, x: Array, details: TensorDetails) -> Array:
        wanted = details.shape[1:]
        if x.shape[1:] != wanted or x.ndim == 0:
            raise NestError(
                f"Expected samples of shape (N, {', '.join(map(str, wanted))}) for "
                f"input {details.name!r}. Received: {x.shape}",
                hint="Put the samples along the first axis; one sample is x[None].",
            )
        if x.dtype == details.dtype:
            return x
        # Other integers, as images come, are numbers that Keras would take as well.
        if x.dtype.kind not in "fui" or details.dtype not in (np.int8, np.float32):
            raise NestError(
                f"Expected {details.dtype} samples, or numbers to quantize, for input "
                f"{details.name!r}. Received: {x.dtype}",
                hint="Scale the samples as for training and pass them as float32.",
            )
        x = x.astype(np.float32)
        return x if details.dtype == np.float32 else _quantized(x, details)

    @abstractmethod
    def _set_input(self, index: int, value: Array) -> None: ...

    @abstractmethod
    def _invoke(self) -> None: ...

    @abstractmethod
    def _get_output(self, index: int) -> Array: ...


def model_bytes(model: bytes | str | os.PathLike[str]) -> bytes:
    """The bytes themselves, or those of the file at a path."""
    if isinstance(model, bytes):
        return model
    if isinstance(model, (bytearray, memoryview)):
        return bytes(model)
    if isinstance(model, (str, os.PathLike)):
        return read_bytes(Path(model))
    raise NestError(
        "Expected the bytes of a .tflite or the path to one. Received: "
        f"{type(model).__name__}",
        hint="keras_nest.convert makes one from a Keras model.",
    )


def _quantized(x: Array, details: TensorDetails) -> Array:
    """As TFLite's QUANTIZE: divided in float32, rounded half away from zero."""
    if not details.scale:
        raise NestError(
            f"Expected a scale for the int8 input {details.name!r}. Received: none",
            hint="Pass int8 samples.",
        )
    if not np.isfinite(x).all():
        raise NestError("Expected finite samples. Received: some that are inf or NaN")
    scaled = (x / np.float32(details.scale)).astype(np.float64)
    rounded = np.trunc(scaled + np.copysign(0.5, scaled)) + details.zero_point
    return np.clip(rounded, -128, 127).astype(np.int8)


def _dequantized(y: Array, details: TensorDetails) -> Array:
    if y.dtype != np.int8 or not details.scale:
        return y.astype(np.float32)
    return (y.astype(np.float32) - details.zero_point) * np.float32(details.scale)
