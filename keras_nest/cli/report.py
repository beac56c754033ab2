"""The command that shows what a model gains: report."""

from __future__ import annotations

import click

from keras_nest.cli.options import option_json, option_labels, option_predict_for
from keras_nest.cli.output import check_output, print_json
from keras_nest.errors import NestError


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--data",
    metavar="FILE",
    help="Inputs and labels (.npz with x and y), to score every level in TFLM. Without "
    "it, the scores are those in the file, if it has any.",
)
@option_labels
@option_predict_for
@click.option("-o", "--output", metavar="FILE", help="The .html to write.")
@option_json
def report(
    model: str,
    data: str | None,
    labels: str | None,
    limit: int | None,
    target: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Write one HTML file about a nested .tflite MODEL, or print it as JSON.

    Accuracy against instructions, multiply-accumulates and bytes of every level; what
    each layer costs and how it is packed; the same with dense weights, and with a file
    for each level. The page needs no network.
    """
    from os.path import basename

    from keras_nest import evaluation, reporting
    from keras_nest import report as reports
    from keras_nest.files import read_bytes, write_atomic

    if output is None and not as_json:
        raise NestError(
            "Expected a file to write. Received: none",
            hint="Name it: -o report.html; or ask for the facts alone: --json.",
        )
    check_output(output, model, data, labels)
    tflite = read_bytes(model)
    scores = None
    if data is not None:
        x, y = evaluation.load_data(data, labels=labels, limit=limit)
        with reporting.progress() as bar:
            measured = evaluation.score_tflite(model, x, y, bar)
        scores = measured["metric"], measured["levels"], len(x)
    with reporting.status("Predicting instructions"):
        facts = reports.gather(tflite, basename(model), target, scores)
    if output is not None:
        write_atomic(output, reports.html(facts).encode())
        click.echo(f"Wrote {output}.", err=True)
    if as_json:
        print_json(facts.as_dict())


COMMANDS = (report,)
