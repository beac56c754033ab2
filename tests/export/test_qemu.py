"""The CMake folder end to end: built for the Cortex-M4, its example run in QEMU.

TFLM's interpreter is a stand-in; the op resolver, the glue, the kernels, the array of
the model and the example are what was exported.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_nest import _native, reference
from keras_nest.bench.targets import find_target
from keras_nest.converter import flatbuffer
from keras_nest.export import FirmwareFolder
from tests.bench.conftest import OPS
from tests.export.conftest import LAYOUTS, STAND_IN, TFLM, WARNINGS, call, need

TARGET = find_target("cortex-m4")
SUPPORT = ("semihosting.c", "startup_arm.c", "syscalls.c", "timer.c")
BUDGET = "kBudget = 20000"  # of the example, microseconds


def graph_tables(tflite: bytes) -> str:
    """The model as stand_in/graph.h has it."""
    model = flatbuffer.load(tflite)
    graph = model.subgraphs[0]
    bytes_of = {1: 4, 2: 4, 3: 1, 9: 1}
    types = {0: 1, 2: 2, 3: 3, 9: 9}  # the schema's codes -> TfLiteType
    rows = []
    for tensor in graph.tensors:
        data = flatbuffer.tensor_data(model, tensor)
        offset = tflite.index(data) if data else 0
        quantization = tensor.quantization
        scaled = quantization is not None and quantization.scale is not None
        point = int(quantization.zeroPoint[0]) if scaled else 0
        shape = [int(size) for size in tensor.shape]
        kind = types[tensor.type]
        size = len(data) or int(np.prod(shape)) * bytes_of[kind]
        dims = ", ".join(map(str, shape))
        rows.append(
            f"{{{kind}, 1.0f, {point}, {size}, {offset}, {len(shape)}, {{{dims}}}}}"
        )
    ops = []
    for operator in graph.operators:
        code, custom = flatbuffer.code_of(model, operator)
        name = f'"{custom}"' if custom else "nullptr"
        inputs = ", ".join(map(str, operator.inputs))
        ops.append(
            f"{{{code}, {name}, {len(operator.inputs)}, {{{inputs}}}, "
            f"{operator.outputs[0]}}}"
        )
    inputs = ", ".join(map(str, graph.inputs))
    return "\n".join(
        [
            '#include "graph.h"',
            "namespace stand_in {",
            f"static const Tensor tensors[] = {{{', '.join(rows)}}};",
            f"static const Op ops[] = {{{', '.join(ops)}}};",
            f"const Graph graph = {{{len(rows)}, tensors, {len(ops)}, ops, "
            f"{{{inputs}}}, {graph.outputs[0]}}};",
            "}",
            "",
        ]
    )


def expected_output(level: int) -> list[int]:
    """What the level makes of the example's sample."""
    y: Any = ((np.arange(512) % 256) - 128).astype(np.int8).reshape(1, 8, 8, 8)
    for op in OPS.values():
        g = op.geometry
        shape = (g.in_c,) if g.op == "fully_connected" else (g.in_h, g.in_w, g.in_c)
        y = reference.run(op, y.reshape(1, *shape), level)
    return y.ravel().tolist()


@pytest.fixture(scope="module", params=LAYOUTS)
def library(
    request: pytest.FixtureRequest,
    folders: dict[str, FirmwareFolder],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, tuple[str, ...]]:
    """libnest_model.a, by the folder's own CMakeLists.txt; the flags of the layout."""
    need("cmake", "arm-none-eabi-g++", "qemu-system-arm")
    build = tmp_path_factory.mktemp("build")
    layout = LAYOUTS[request.param]
    # They take the place of the toolchain file's own.
    flags = " ".join((*TARGET.flags, *WARNINGS))
    call(
        *("cmake", "-S", folders["cmake"].path, "-B", build),
        f"-DCMAKE_TOOLCHAIN_FILE={_native.sources_path() / 'cmake/bare_metal.cmake'}",
        *("-DNEST_CORE=cortex-m4", f"-DNEST_TFLM_DIR={TFLM}"),
        *("-DCMAKE_CXX_STANDARD=11", f"-DCMAKE_C_FLAGS={flags}"),
        f"-DCMAKE_CXX_FLAGS={flags} {' '.join(layout)} -fno-threadsafe-statics",
    )
    call("cmake", "--build", build, "--parallel", 2)
    return build / "libnest_model.a", layout


@pytest.mark.parametrize(
    ("budget", "level"), [(20_000, 0), (40_000, 2)], ids=["tight", "ample"]
)
def test_example_runs(
    library: tuple[Path, tuple[str, ...]],
    folders: dict[str, FirmwareFolder],
    small_model: bytes,
    tmp_path: Path,
    budget: int,
    level: int,
) -> None:
    """The level follows the budget, and every byte is the reference's.

    An Invoke takes the stand-in 10 ms, and 10 more for each level.
    """
    archive, layout = library
    folder = folders["cmake"].path
    bench = _native.sources_path() / "bench"
    (tmp_path / "graph.cc").write_text(graph_tables(small_model))
    example = (folder / "example" / "main.cpp").read_text()
    assert BUDGET in example
    main = tmp_path / "main.cpp"
    main.write_text(example.replace(BUDGET, f"kBudget = {budget}"))
    objects = []
    for source in SUPPORT:
        objects.append(tmp_path / f"{source}.o")
        c = [*TARGET.flags, "-O2", f"-I{bench}", "-c", bench / source]
        call(TARGET.compiler, *c, "-o", objects[-1])
    compiler = TARGET.compiler.replace("gcc", "g++")
    includes = [f"-I{path}" for path in (folder / "src", TFLM, STAND_IN, bench)]
    image = tmp_path / "example.elf"
    call(
        compiler,
        *TARGET.flags,
        *("-std=c++11", "-O2", "-fno-exceptions", "-fno-rtti"),
        *("-fno-threadsafe-statics", *WARNINGS, *layout, *includes),
        *("-nostartfiles", "-Wl,--gc-sections"),
        *(f"-L{bench / 'boards'}", f"-T{TARGET.script}"),
        *(main, "graph.cc"),
        *(STAND_IN / "interpreter.cc", STAND_IN / "board.cc"),
        *(*objects, archive, f"-o{image}"),
        cwd=tmp_path,
    )
    qemu = ["qemu-system-arm", "-M", TARGET.machine, "-display", "none"]
    qemu += ["-serial", "none", "-monitor", "none", "-kernel", str(image)]
    qemu += ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(qemu, capture_output=True, text=True, timeout=60)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    used, reserved = map(int, re.findall(r"arena: (\d+) of (\d+) bytes", printed)[0])
    assert 0 < used <= reserved == folders["cmake"].model.arena.by_core["dsp"]
    lines = re.findall(r"level (\d+):((?: -?\d+)+)", printed)
    assert len(lines) == 10
    # It settles within five Invokes.
    assert {int(one) for one, _ in lines[5:]} == {level}
    for one, values in lines:
        assert [int(value) for value in values.split()] == expected_output(int(one))
    assert expected_output(0) != expected_output(2)
