"""Facts as tables for people: stdout for facts, stderr for progress."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from keras_nest.bench import BenchResult
    from keras_nest.converter.describe import ModelFacts, OpFacts
    from keras_nest.converter.report import ConversionReport
    from keras_nest.evaluation import RunResults
    from keras_nest.metadata import LevelsMetadata

# What a table needs at the most; a pipe has no width of its own to cut it to.
PIPE_WIDTH = 120
REASON_WIDTH = 62  # keeps the table of reasons below 100 columns


def output() -> Console:
    """The console for facts; made anew, so that it follows a redirected stdout."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


@contextlib.contextmanager
def status(message: str) -> Iterator[None]:
    """Says on stderr what goes on while something takes its time."""
    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(f"{message} ...")
        yield
        return
    with console.status(f"{message} ..."):
        yield


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields the function to call with (done, total)."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} inferences"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("run", total=1)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def table(title: str, *columns: str) -> Table:
    """A table whose first column holds names and the others numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index else "left", overflow="fold")
    return made


def print_conversion(report: ConversionReport) -> None:
    made = table(
        f"Nested layers; thousands of instructions predicted for {report.target}",
        *("layer", "pattern", "packed as", "bytes", "scratch"),
        *(f"level {level}" for level in range(report.levels)),
    )
    why = table("Why", "layer", "as", "because")
    for column in why.columns[1:]:
        column.justify = "left"
    why.columns[2].max_width = REASON_WIDTH
    for entry in report.entries:
        if entry.instructions is None:
            why.add_row(entry.layer, "builtin", entry.reason)
            continue
        sizes = (f"{entry.bytes:,}", f"{entry.scratch_bytes:,}")
        counts = (_thousands(count) for count in entry.instructions)
        made.add_row(entry.layer, entry.pattern, entry.packed_as, *sizes, *counts)
        why.add_row(entry.layer, entry.packed_as, f"{entry.reason}; {entry.chosen}")
    console = output()
    if report.replaced:
        sizes = (
            f"{sum(entry.bytes for entry in report.replaced):,}",
            f"{max(entry.scratch_bytes or 0 for entry in report.replaced):,}",
        )
        counts = (_thousands(count) for count in report.instructions)
        made.add_section()
        made.add_row("total", "", "", *sizes, *counts, style="bold")
        console.print(made)
        typical, worst = (100 * error for error in report.prediction_error)
        console.print(
            f"Chosen by {report.optimize}. Predictions: mostly within {typical:.1f} %, "
            f"at worst {worst:.0f} %.\nTotal of scratch: the largest, as the ops take "
            "turns."
        )
    if report.entries:
        console.print(why)
    for note in report.notes:
        console.print(note)


def _thousands(instructions: int) -> str:
    return f"{instructions / 1000:,.1f}"


def print_facts(name: str, facts: ModelFacts) -> None:
    console = output()
    levels = max(facts.levels, 1)
    made = table(f"{name}: {facts.description or 'no description'}", "layer")
    for column in ("pattern", "encoding", "bytes", "dense"):
        made.add_column(column, justify="right")
    for level in range(levels):
        made.add_column(f"level {level}\nsparsity", justify="right")
        made.add_column("\nMACs", justify="right")
    for op in facts.ops:
        made.add_row(op.name, *_op_cells(op, levels))
    made.add_section()
    totals = [_share(facts, level) for level in range(levels)]
    cells = [cell for pair in totals for cell in pair]
    packed, dense = f"{facts.packed_bytes:,}", f"{facts.dense_bytes:,}"
    made.add_row("total", "", "", packed, dense, *cells, style="bold")
    console.print(made)
    console.print(
        "Operators: "
        + ", ".join(f"{count} {op}" for op, count in sorted(facts.operators.items()))
    )
    if facts.level_layers:
        named = ", ".join(f"{n} {layer}" for n, layer in enumerate(facts.level_layers))
        console.print(f"Level input: an entry for each nested layer: {named}")
    if facts.metadata is not None:
        print_levels(console, facts.metadata)
    if facts.levels == 0:
        console.print("A plain model: no nested ops, no level input.")
        return
    bytes_table = table("Bytes", "what", "bytes", "this file's share")
    for what, stored, other in (
        (
            "weights and indices, against the dense int8 weights",
            facts.values_and_indices,
            facts.weights,
        ),
        ("packed ops, against dense int8 ops", facts.packed_bytes, facts.dense_bytes),
        (
            f"this file, against {facts.levels} sparse files, one per level",
            facts.file_bytes,
            facts.separate_file_bytes,
        ),
        (
            "weights and indices, against the entropy bound of the nesting",
            facts.values_and_indices,
            round(facts.entropy_bound),
        ),
        ("tables of the levels, against one for all levels", *_table_bytes(facts)),
    ):
        bytes_table.add_row(what, f"{stored:,} : {other:,}", f"{stored / other:.3f}")
    console.print(bytes_table)


def _table_bytes(facts: ModelFacts) -> tuple[int, int]:
    """Multipliers, shifts and biases of the nested ops, and those of one level."""
    nested = [op for op in facts.ops if op.nested]
    channels = sum((op.dense_bytes - op.weights) // 4 for op in nested)
    return sum(op.sections["tables"] for op in nested), 9 * channels


def print_levels(console: Console, metadata: LevelsMetadata) -> None:
    """What the file says of its levels to whoever reads it, firmware too."""
    metric = metadata.metric or "accuracy"
    made = table("Metadata: the levels", "level", "sparsity", "MACs", metric)
    for core in metadata.instructions:
        mark = " *" if core == metadata.converted_for else ""
        made.add_column(f"{core}{mark}\ninstructions", justify="right")
    for number, level in enumerate(metadata.levels):
        counts = [counts[number] for counts in metadata.instructions.values()]
        cells = [_known(count) for count in (level.macs, *counts)]
        shown = "-" if level.score is None else score_text(metric, level.score)
        made.add_row(str(number), f"{level.sparsity:.3f}", cells[0], shown, *cells[1:])
    console.print(made)
    notes = []
    if metadata.instructions:
        notes.append("Instructions: predicted, of the nested ops. *: converted for.")
    if metadata.metric is None:
        notes.append("Accuracy is not known: keras-nest evaluate --save measures it.")
    elif metadata.samples:
        notes.append(f"Measured on {metadata.samples:,} samples.")
    console.print("\n".join(notes))


def _known(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def score_text(metric: str, value: float) -> str:
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.6g}"


def _op_cells(op: OpFacts, levels: int) -> list[str]:
    cells = [op.block, op.encoding, f"{op.packed_bytes:,}", f"{op.dense_bytes:,}"]
    for level in range(levels):
        index = level if len(op.macs) > 1 else 0
        cells += [f"{op.sparsity[index]:.3f}", f"{op.macs[index]:,}"]
    return cells


def _share(facts: ModelFacts, level: int) -> tuple[str, str]:
    return f"{facts.sparsity[level]:.3f}", f"{facts.macs[level]:,}"


def print_run(results: RunResults) -> None:
    made = table(
        f"{results.model} in TensorFlow Lite Micro, {results.samples:,} samples",
        "level",
        "seconds",
        "output",
        "first output",
    )
    for run in results.runs:
        first = ", ".join(str(value) for value in run.outputs[0].ravel()[:10].tolist())
        more = ", ..." if run.outputs[0].size > 10 else ""
        made.add_row(
            run.label,
            f"{run.seconds:.2f}",
            f"{run.outputs.dtype} {list(run.outputs.shape[1:])}",
            f"[{first}{more}]",
        )
    console = output()
    console.print(made)
    console.print(
        f"Arena: {results.arena_bytes:,} bytes on this 64-bit host, the same for all "
        "levels; a 32-bit target needs less."
    )


def print_bench(name: str, result: BenchResult) -> None:
    made = table(
        f"{name} on {result.target} (QEMU's {result.machine}), instructions", "layer"
    )
    for column in ("encoding", "block", "bytes", "scratch"):
        made.add_column(column, justify="right")
    for level in range(result.levels):
        made.add_column(f"level {level}\ncount", justify="right")
        if level < result.levels - 1:
            made.add_column("\nratio", justify="right")
    for op in result.ops:
        facts = [op.encoding, op.block, f"{op.weight_bytes:,}", f"{op.scratch_bytes:,}"]
        made.add_row(op.name, *facts, *_counts(op.instructions))
    made.add_section()
    totals = ["", "", f"{result.weight_bytes:,}", f"{result.scratch_bytes:,}"]
    made.add_row("total", *totals, *_counts(result.instructions), style="bold")
    console = output()
    console.print(made)
    console.print(
        "Ratio: to the densest level. Total of scratch: the largest, as the ops take "
        "turns."
    )
    console.print(
        f"Flash: {result.weight_bytes:,} bytes of packed weights, "
        f"{result.kernel_bytes:,} of kernel code (without glue and TFLM). Stack: "
        f"{result.stack_bytes:,} bytes below the call of a kernel."
    )
    if result.host_arena_bytes is not None:
        console.print(
            f"Arena: {result.host_arena_bytes:,} bytes on this 64-bit host; a 32-bit "
            "target needs less."
        )
    others = ", ".join(f"{count} {op}" for op, count in result.not_timed.items())
    console.print(f"Builtin ops, not timed: {others or 'none'}.")
    ran_on = {
        "random": "random int8 inputs (give --data for the model's own)",
        "first sample": "what the densest level makes of the first sample",
    }[result.data]
    console.print(f"Run on {ran_on}; outputs equal the reference's.")
    console.print(f"{result.compiler}; {result.emulator}")


def _counts(instructions: list[int]) -> list[str]:
    """Each level's count and, but for the densest, its share of the densest's."""
    densest = instructions[-1]
    cells = [
        cell
        for count in instructions[:-1]
        for cell in (f"{count:,}", f"{count / densest:.3f}")
    ]
    return [*cells, f"{densest:,}"]


def print_scores(scores: list[dict[str, Any]]) -> None:
    levels = max(len(score["levels"]) for score in scores)
    names = [f"level {level}" for level in range(levels)]
    made = table("Scores", "model", "computed as", "metric", *names)
    for score in scores:
        cells = [score_text(score["metric"], value) for value in score["levels"]]
        cells += [""] * (levels - len(cells))
        made.add_row(score["model"], score["kind"], score["metric"], *cells)
    output().print(made)
