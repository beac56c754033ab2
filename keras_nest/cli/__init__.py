"""The `keras-nest` command.

Facts go to stdout (tables, or JSON with `--json`), talk and progress to stderr.
Exit codes: 0 done, 1 the request failed, 2 wrong usage, 130 interrupted.
Heavy modules are imported inside the commands, so that `--help` is instant.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys

import click

from keras_nest.cli import (
    conversion,
    demo,
    execution,
    firmware,
    planning,
    report,
    setup,
)
from keras_nest.cli.output import fail
from keras_nest.errors import NestError


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
      keras-nest plan model.keras --target cortex-m4 --budget 0.25,0.5,1.0
      keras-nest convert model.keras --data samples.npy -o model.tflite
      keras-nest inspect model.tflite
      keras-nest run model.tflite --data test.npz
      keras-nest evaluate model.keras model.tflite --data test.npz
      keras-nest extract model.tflite --level 0 -o level0.tflite
      keras-nest bench model.tflite --target cortex-m4
      keras-nest report model.tflite --data test.npz -o report.html
      keras-nest demo model.tflite --data test.npz
      keras-nest export model.tflite --format cmake -o firmware

    Level 0 is the sparsest and cheapest, the last level the densest and most accurate.
    """


for _module in (planning, conversion, execution, demo, firmware, report, setup):
    for _command in _module.COMMANDS:
        cli.add_command(_command)
