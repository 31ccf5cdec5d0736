"""``toolkit init``: the first toolkit.toml of a project."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import features_option


@click.command("init")
@click.argument("model", required=False)
@click.option("--target", "targets", multiple=True, help="See `toolkit targets`; repeatable.")
@features_option
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option(
    "--budget",
    type=click.Path(path_type=Path),
    default="toolkit.toml",
    show_default=True,
    help="The file to write; it must not be there.",
)
def command(
    model: str | None,
    targets: tuple[str, ...],
    features: str | None,
    calib: Path | None,
    budget: Path,
) -> int:
    """Write commented budgets of MODEL, from a build of today.

    MODEL is the only .onnx or .tflite of this folder where it is left out; the target cortex-m4.
    The same as `toolkit check --init`.
    """
    from toolkit.budget.model import Subject
    from toolkit.cli.progress import Stages
    from toolkit.verbs.check_init import init_budgets, model_here

    chosen = Subject("", model=model or model_here(Path()), features=features, calib=calib)
    click.echo(init_budgets(chosen, targets or ("cortex-m4",), budget, Stages()))
    return 0
