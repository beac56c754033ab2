"""Commands about the file: convert, inspect, extract."""

from __future__ import annotations

import warnings

import click

from keras_nest import targets
from keras_nest.cli.options import (
    option_import,
    option_json,
    option_target,
    parse_one,
)
from keras_nest.cli.output import check_output, print_json

FORMATS = click.Choice(["int8", "float32"])
ENCODINGS = click.Choice(["auto", "dense", "blocks", "lists", "offsets", "vectors"])


@click.command()
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
@option_target(
    targets.TARGETS,
    targets.GENERIC,
    "The core to choose each layer's encoding for: cortex-m4, cortex-m7, cortex-m33 or "
    "cortex-m55 (m4 for short), others, or generic. The file runs on all of them.",
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
@click.option(
    "--per-layer-level",
    is_flag=True,
    help="Make the level input a vector with an entry for each nested layer; inspect "
    "lists them.",
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
    per_layer_level: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write one .tflite with all levels of a trained MODEL (.keras).

    Ranges are measured over all levels on the data, weights become int8 once, and
    every nested layer becomes a custom op that reads the level from an input tensor.
    """
    from keras_nest import reporting
    from keras_nest.files import inputs_of, read_arrays

    check_output(output, model, data)
    x = inputs_of(read_arrays(data), data)
    from keras_nest.loading import load_keras_model

    keras_model = load_keras_model(model, modules)
    from keras_nest.converter.convert import convert as to_tflite
    from keras_nest.errors import ConversionWarning

    # They are in the report, too.
    warnings.simplefilter("ignore", ConversionWarning)
    with reporting.status("Converting: freeze, calibrate, quantize, pack"):
        tflite = to_tflite(
            keras_model,
            x,
            io=io,
            samples=samples,
            target=target,
            optimize=optimize,
            max_scratch=max_scratch,
            encoding=encoding,
            sticky_level=sticky_level,
            per_layer_level=per_layer_level,
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


@click.command()
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


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--level",
    required=True,
    metavar="N|N,N,...",
    help="The level to keep, or one for each layer where the file takes that.",
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
    model: str, level: str, output: str, dense_as_conv: bool, as_json: bool
) -> None:
    """Write one level of a nested .tflite MODEL as a plain .tflite (builtin ops only).

    It computes the same bytes as the nested model at that level.
    """
    from keras_nest.converter.extract import extract as to_plain
    from keras_nest.files import read_bytes, write_atomic

    check_output(output, model)
    kept = parse_one(level)
    plain = to_plain(read_bytes(model), kept, dense_as_conv=dense_as_conv)
    path = write_atomic(output, plain)
    if as_json:
        print_json({"output": str(path), "bytes": len(plain), "level": kept})
    else:
        click.echo(f"Wrote {path} ({len(plain):,} bytes).", err=True)


COMMANDS = (convert, inspect, extract)
