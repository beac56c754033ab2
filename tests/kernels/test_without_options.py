"""A build without levels of width and bits: the same bytes, and a clear word about
what it has not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from keras_nest import reference
from keras_nest.format import FormatError, candidates
from keras_nest.runtime import core
from tests.kernels.random_bits import random_bits_op
from tests.kernels.random_ops import random_input, random_op
from tests.kernels.random_widths import random_widths_op
from tests.kernels.test_c_code import OPS, STRICT, call, tool
from tests.kernels.test_cortex_m import random_jobs, run
from tests.kernels.test_kernels import KINDS, encodings_of

FLAGS = ("-DNEST_WIDTHS=0", "-DNEST_BITS=0")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels for this machine, warnings as errors."""
    folder = tmp_path_factory.mktemp("without")
    sources = sorted((OPS / "src").rglob("*.c"))
    options = [*STRICT, *FLAGS, "-O1", "-fPIC", "-shared", f"-I{OPS / 'include'}"]
    call(tool("gcc"), *options, *sources, "-o", "libnest_core.so", cwd=folder)
    return folder


@pytest.fixture
def without(built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KERAS_NEST_LIBRARY_DIR", str(built))
    core._library.cache_clear()
    yield
    core._library.cache_clear()


@pytest.mark.parametrize("kind", KINDS)
def test_portable_kernels_are_the_same(kind: str, without: None) -> None:
    encodings = set()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        op = random_op(rng, kind)
        x = random_input(rng, op.geometry)
        for level in {0, op.levels - 1}:
            expected = reference.run(op, x, level)
            for encoding, blob in encodings_of(op).items():
                np.testing.assert_array_equal(core.run(blob, x, level), expected)
                encodings.add(encoding)
    assert len(encodings) > (1 if kind == "depthwise_conv_2d" else 4)


@pytest.mark.skipif(
    not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")),
    reason="needs arm-none-eabi-gcc and qemu-system-arm",
)
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_assembly_is_the_same(target: str, tmp_path: Path) -> None:
    run(random_jobs(range(120)), target, tmp_path, *FLAGS)


@pytest.mark.parametrize("kind", KINDS)
def test_widths_are_refused(kind: str, without: None) -> None:
    for seed in range(10):
        for found in candidates(random_widths_op(np.random.default_rng(seed), kind)):
            with pytest.raises(FormatError, match="build with NEST_WIDTHS=1"):
                core.check(found.blob)


def test_bits_are_refused(without: None) -> None:
    for seed in range(10):
        for found in candidates(random_bits_op(np.random.default_rng(seed))):
            with pytest.raises(FormatError, match="build with NEST_BITS=1"):
                core.check(found.blob)
