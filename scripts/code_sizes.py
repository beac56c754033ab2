"""Flash of the nested ops with their glue on a Cortex-M4."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console

from keras_nest import reporting
from keras_nest.bench.targets import find_target, find_tool

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.bench import firmware


def show() -> None:
    """Prints a table: each op alone, and all, with and without what can be left out."""
    target = find_target("cortex-m4")
    find_tool(target.compiler)
    widths, bits = "-DNEST_WIDTHS=0", "-DNEST_BITS=0"
    builds = {"neither": (widths, bits), "bits": (widths,), "widths": (bits,)}
    builds["both"] = ()
    table = reporting.table(
        "Bytes of flash of the nested ops with glue, Cortex-M4, -O2", "ops", *builds
    )
    with tempfile.TemporaryDirectory() as name:
        columns = []
        for build, options in builds.items():
            folder = Path(name, build)
            objects = firmware.compile_ops(target, folder, *options)
            columns.append(firmware.flash_bytes(target, objects, folder))
    for row in columns[0]:
        table.add_row(row, *(f"{column[row]:,}" for column in columns))
    Console(width=reporting.PIPE_WIDTH).print(table)
