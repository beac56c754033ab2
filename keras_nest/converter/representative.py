"""Representative data: a few hundred inputs as the model is fed, checked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_nest.converter.graph import Array, Shape
from keras_nest.errors import NestError
from keras_nest.files import inputs_of, read_arrays

_HINT = (
    "Pass a few hundred samples of the training inputs, preprocessed as the model is "
    "fed: an array, a .npy or .npz file, a tf.data dataset or a generator."
)


def load(source: Any, shape: Shape, samples: int = 500) -> Array:
    """Reads representative inputs.

    Args:
        source: An array [samples, ...]; the path of a .npy or .npz file (in an .npz the
            array `x`, or the only one); a tf.data dataset, generator or other iterable
            of samples or batches, each maybe a tuple (x, y).
        shape: The model's input shape with a batch of 1.
        samples: Take at most this many: of an array or a file they are spread over the
            whole of it, of an iterable they are the first.

    Returns:
        float32 [samples, ...].

    Raises:
        NestError: If the data is missing, empty, not numeric, holds NaN or does not
            have the model's input shape.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise NestError(
            f"Expected `samples` to be a positive integer. Received: {samples!r}"
        )
    if isinstance(source, str | os.PathLike):
        source = inputs_of(read_arrays(source), source)
    if hasattr(source, "__array__"):
        data = _checked(np.asarray(source), shape, "representative data")
        picked = np.linspace(0, len(data) - 1, min(samples, len(data))).round()
        return data[picked.astype(int)]
    if isinstance(source, list | tuple) and source and np.isscalar(source[0]):
        source = [np.asarray(source)]
    if not isinstance(source, Iterable) or isinstance(source, dict | bytes):
        raise NestError(
            "Expected representative data as an array, a file or an iterable. "
            f"Received: {type(source).__name__}",
            hint=_HINT,
        )
    return _collect(source, shape, samples)


def _collect(source: Iterable[Any], shape: Shape, samples: int) -> Array:
    parts: list[Array] = []
    count = 0
    for item in source:
        x = item[0] if isinstance(item, tuple | list) else item
        array = np.asarray(x)
        if array.shape == shape[1:]:
            array = array[None]
        parts.append(_checked(array, shape, f"item {len(parts)} of the data"))
        count += len(array)
        if count >= samples:
            break
    if not parts:
        raise NestError(
            "Expected at least one representative sample. Received: an empty iterable",
            hint="A generator can be read only once: make a new one for each call.",
        )
    return np.concatenate(parts)[:samples]


def _checked(data: Array, shape: Shape, what: str) -> Array:
    """The data as float32, or an error that says what is wrong with it."""
    if data.dtype.kind not in "fiub":
        raise NestError(
            f"Expected numbers as {what}. Received: dtype={data.dtype}", hint=_HINT
        )
    if data.ndim == len(shape) - 1 and data.shape == shape[1:]:
        hint = "Put the samples along the first axis; one sample is x[None]."
    elif data.ndim == len(shape) - 1 and shape[-1] == 1:
        hint = "The channel axis is missing: x[..., None]."
    else:
        hint = _HINT
    if data.shape[1:] != shape[1:]:
        expected = ", ".join(["samples", *map(str, shape[1:])])
        raise NestError(
            f"Expected {what} of shape ({expected}). Received: shape={data.shape}",
            hint=hint,
        )
    if len(data) == 0:
        raise NestError(
            f"Expected at least one sample in {what}. Received: shape={data.shape}",
            hint=_HINT,
        )
    values = data.astype(np.float32)
    if not np.all(np.isfinite(values)):
        bad = int(np.sum(~np.isfinite(values).reshape(len(values), -1).all(axis=1)))
        raise NestError(
            f"Expected finite numbers in {what}. Received: NaN or infinity in {bad} "
            f"of {len(values)} samples",
            hint="Drop those samples, or repair the preprocessing.",
        )
    return values
