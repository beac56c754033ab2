"""Flash of the nested ops with their glue; only what is registered is linked."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from keras_nest.bench.targets import find_target
from tests.bench import firmware

LIMIT = 24 * 1024
# What levels of width take, which firmware can leave out: -DNEST_WIDTHS=0.
WIDTHS = 2400
OPS = ["NESTED_CONV_2D", "NESTED_DEPTHWISE_CONV_2D", "NESTED_FULLY_CONNECTED"]
TARGET = find_target("cortex-m4")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Kernels and glue for the M4 by -O2."""
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    folder = tmp_path_factory.mktemp("objects")
    firmware.compile_c(TARGET, firmware.kernel_sources(), folder / "kernels")
    firmware.compile_cxx(TARGET, firmware.glue_sources(), folder / "glue")
    return sorted(folder.glob("*/*.o"))


@pytest.fixture(scope="module")
def without_widths(
    objects: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """The same without levels of width."""
    folder = tmp_path_factory.mktemp("without")
    sources = firmware.kernel_sources()
    firmware.compile_c(TARGET, sources, folder / "kernels", "-DNEST_WIDTHS=0")
    glue = [path for path in objects if path.parent.name == "glue"]
    return sorted([*folder.glob("*/*.o"), *glue])


def linked(ops: list[str], objects: list[Path], folder: Path) -> Path:
    output = folder / f"{'_'.join(ops)}.o"
    firmware.link_ops(TARGET, output, ops, *objects)
    return output


def flash_bytes(output: Path) -> int:
    """Code and constants; .data too, which flash holds a copy of."""
    sizes = firmware.call("arm-none-eabi-size", output, cwd=output.parent)
    text, data = map(int, sizes.splitlines()[1].split()[:2])
    return text + data


def symbols(output: Path) -> set[str]:
    """Functions of the kernels."""
    names = firmware.call("arm-none-eabi-nm", output, cwd=output.parent)
    return set(re.findall(r"[Tt] (nest_\w+)", names))


@pytest.mark.parametrize(("kind", "more"), [("without_widths", 0), ("objects", WIDTHS)])
def test_flash(
    kind: str,
    more: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    objects = request.getfixturevalue(kind)
    sizes = {op: flash_bytes(linked([op], objects, tmp_path)) for op in OPS}
    sizes["all"] = flash_bytes(linked(OPS, objects, tmp_path))
    with capsys.disabled():
        print("\nBytes of flash of the nested ops with glue, Cortex-M4, -O2:")
        print(f"  {sizes}")
    assert max(sizes[op] for op in OPS) < sizes["all"] < LIMIT + more


def test_only_what_is_registered_is_linked(objects: list[Path], tmp_path: Path) -> None:
    found = {op: symbols(linked([op], objects, tmp_path)) for op in OPS}
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
