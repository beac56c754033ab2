"""Flash of the nested ops with their glue; only what is registered is linked."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from keras_nest.bench.targets import find_target
from tests.bench import firmware

# By what is switched off; levels of width and of bits are the default.
LIMITS = {
    ("-DNEST_WIDTHS=0", "-DNEST_BITS=0"): 24 * 1024,
    ("-DNEST_WIDTHS=0",): 26 * 1024,
    ("-DNEST_BITS=0",): 27 * 1024,
    (): 29 * 1024,
}
OPS = firmware.NESTED_OPS
TARGET = find_target("cortex-m4")


@pytest.fixture(scope="module", params=LIMITS, ids=" ".join)
def build(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Path], int]:
    """Kernels and glue for the M4 by -O2, and what they may take."""
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    folder = tmp_path_factory.mktemp("objects") / "all"
    return firmware.compile_ops(TARGET, folder, *request.param), LIMITS[request.param]


def symbols(output: Path) -> set[str]:
    """Functions of the kernels."""
    names = firmware.call("arm-none-eabi-nm", output, cwd=output.parent)
    return set(re.findall(r"[Tt] (nest_\w+)", names))


def test_flash(
    build: tuple[list[Path], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects, limit = build
    sizes = firmware.flash_bytes(TARGET, objects, tmp_path)
    with capsys.disabled():
        print("\nBytes of flash of the nested ops with glue, Cortex-M4, -O2:")
        print(f"  {sizes}")
    assert max(sizes[op] for op in OPS) < sizes["all"] < limit


def test_only_what_is_registered_is_linked(
    build: tuple[list[Path], int], tmp_path: Path
) -> None:
    found = {}
    for op in OPS:
        output = tmp_path / f"{op}.o"
        firmware.link_ops(TARGET, output, [op], *build[0])
        found[op] = symbols(output)
    kernels = {op: f"nest_{op[len('NESTED_') :].lower()}" for op in OPS}
    for op, names in found.items():
        assert kernels[op] in names
        for other in OPS:
            assert (kernels[other] in names) == (other == op)
    conv, depthwise, dense = (found[op] for op in OPS)
    fours = {"nest_depthwise_fours", "nest_depthwise_pixel"}
    assert fours <= depthwise
    assert not fours & (dense | conv)
    # Nothing sparse is in a depthwise convolution.
    sparse = {name for name in dense | conv if re.search("rows_1x|vector|ring", name)}
    assert sparse and not sparse & depthwise
