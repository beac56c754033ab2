"""Commands that run a model: run, evaluate, bench."""

from __future__ import annotations

import click

from keras_nest import targets
from keras_nest.cli.options import (
    option_import,
    option_json,
    option_labels,
    option_target,
    parse_level,
)
from keras_nest.cli.output import check_output, print_json


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option("--data", required=True, metavar="FILE", help="Inputs (.npy or .npz).")
@click.option(
    "--level",
    default="all",
    show_default=True,
    metavar="N|N,N,...|all",
    help="The level to run, or one for each layer where the file takes that.",
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


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--data", required=True, metavar="FILE", help="Inputs: .npz with x and y, or .npy."
)
@option_labels
@click.option(
    "--save",
    is_flag=True,
    help="Write what was measured in TFLM into the .tflite itself: `inspect` shows it, "
    "and firmware can read it.",
)
@option_import
@option_json
def evaluate(
    models: tuple[str, ...],
    data: str,
    labels: str | None,
    limit: int | None,
    save: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Accuracy of every level: float (.keras) and int8 in TFLM (.tflite).

    Give a .keras file, a .tflite file, or both for a comparison. Integer or one-hot
    labels give the accuracy, float labels the mean squared error.
    """
    from keras_nest import evaluation, reporting

    tflites = [path for path in models if path.endswith(".tflite")]
    if save:
        evaluation.check_save(tflites)
    x, y = evaluation.load_data(data, labels=labels, limit=limit)
    scores = []
    for path in models:
        if path in tflites:
            with reporting.progress() as bar:
                scores.append(evaluation.score_tflite(path, x, y, bar))
            if save:
                evaluation.save_scores(path, scores[-1], len(x))
                click.echo(f"Wrote the scores into {path}.", err=True)
        else:
            from keras_nest.loading import load_keras_model

            model = load_keras_model(path, modules)
            with reporting.status(f"Evaluating {path} in Keras"):
                scores.append(evaluation.score_keras(path, model, x, y))
    if as_json:
        print_json({"data": data, "samples": len(x), "models": scores})
    else:
        reporting.print_scores(scores)


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@option_target(
    targets.EMULATED,
    "cortex-m4",
    f"The core to compile for and to emulate: {', '.join(targets.EMULATED)} (m4 for "
    "short).",
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


COMMANDS = (run, evaluate, bench)
