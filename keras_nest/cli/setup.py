"""Commands about this installation: doctor, completion."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from keras_nest.cli.options import option_json
from keras_nest.cli.output import print_json

if TYPE_CHECKING:
    from keras_nest.doctor import Finding

SHELLS = ("bash", "zsh", "fish")


@click.command()
@option_json
def doctor(as_json: bool) -> None:
    """Show what is installed, what is missing, and the command that installs it.

    Exits with 1 where something is missing or broken that every command needs.
    """
    from keras_nest import reporting
    from keras_nest.doctor import OK, examine

    with reporting.status("Looking around"):
        findings = examine()
    if as_json:
        print_json({"findings": [dataclasses.asdict(one) for one in findings]})
    else:
        _print(findings)
    if any(one.essential and one.state != OK for one in findings):
        sys.exit(1)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options, cores and files.

    \b
      bash:  keras-nest completion bash >> ~/.bashrc
      zsh:   keras-nest completion zsh >> ~/.zshrc
      fish:  keras-nest completion fish > ~/.config/fish/completions/keras-nest.fish
    """
    from keras_nest.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # one of SHELLS
    click.echo(kind(cli, {}, "keras-nest", "_KERAS_NEST_COMPLETE").source())


def _print(findings: Sequence[Finding]) -> None:
    from rich.text import Text

    from keras_nest import reporting
    from keras_nest.doctor import OK

    made = reporting.table("What keras-nest finds", "", "", "needed for", "found")
    for column in made.columns[1:]:
        column.justify = "left"
    for one in findings:
        good = one.state == OK
        state = Text(one.state, style="green" if good else "bold red")
        made.add_row(one.name, state, one.needed_for, one.detail)
    console = reporting.output()
    console.print(made)
    for one in findings:
        if one.remedy is not None:
            console.print(f"For {one.needed_for}: {one.remedy}", soft_wrap=True)


COMMANDS = (doctor, completion)
