"""Instructions of the nested kernels beside CMSIS-NN's dense ones, in QEMU.

For each core: the shapes of `compare_dense/cases.py` at densities 100 to 10 %, both
kernel sets in one image and run, every output checked. For the Cortex-M4 also whole
nets (MLPerf Tiny) and the other ways to have three accuracies. Prints tables and writes
them, with the figures as JSON and a plot, into a folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from compare_dense import cmsis_nn, measurement, recorded, report, shapes

from keras_nest import reporting
from keras_nest.bench import image
from keras_nest.bench.targets import Target, find_target, find_tool, version_of
from keras_nest.errors import NestError

CORES = ("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
NETS_CORE = "cortex-m4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", nargs="+", choices=CORES, default=[NETS_CORE])
    parser.add_argument("--no-nets", action="store_true", help="single shapes only")
    parser.add_argument("--cache", type=Path, default=Path(".cache"))
    parser.add_argument("--out", type=Path, default=Path("docs/speed"))
    options = parser.parse_args()
    command = shlex.join(["scripts/compare_dense_cmsis_nn", *sys.argv[1:]])
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for core in options.cores:
            with reporting.status(f"Counting on {core}"):
                compare_core(find_target(core), options.out, command)
        if NETS_CORE in options.cores and not options.no_nets:
            with reporting.status("Counting whole nets"):
                compare_nets(find_target(NETS_CORE), options, command)
    except NestError as error:
        sys.exit(f"Error: {error}")


def compare_core(target: Target, out: Path, command: str) -> None:
    """Single shapes on one core: tables, JSON and a plot named after it."""
    from compare_dense import plot

    counted = measurement.measure(shapes.density_cases(target.name), target)
    rows = shapes.fastest(counted)
    tops = measurement.measure(shapes.top_cases(target.name), target)
    plot.draw(rows, target.name, out / target.name)
    name = target.name.replace("cortex-m", "Cortex-M")
    speedup = (
        "what the recorded CMSIS-NN takes (pip's copy is slow here) over what ours take"
        if recorded.is_baseline(target.name)
        else "what CMSIS-NN takes over what ours take"
    )
    parts = [
        _made_by(command),
        f"# Nested sparse kernels beside dense CMSIS-NN: {name}",
        "Executed instructions of one call, with padding, expansion and "
        f"requantization. {_tools(target)} {cmsis_nn.VERSION}. Random weights and "
        "inputs, zeros anywhere in the layer; at every level both kernels' outputs are "
        f"those of the numpy reference. Recorded: {recorded.load()['source']}",
        f"![Speed-up against density]({target.name}.png)",
        "## Speed-up at densities 100 to 10 %",
        f"Instructions: {speedup}.",
        report.densities(rows, target.name),
        "## Geometric means of the four convolutions",
        "Against our own dense kernel: the gain from sparsity alone.",
        report.means(rows, target.name),
        "## The densest level dense: 1x4 blocks at sparsities 0.9, 0.7, 0",
        report.tops(tops, target.name),
    ]
    _write(out / target.name, parts, {"shapes": _plain(rows), "top": _plain(tops)})


def compare_nets(target: Target, options: argparse.Namespace, command: str) -> None:
    """Whole nets, and the ways to have three accuracies."""
    from compare_dense import nets, rivals

    measured, sums = [], {}
    for name, shown in nets.NETS.items():
        base = nets.load(name, options.cache)
        sums[shown] = recorded.net(name, target.name)
        for sparsities in (nets.TWO_LEVELS, nets.THREE_LEVELS):
            measured.append(nets.measure_net(name, base, sparsities, target))
    ways = rivals.measure_rivals(nets.load("resnet8", options.cache), target)
    parts = [
        _made_by(command),
        "# Whole nets on Cortex-M4",
        "The pretrained nets of MLPerf Tiny, nested by magnitude with pattern "
        f"{nets.PATTERN} and not trained further: counts do not depend on accuracy. "
        f"{_tools(target)} {cmsis_nn.VERSION}. A layer that stays builtin (the first "
        "convolution) counts as what CMSIS-NN takes, on both sides. Recorded: "
        f"{recorded.load()['source']} {recorded.load()['nets_are']}",
        "## Instructions of all convolutions and dense layers",
        "In brackets: over what CMSIS-NN takes.",
        report.nets(measured, sums),
        "## Three accuracies of ResNet-8, sparsities 0.9, 0.7 and 0",
        "Instructions of all convolutions and dense layers; bytes of whole .tflite "
        "files.",
        report.rivals(ways),
        rivals.DECODE,
    ]
    facts = {
        "nets": [
            {**dataclasses.asdict(net), "rows": _plain(net.rows)} for net in measured
        ],
        "three_accuracies": [dataclasses.asdict(way) for way in ways],
    }
    _write(options.out / "nets", parts, facts)


def _tools(target: Target) -> str:
    compiler = version_of(find_tool(target.compiler))
    qemu = version_of(find_tool("qemu-system-arm"))
    return f"{compiler}, {image.OPTIMIZATION}; {qemu}, {target.machine}, -icount."


def _made_by(command: str) -> str:
    return f"<!-- Made by: {command} -->"


def _plain(rows: list[measurement.Row]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(row) for row in rows]


def _write(stem: Path, parts: list[str], facts: dict[str, Any]) -> None:
    print("\n\n".join(parts[1:]), end="\n\n")
    stem.with_suffix(".md").write_text("\n\n".join(parts) + "\n")
    stem.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
