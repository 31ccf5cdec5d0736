"""``toolkit init``: the first toolkit.toml of a project."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("model", required=False)
@click.option("--target", "targets", multiple=True, help="See `toolkit targets`; repeatable.")
@click.option(
    "--budget",
    type=click.Path(path_type=Path),
    default="toolkit.toml",
    show_default=True,
    help="The file to write; it must not be there.",
)
def command(model: str | None, targets: tuple[str, ...], budget: Path) -> int:
    """Write commented budgets of MODEL, from a build of today.

    MODEL is the only .onnx or .tflite of this folder where it is left out; the target cortex-m4.
    The same as `toolkit check --init`.
    """
    from toolkit.cli.progress import Stages
    from toolkit.verbs.check_init import init_budgets, model_here

    chosen = model or model_here(Path())
    click.echo(init_budgets(chosen, targets or ("cortex-m4",), budget, Stages()))
    return 0
