"""The command that shows a model at work: demo."""

from __future__ import annotations

import click

from keras_nest.cli.options import option_labels, option_predict_for
from keras_nest.errors import NestError

DEFAULT_PORT = 8760


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--data",
    required=True,
    metavar="FILE",
    help="Samples, and labels where known: .npz with x and y, or .npy.",
)
@option_labels
@click.option(
    "--classes",
    metavar="NAME,NAME,...",
    help="What the classes are called, class 0 first.  [default: their numbers]",
)
@option_predict_for
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def demo(
    model: str,
    data: str,
    labels: str | None,
    limit: int | None,
    classes: str | None,
    target: str | None,
    port: int,
    no_browser: bool,
) -> None:
    """Try a nested .tflite MODEL sample by sample, with a slider for the level.

    Opens a page on this machine (127.0.0.1, reachable from nowhere else) that shows a
    sample, what TensorFlow Lite Micro makes of it at each level, and what that costs.
    Ctrl-C ends it.
    """
    import webbrowser
    from os.path import basename

    from keras_nest import demo as demos
    from keras_nest import evaluation, reporting
    from keras_nest.files import read_bytes

    tflite = read_bytes(model)
    x, y = evaluation.load_data(data, labels=labels, limit=limit)
    names = None if classes is None else _names(classes)
    with reporting.status(f"Preparing {model}"):
        session = demos.Session(tflite, x, y, basename(model), target, names)
    with demos.DemoServer(session, port) as server:
        click.echo(server.url)
        click.echo("Ctrl-C ends it.", err=True)
        if not no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("\nEnded.", err=True)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise NestError(f"Expected names of classes between commas. Received: {text!r}")
    return names


COMMANDS = (demo,)
