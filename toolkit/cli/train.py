"""``toolkit train``: recordings to a model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from toolkit.cli.options import cache_option


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder (default: out/<name of CONFIG>)."
)
@click.option("--seed", type=click.IntRange(0), help="Instead of the config's.")
@click.option("--steps", type=click.IntRange(2), help="Instead of the config's.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, exactly.")
@cache_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    config: Path,
    out: Path | None,
    seed: int | None,
    steps: int | None,
    resume: bool,
    cache: Path | None,
    as_json: bool,
) -> int:
    """Train as CONFIG.toml says (docs/TRAINING.md), and leave a model that `toolkit build` takes.

    The folder gets model.onnx (features, labels and calibration ranges inside), its weights, a
    model card, the log, a learning curve and run.json.  Under torchrun processes share each batch.
    """
    from rich.console import Console

    from toolkit.cli.options import feature_cache
    from toolkit.cli.progress import Stages
    from toolkit.report.json_format import report_json
    from toolkit.report.training import print_training
    from toolkit.verbs.train import MODEL, STAGES, TrainRequest, train

    folder = Path("out") / config.stem if out is None else out
    given = {"seed": seed, "steps": steps}
    overrides = {key: value for key, value in given.items() if value is not None}
    request = TrainRequest(config, folder, feature_cache(cache), resume, overrides)
    report = train(request, Stages(STAGES, quiet=as_json), _tell)
    if report is None:
        return 0
    if as_json:
        click.echo(report_json(report), nl=False)
    else:
        print_training(report, folder / MODEL, Console())
    return 0


def _tell(row: Mapping[str, float], steps: int) -> None:
    names = [name for name in row if name not in ("step", "loss")]
    scores = ", ".join(f"{name} {row[name]:.2f}" for name in names)
    validation = f", validation CCC {scores}" if scores else ""
    line = f"step {row['step']:.0f}/{steps}: loss {row['loss']:.3f}{validation}"
    print(line, file=sys.stderr)  # not by click, which would write over the stage's line
