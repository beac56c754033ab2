"""The command that makes firmware folders: export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_nest.cli.options import option_json
from keras_nest.cli.output import check_output, print_json

if TYPE_CHECKING:
    from keras_nest.export import FirmwareFolder

FORMATS = ("cmake", "arduino", "platformio", "esp-idf", "zephyr")


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="cmake",
    show_default=True,
    help="What the folder is: a CMake project, an Arduino or PlatformIO library, an "
    "ESP-IDF component, a Zephyr module.",
)
@click.option("-o", "--output", required=True, metavar="FOLDER", help="The folder.")
@click.option(
    "--name", metavar="NAME", help="The package's name.  [default: the folder's]"
)
@click.option(
    "--with-widths",
    is_flag=True,
    help="Build the kernels for levels of width though the model has none.",
)
@click.option(
    "--with-bits",
    is_flag=True,
    help="Build the kernels for levels of bits though the model has none.",
)
@click.option(
    "--force", is_flag=True, help="Replace a folder that an earlier export made."
)
@option_json
def export(
    model: str,
    kind: str,
    output: str,
    name: str | None,
    with_widths: bool,
    with_bits: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write a firmware folder with all that a .tflite MODEL needs, but for TFLM.

    The kernels and their glue, the model as a C array, a resolver with exactly its ops,
    the size of the arena, an example that sets the level before every Invoke, and a
    README with the commands. Needs neither Keras nor TensorFlow.
    """
    from keras_nest import reporting
    from keras_nest.export import export_firmware
    from keras_nest.files import read_bytes

    check_output(output, model)
    tflite = read_bytes(model)
    with reporting.status("Measuring the arena and writing the folder"):
        made = export_firmware(
            tflite,
            output,
            kind,
            name=name,
            with_widths=with_widths,
            with_bits=with_bits,
            force=force,
        )
    if as_json:
        print_json({"model": model} | made.as_dict())
        return
    _print(made)
    readme = Path(output, "README.md")
    click.echo(f"Wrote {output} ({len(made.files)} files). Next: {readme}", err=True)


def _print(made: FirmwareFolder) -> None:
    from keras_nest import reporting

    model = made.model
    table = reporting.table(f"{made.path} ({made.format})", "what", "")
    table.add_row("model", f"{len(model.tflite):,} bytes")
    for core, text in (
        ("portable", "a core without SIMD"),
        ("dsp", "with DSP extension"),
        ("mve", "with Helium"),
    ):
        table.add_row(f"arena, {text}", f"{model.arena.by_core[core]:,} bytes")
    host = model.arena.host
    table.add_row(
        "arena on this machine", "not measured" if host is None else f"{host:,} bytes"
    )
    table.add_row("levels", str(len(model.levels)))
    table.add_row("kinds of ops", str(len(model.calls)))
    console = reporting.output()
    console.print(table)
    console.print(f"Ops: {', '.join(call.op for call in model.calls)}")


COMMANDS = (export,)
