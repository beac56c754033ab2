"""The `keras-nest` command.

Facts go to stdout (tables, or JSON with `--json`), talk and progress to stderr.
Exit codes: 0 done, 1 the request failed, 2 wrong usage, 130 interrupted.
Heavy modules are imported inside the commands, so that `--help` is instant.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import click

from keras_nest import targets
from keras_nest.errors import NestError

FORMATS = click.Choice(["int8", "float32"])
TARGETS = click.Choice(
    ["cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"]
)
CORES = click.Choice([*targets.TARGETS, *targets.ALIASES])
ENCODINGS = click.Choice(["auto", "dense", "blocks", "lists", "offsets", "vectors"])


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and turns every foreseen failure into one clear message."""
    try:
        code = cli.main(arguments, prog_name="keras-nest", standalone_mode=False)
    except NestError as error:
        fail(error.message, error.hint)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message(), None)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; nothing was left half written.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has what it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, hint: str | None) -> None:
    """Prints an error with its hint to stderr and exits with 1."""
    click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.secho(f"  {hint}", dim=True, err=True)
    sys.exit(1)


def version() -> str:
    try:
        return importlib.metadata.version("keras-nest")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version(), message="keras-nest %(version)s")
def cli() -> None:
    """Nested sparse Keras models: one .tflite, several accuracies, one integer.

    A model trained with keras_nest.nest() holds several sub-networks in one set of
    weights. Convert it once; the device picks the level at every inference.

    \b
      keras-nest convert model.keras --data samples.npy -o model.tflite
      keras-nest inspect model.tflite
      keras-nest run model.tflite --data test.npz
      keras-nest evaluate model.keras model.tflite --data test.npz
      keras-nest extract model.tflite --level 0 -o level0.tflite
      keras-nest bench model.tflite --target cortex-m4

    Level 0 is the sparsest and cheapest, the last level the densest and most accurate.
    """


def option_json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the facts as JSON on stdout."
    )(command)


def option_import(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--import",
        "modules",
        metavar="MODULE",
        multiple=True,
        help="Import this module first: it registers your own Keras layers.",
    )(command)


@cli.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--data",
    required=True,
    metavar="FILE",
    help="Representative inputs (.npy or .npz), as the model is fed: a few hundred.",
)
@click.option("-o", "--output", required=True, metavar="FILE", help="The .tflite.")
@click.option(
    "--io", type=FORMATS, default="int8", show_default=True, help="Type of in/outputs."
)
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Use at most this many samples of the data.",
)
@click.option(
    "--target",
    type=CORES,
    default=targets.GENERIC,
    show_default=True,
    metavar="CORE",
    help="The core to choose each layer's encoding for: cortex-m4, cortex-m7, "
    "cortex-m33 or cortex-m55 (m4 for short), others, or generic. The file runs on all "
    "of them.",
)
@click.option(
    "--optimize",
    type=click.Choice(["speed", "size"]),
    help="The fewest instructions, as predicted from what was measured on the core, or "
    "the fewest bytes.  [default: speed; for generic: size]",
)
@click.option(
    "--max-scratch",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="What a nested op may ask of the arena to work in.  [default: no limit]",
)
@click.option(
    "--encoding",
    type=ENCODINGS,
    default="auto",
    show_default=True,
    help="The only packed encoding for layers with masks; auto picks one for each.",
)
@click.option(
    "--sticky-level",
    is_flag=True,
    help="List the level as an output too, so that TFLM keeps its buffer between "
    "Invokes. Without it, write the level before every Invoke.",
)
@option_import
@option_json
def convert(
    model: str,
    data: str,
    output: str,
    io: str,
    samples: int,
    target: str,
    optimize: str | None,
    max_scratch: int | None,
    encoding: str,
    sticky_level: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write one .tflite with all levels of a trained MODEL (.keras).

    Ranges are measured over all levels on the data, weights become int8 once, and
    every nested layer becomes a custom op that reads the level from an input tensor.
    """
    from keras_nest import reporting
    from keras_nest.files import read_bytes

    read_bytes(data)
    check_output(output, model, data)
    from keras_nest.loading import load_keras_model

    keras_model = load_keras_model(model, modules)
    from keras_nest.converter.convert import PatternWarning
    from keras_nest.converter.convert import convert as to_tflite

    # They are in the report, too.
    warnings.simplefilter("ignore", PatternWarning)
    with reporting.status("Converting: freeze, calibrate, quantize, pack"):
        tflite = to_tflite(
            keras_model,
            data,
            io=io,
            samples=samples,
            target=target,
            optimize=optimize,
            max_scratch=max_scratch,
            encoding=encoding,
            sticky_level=sticky_level,
        )
        path = tflite.save(output)
    for warning in tflite.report.warnings:
        click.secho("Warning: ", fg="yellow", bold=True, nl=False, err=True)
        click.echo(warning, err=True)
    if as_json:
        print_json(
            {"output": str(path), "bytes": len(tflite)} | tflite.report.as_dict()
        )
        return
    reporting.print_conversion(tflite.report)
    click.echo(f"Wrote {path} ({len(tflite):,} bytes).", err=True)


@cli.command()
@click.argument("model", type=click.Path(path_type=str))
@option_json
def inspect(model: str, as_json: bool) -> None:
    """Show the ops, levels, sparsity and bytes of a .tflite MODEL.

    Bytes are held against the dense int8 weights, against one sparse file per level,
    and against the entropy bound of the nesting. Needs neither Keras nor TensorFlow.
    """
    from keras_nest import reporting
    from keras_nest.converter.describe import describe
    from keras_nest.files import read_bytes

    facts = describe(read_bytes(model))
    if as_json:
        print_json({"model": model} | facts.as_dict())
    else:
        reporting.print_facts(model, facts)


@cli.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option("--data", required=True, metavar="FILE", help="Inputs (.npy or .npz).")
@click.option(
    "--level",
    default="all",
    show_default=True,
    metavar="N|all",
    help="The level to run.",
)
@click.option("-o", "--output", metavar="FILE", help="Save the outputs (.npz).")
@click.option(
    "--limit", type=click.IntRange(min=1), help="Run only the first N samples."
)
@option_json
def run(
    model: str,
    data: str,
    level: str,
    output: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Run a .tflite MODEL in TensorFlow Lite Micro on this machine.

    The saved .npz holds one array per level, named level_0, level_1, ...
    """
    from keras_nest import evaluation, reporting

    check_output(output, model, data)
    x, _ = evaluation.load_data(data, limit=limit)
    with reporting.progress() as bar:
        results = evaluation.run_levels(model, x, parse_level(level), bar)
    if output:
        evaluation.save_outputs(output, results)
    if as_json:
        print_json(results.as_dict())
        return
    reporting.print_run(results)
    if output:
        click.echo(f"Wrote {output}.", err=True)


@cli.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--level", type=int, required=True, metavar="N", help="The level to keep."
)
@click.option("-o", "--output", required=True, metavar="FILE", help="The .tflite.")
@click.option(
    "--dense-as-conv",
    is_flag=True,
    help="Write dense layers as 1x1 convolutions, for runtimes whose FULLY_CONNECTED "
    "knows no scale per output channel.",
)
@option_json
def extract(
    model: str, level: int, output: str, dense_as_conv: bool, as_json: bool
) -> None:
    """Write one level of a nested .tflite MODEL as a plain .tflite (builtin ops only).

    It computes the same bytes as the nested model at that level.
    """
    from keras_nest.converter.extract import extract as to_plain
    from keras_nest.files import read_bytes, write_atomic

    check_output(output, model)
    plain = to_plain(read_bytes(model), level, dense_as_conv=dense_as_conv)
    path = write_atomic(output, plain)
    if as_json:
        print_json({"output": str(path), "bytes": len(plain), "level": level})
    else:
        click.echo(f"Wrote {path} ({len(plain):,} bytes).", err=True)


@cli.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--data", required=True, metavar="FILE", help="Inputs: .npz with x and y, or .npy."
)
@click.option("--labels", metavar="FILE", help="Labels (.npy), if --data holds only x.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="Use only the first N samples."
)
@option_import
@option_json
def evaluate(
    models: tuple[str, ...],
    data: str,
    labels: str | None,
    limit: int | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Accuracy of every level: float (.keras) and int8 in TFLM (.tflite).

    Give a .keras file, a .tflite file, or both for a comparison. Integer or one-hot
    labels give the accuracy, float labels the mean squared error.
    """
    from keras_nest import evaluation, reporting

    x, y = evaluation.load_data(data, labels=labels, limit=limit)
    scores = []
    for path in models:
        if path.endswith(".tflite"):
            with reporting.progress() as bar:
                scores.append(evaluation.score_tflite(path, x, y, bar))
        else:
            from keras_nest.loading import load_keras_model

            model = load_keras_model(path, modules)
            with reporting.status(f"Evaluating {path} in Keras"):
                scores.append(evaluation.score_keras(path, model, x, y))
    if as_json:
        print_json({"data": data, "samples": len(x), "models": scores})
    else:
        reporting.print_scores(scores)


@cli.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--target",
    type=TARGETS,
    default="cortex-m4",
    show_default=True,
    help="The core to compile for and to emulate.",
)
@click.option(
    "--data",
    metavar="FILE",
    help="Inputs (.npy or .npz): the ops run on what the model makes of the first "
    "sample. Without it, on random values.",
)
@option_json
def bench(model: str, target: str, data: str | None, as_json: bool) -> None:
    """Count the instructions of a .tflite MODEL on an emulated Cortex-M.

    Compiles the nested kernels with arm-none-eabi-gcc, runs every nested op at every
    level in QEMU and checks its output. The counts are exact and the same in every
    run; builtin ops are listed, not timed.
    """
    from keras_nest import reporting
    from keras_nest.bench import bench as count
    from keras_nest.evaluation import load_data
    from keras_nest.files import read_bytes

    tflite = read_bytes(model)
    x = None if data is None else load_data(data, limit=1)[0]
    with reporting.status(f"Compiling for {target} and running in QEMU"):
        result = count(tflite, target, x)
    if as_json:
        print_json({"model": model} | result.as_dict())
    else:
        reporting.print_bench(model, result)


def check_output(output: str | None, *inputs: str | None) -> None:
    """Refuses to write over a file that is read."""
    for one in inputs:
        if output and one and os.path.realpath(output) == os.path.realpath(one):
            raise NestError(
                f"Expected an output other than the inputs. Received: {output}, which "
                "is read as well",
                hint="Name another file with -o.",
            )


def parse_level(text: str) -> int | None:
    """None stands for all levels."""
    if text == "all":
        return None
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(
            f"expected a level number or 'all'. Received: {text!r}",
            param_hint="'--level'",
        ) from None


def print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2, sort_keys=False))


if __name__ == "__main__":
    main()
