"""The command that plans: which layer keeps how much at which level."""

from __future__ import annotations

import click

from keras_nest import targets
from keras_nest.cli.options import option_import, option_json, option_target
from keras_nest.cli.output import check_output, print_json


@click.command()
@click.argument("model", type=click.Path(path_type=str))
@click.option(
    "--budget",
    required=True,
    metavar="S,S,...",
    help="What each level may cost, as shares of the dense model's instructions, "
    "rising: 0.25,0.5,1.0.",
)
@option_target(
    targets.TARGETS,
    "cortex-m4",
    "The core whose instructions are counted (m4 for short).",
)
@click.option(
    "--pattern",
    metavar="PATTERN",
    help="What is kept together, such as 1x4.  [default: the core's]",
)
@click.option(
    "--max-flash",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="What packed weights, indices and tables may take.  [default: any]",
)
@click.option(
    "--max-ram",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="What activations and working memory may take, without TFLM's own records.  "
    "[default: any]",
)
@click.option("-o", "--output", metavar="FILE", help="The plan file (JSON) to write.")
@option_import
@option_json
def plan(
    model: str,
    budget: str,
    target: str,
    pattern: str | None,
    max_flash: int | None,
    max_ram: int | None,
    output: str | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Choose the sparsity of every layer of a trained, plain MODEL (.keras) by budget.

    Prints what each layer keeps and costs at each level. In Python,
    keras_nest.nest(model, keras_nest.load_plan("plan.json")) nests by the file.
    """
    from keras_nest import reporting

    budgets = _shares(budget)
    check_output(output, model)
    from keras_nest.loading import load_keras_model

    keras_model = load_keras_model(model, modules)
    from keras_nest.planner import plan as make_plan
    from keras_nest.planner.limits import within
    from keras_nest.planner.plan_file import plan_facts, save_plan

    chosen = pattern or targets.find(target).pattern
    with reporting.status(f"Planning for {target}"):
        found = make_plan(keras_model, budgets, cost=target, pattern=chosen)
        optimize, footprint = within(keras_model, found, target, max_flash, max_ram)
    facts = plan_facts(found, target, optimize, footprint)
    if output:
        save_plan(output, facts)
        click.echo(f"Wrote {output}.", err=True)
    if as_json:
        print_json(facts)
        return
    console = reporting.output()
    console.print(found.table())
    shares = ", ".join(
        f"{count:,} ({count / found.dense_cost:.2%})"
        for count in footprint.instructions
    )
    console.print(f"Packed by {optimize}, instructions on {target}: {shares}")
    console.print(
        f"Flash: {footprint.packed_bytes:,} bytes of weights, indices and tables. RAM: "
        f"{footprint.arena_bytes:,} bytes of activations and working memory."
    )


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(
            f"expected numbers such as 0.25,0.5,1.0. Received: {text!r}",
            param_hint="'--budget'",
        ) from None


COMMANDS = (plan,)
