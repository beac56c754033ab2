"""How the command talks: facts to stdout, errors and their hints to stderr."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from keras_nest.errors import NestError


def fail(message: str, hint: str | None) -> None:
    """Prints an error with its hint to stderr and exits with 1."""
    click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.secho(f"  {hint}", dim=True, err=True)
    sys.exit(1)


def check_output(output: str | None, *inputs: str | None) -> None:
    """Refuses to write over a file that is read."""
    for one in inputs:
        if output and one and os.path.realpath(output) == os.path.realpath(one):
            raise NestError(
                f"Expected an output other than the inputs. Received: {output}, which "
                "is read as well",
                hint="Name another file with -o.",
            )


def print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2, sort_keys=False))
