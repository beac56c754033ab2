"""Stack of the kernels: bounded, as docs/firmware.md states, without recursion."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest

from keras_nest.bench import image
from keras_nest.bench.targets import find_target
from tests.bench import callgraph, firmware

CORES = ("cortex-m3", "cortex-m4", "cortex-m55")
PAGE = Path(__file__).parents[2] / "docs" / "firmware.md"

COLS = (1, 2, 4, 16)
_WALK = {
    "plan",
    "visit",
    "nest_visit_entries",
    "nest_expand_pixel",
    "nest_copy_pixel",
}
_DECODE = {
    f"{count}_of_{kind}"
    for count in ("ones", "twos", "fours", "sixteens")
    for kind in ("blocks", "lists")
}
_MULTIPLY = {
    f"{kind}_{cols}_{size}"
    for kind in ("blocks", "lists")
    for cols in COLS
    for size in ("tile", "pixel")
}
_SHAPES = [*(f"1x{cols}" for cols in COLS), "4x4", "4x16"]
POINTERS = {
    "nest_decode_rings": _DECODE,
    "nest_multiply_tile": _MULTIPLY,
    "nest_bits_buffer_size": {"dense_bytes"},
    "nest_most_of_levels": {"bytes_of", "dense_bytes"},
    "nest_mve_run": {
        f"nest_mve_{way}_1x{cols}" for way in ("any", "rows") for cols in COLS
    },
    "nest_mve_run_vector": {
        f"nest_mve_{way}_{shape}" for way in ("vector", "balanced") for shape in _SHAPES
    },
    "nest_run_decoded_vector": _DECODE,
    "nest_slide_band": _WALK,
    "nest_sum_four_by_four": {"sum_blocks", "sum_lists"},
    "nest_visit_row": _WALK,
    "nest_walk_tiles": _WALK,
}
"""Whom the function pointers of each file reach. Too many do no harm."""

# Of the C library. No memory is allocated, nothing is printed.
LIBRARY = re.compile(r"mem(cpy|move|set|cmp)|strcmp|__aeabi_[a-z]+")
_OPS = ("conv_2d", "depthwise_conv_2d", "fully_connected")
ENTRIES = {
    "Prepare": ["nest_open", *(f"nest_{op}_get_buffer_size" for op in _OPS)],
    "Invoke": [f"nest_{op}" for op in _OPS],
    "metadata": [
        "nest_find_metadata",
        "nest_open_metadata",
        "nest_level_macs",
        "nest_level_score",
        "nest_level_instructions",
        "nest_level_sparsity",
    ],
    "governor": [
        "nest_governor_init",
        "nest_governor_init_costs",
        "nest_governor_before",
        "nest_governor_after",
    ],
}
"""What firmware calls, by the row of the page's table."""


Graph = tuple[str, callgraph.CallGraph]


@pytest.fixture(scope="module", params=CORES)
def graph(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Graph:
    """A core, and the kernels as they are compiled for it."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    target = find_target(request.param)
    folder = tmp_path_factory.mktemp("objects")
    options = [*image.options_for(target), callgraph.FLAG]
    sources = firmware.kernel_sources()
    firmware.call(target.compiler, *options, "-c", *sources, cwd=folder)
    dump = [target.compiler.replace("gcc", "objdump"), *sorted(folder.glob("*.o"))]
    found = callgraph.read(
        folder,
        relocations=firmware.call(*dump, "-r", cwd=folder),
        disassembly=firmware.call(*dump, "-d", "--no-show-raw-insn", cwd=folder),
    )
    return request.param, found


def test_no_frame_depends_on_data(graph: Graph) -> None:
    _, found = graph
    assert len(found.frames) > 100
    assert {name: kind for name, kind in found.kinds.items() if kind != "static"} == {}


def test_pointers_reach_what_is_listed(graph: Graph) -> None:
    _, found = graph
    assert set(found.pointing.values()) <= POINTERS.keys()
    assert found.pointed <= set(itertools.chain(*POINTERS.values()))


def test_nothing_but_the_smallest_of_the_library(
    graph: tuple[str, callgraph.CallGraph],
) -> None:
    _, found = graph
    assert [name for name in found.external() if not LIBRARY.fullmatch(name)] == []


def test_stated_bound(graph: Graph) -> None:
    core, found = graph
    resolved = found.resolve(POINTERS)
    stated = stated_bounds()[core]
    depths = {
        row: max(map(resolved.depth, entries)) for row, entries in ENTRIES.items()
    }
    assert all(0 < depths[row] <= stated[row] for row in ENTRIES), depths
    # So that the page does not ask for much more than is needed.
    assert all(depths[row] > 0.75 * stated[row] for row in ENTRIES), depths


def test_recursion_is_found() -> None:
    """The graph of this test would not be all there is to see in a wrong one."""
    calls = {"a": {"b"}, "b": {"a"}}
    found = callgraph.CallGraph({"a": 8, "b": 8}, {}, calls, {}, set())
    with pytest.raises(RecursionError, match="a -> b -> a"):
        found.depth("a")


def stated_bounds() -> dict[str, dict[str, int]]:
    """The page's table: by core, by row, bytes."""
    lines = PAGE.read_text().split("## Stack\n", 1)[1].splitlines()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    cores = [cell.lower() for cell in rows[0][1:]]
    return {
        core: {row[0].split(",")[0]: int(row[at].replace(",", "")) for row in rows[2:6]}
        for at, core in enumerate(cores, start=1)
    }
