"""Changed .tflite files through TFLM's interpreter, in a process of its own.

    python -m tests.runtime.mutate_models COUNT SEED

Golden models whose packed ops, custom options or metadata have changed bytes, and
models of one nested op whose tensors differ from those that it packs. Only what nested
ops read is changed: the rest of a file is TFLM's to check. Prints how many ran and how
many were refused; whatever else happens ends the process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_nest import metadata
from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import nested_operators
from keras_nest.format.header import HEADER_BYTES
from keras_nest.runtime import tflm
from tests.runtime.one_op import NESTED, nested_model
from tests.runtime.random_ops import random_case

GOLDEN = Path(__file__).parents[1] / "golden"
ARENA = 1 << 20
TYPES = (0, 1, 2, 3, 7, 9)  # float32, float16, int32, uint8, int16, int8


def regions(tflite: bytes) -> list[tuple[int, int]]:
    """Where in a file what nested ops and our readers read is: start and size."""
    model = flatbuffer.load(tflite)
    found = [operator.blob for operator in nested_operators(model)]
    for operator in model.subgraphs[0].operators:
        if operator.customOptions is not None:
            found.append(bytes(operator.customOptions))
    for entry in model.metadata or []:
        if flatbuffer.text(entry.name) == metadata.NAME:
            found.append(bytes(model.buffers[entry.buffer].data))
    return [(tflite.index(one), len(one)) for one in found]


def changed_bytes(
    rng: np.random.Generator, content: bytes, start: int, size: int
) -> bytes:
    """One to three bytes of a region, as often as not of its header, by a bit or to
    any value."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        most = min(size, HEADER_BYTES) if rng.random() < 0.5 else size
        at = start + int(rng.integers(most))
        if rng.random() < 0.5:
            changed[at] ^= 1 << int(rng.integers(8))
        else:
            changed[at] = rng.choice([0, 1, 2, 127, 128, 255])
    return bytes(changed)


def changed_tensors(rng: np.random.Generator) -> bytes:
    """A model of one op with a tensor, or the list of them, that differs."""
    case = random_case(rng, str(rng.choice(list(NESTED))))
    tflite = nested_model(case, entry=(0, 2) if rng.random() < 0.3 else None)
    model = flatbuffer.load(tflite)
    graph = model.subgraphs[0]
    (operator,) = graph.operators
    tensor = graph.tensors[int(rng.integers(len(graph.tensors)))]
    match int(rng.integers(6)):
        case 0 if len(tensor.shape) > 0:
            shape = np.array(tensor.shape)
            shape[rng.integers(len(shape))] = rng.integers(0, 40)
            tensor.shape = shape
        case 1:
            tensor.type = int(rng.choice(TYPES))
        case 2 if tensor.quantization is not None:
            tensor.quantization.zeroPoint = np.array([rng.integers(-128, 128)])
        case 3:
            inputs = np.array(operator.inputs)
            inputs[rng.integers(len(inputs))] = rng.integers(-1, len(graph.tensors))
            operator.inputs = inputs
        case 4:
            operator.inputs = np.array(operator.inputs)[: int(rng.integers(1, 4))]
        case _:
            operator.customOptions = rng.integers(0, 256, 40).astype(np.uint8)
    return flatbuffer.pack(model)


def models(rng: np.random.Generator) -> Iterator[bytes]:
    golden = [path.read_bytes() for path in sorted(GOLDEN.glob("format_*/*.tflite"))]
    places = [regions(one) for one in golden]
    while True:  # the caller counts
        which = int(rng.integers(len(golden)))
        start, size = places[which][int(rng.integers(len(places[which])))]
        yield changed_bytes(rng, golden[which], start, size)
        yield changed_tensors(rng)


def run(tflite: bytes, rng: np.random.Generator) -> bool:
    """Whether TFLM takes a file; then it runs at levels of any value."""
    runtime, wheel = tflm.load()
    try:
        wrapper = runtime.InterpreterWrapper(
            tflite,
            [wheel.registerer],
            ARENA,
            0,
            runtime.PythonInterpreterConfig.kAllocationRecording,
            *wheel.more_arguments,
        )
    except (RuntimeError, ValueError):
        return False
    graph = flatbuffer.load(tflite).subgraphs[0]
    for _ in range(3):
        for index, tensor in enumerate(graph.inputs):
            wrapper.SetInputTensor(value_of(rng, graph.tensors[tensor]), index)
        try:
            wrapper.Invoke()
        except RuntimeError:
            continue  # a level that the model does not have
        np.asarray(wrapper.GetOutputTensor(0)).sum()
    return True


def value_of(rng: np.random.Generator, tensor: Any) -> np.ndarray:
    dtype = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 7: np.int16}.get(
        tensor.type, np.int8
    )
    shape = tuple(int(one) for one in tensor.shape)
    if dtype == np.int32:
        return rng.choice([-1, 0, 0, 1, 2, 3, 255, 2**31 - 1], shape).astype(dtype)
    return rng.integers(0, 100, shape).astype(dtype)


def main(count: int, seed: int) -> None:
    ran = 0
    source = models(np.random.default_rng(seed))
    for number in range(count):
        print(f"{number}", end="\r", flush=True)  # of the one that ended the process
        ran += run(next(source), np.random.default_rng((seed, number)))
    print(f"{ran} ran, {count - ran} refused")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
