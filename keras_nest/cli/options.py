"""What several commands take: cores, levels, and the options of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from keras_nest import targets
from keras_nest.errors import NestError


def option_target(
    known: Mapping[str, targets.Target], default: str, text: str
) -> Callable[..., Any]:
    """The option --target: the name of a core, long or short.

    Args:
        known: The cores that the command takes.
        default: One of them.
        text: The help.
    """

    def full_name(ctx: click.Context, param: click.Parameter, value: str) -> str:
        try:
            return targets.find(value, "--target", known).name
        except NestError as error:
            raise click.BadParameter(error.message, ctx, param) from None

    return click.option(
        "--target",
        metavar="CORE",
        default=default,
        show_default=True,
        callback=full_name,
        shell_complete=lambda ctx, param, start: [
            name for name in known if name.startswith(start)
        ],
        help=text,
    )


def option_labels(command: Callable[..., Any]) -> Callable[..., Any]:
    """--labels and --limit, of commands that take samples with --data."""
    limit = click.option(
        "--limit", type=click.IntRange(min=1), help="Use only the first N samples."
    )
    labels = click.option(
        "--labels", metavar="FILE", help="Labels (.npy), if --data holds only x."
    )
    return labels(limit(command))


def option_predict_for(command: Callable[..., Any]) -> Callable[..., Any]:
    """--target of commands that show a file; None is the core of its own."""
    return click.option(
        "--target",
        metavar="CORE",
        shell_complete=lambda ctx, param, start: [
            name for name in targets.TARGETS if name.startswith(start)
        ],
        help="Predict instructions for this core.  [default: the one converted for]",
    )(command)


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


def parse_level(text: str) -> int | list[int] | None:
    """None stands for all levels, a list for a level of each layer."""
    return None if text == "all" else parse_one(text, " or 'all'")


def parse_one(text: str, others: str = "") -> int | list[int]:
    """A level, or one for each layer, as "0,2,1"."""
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"expected a level number, one for each layer (0,2,1){others}. "
            f"Received: {text!r}",
            param_hint="'--level'",
        ) from None
    return levels if len(levels) > 1 else levels[0]
