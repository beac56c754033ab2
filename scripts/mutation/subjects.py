"""What is mutated, and the tests that ought to notice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Subject:
    """Files with the tests of them, the quickest first.

    Attributes:
        name: As in the table of scores.
        files: The files' paths in the repository.
        tests: Arguments of pytest.
        imports: Modules that the tests need and no mutant is in, imported once.
    """

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]
    imports: tuple[str, ...] = ()


def _files(pattern: str) -> tuple[str, ...]:
    return tuple(sorted(str(p.relative_to(ROOT)) for p in ROOT.glob(pattern)))


_NUMPY = ("numpy", "flatbuffers", "hypothesis.extra.numpy", "scipy.special")
_KERAS = (*_NUMPY, "tensorflow", "keras", "ai_edge_litert.interpreter")

_FORMAT_TESTS = (
    "tests/format/test_checks.py",
    "tests/format/test_sizes.py",
    "tests/format/test_hostile_widths.py",
    "tests/kernels/test_widths.py",
    "tests/format/test_round_trip.py",
    "tests/kernels/test_kernels.py",
    "tests/golden",
    "tests/format/test_hostile.py",
    "tests/kernels/test_scratch.py",
    "--deselect=tests/kernels/test_scratch.py"
    "::test_cores_ask_for_the_same_and_take_no_more",
)

PYTHON = (
    Subject("format", _files("keras_nest/format/*.py"), _FORMAT_TESTS, _NUMPY),
    Subject(
        "masks", ("keras_nest/masks.py",), ("tests/training/test_masks.py",), _NUMPY
    ),
    Subject(
        "quantize",
        tuple(
            f"keras_nest/converter/{name}.py"
            for name in ("quantize", "arithmetic", "channel_scales")
        ),
        ("tests/converter/test_quantize.py",),
        _KERAS,
    ),
)

# Not the assembly of Cortex-M cores, and not the calls of another library.
C_FILES = tuple(
    path
    for path in _files("tflm_ops/src/**/*.[ch]")
    if not path.startswith(("tflm_ops/src/mve/", "tflm_ops/src/cmsis_nn/"))
)
# The calls of these tests are recorded (record.py).
C_TESTS = (
    "tests/kernels/test_kernels.py",
    "tests/kernels/test_widths.py",
    "tests/format/test_hostile_widths.py",
    "tests/format/test_checks.py",
    "tests/kernels/test_scratch.py",
    "tests/format/test_hostile.py",
    "--deselect=tests/kernels/test_scratch.py"
    "::test_cores_ask_for_the_same_and_take_no_more",
)
# As tests/kernels/test_c_code.py runs the C models of what firmware has in assembly.
C_MODEL_TESTS = (
    "tests/kernels/test_kernels.py::test_c_equals_numpy",
    "tests/kernels/test_widths.py::test_c_equals_numpy",
    "tests/kernels/test_scratch.py::test_parts_compute_the_same",
)
