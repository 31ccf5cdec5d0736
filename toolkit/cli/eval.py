"""``toolkit eval``: a model's forms side by side on labelled recordings."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import max_seconds_option


@click.command("eval")
@click.argument("model", default="wav2small")
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Labels, see docs/EVALUATION.md."
)
@click.option(
    "--audio", type=click.Path(path_type=Path), required=True, help="Folder of the recordings."
)
@click.option(
    "--label-range",
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    help="Ends of the labels' scale; they become 0 and 1.",
)
@click.option(
    "--seconds", type=float, help="Clip length (default: whole recordings where the model streams)."
)
@max_seconds_option
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option("--plot", type=click.Path(path_type=Path), help="Scatter plot to write (.png, .svg).")
@click.option("--toolchain", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: str,
    data: Path,
    audio: Path,
    label_range: tuple[float, float] | None,
    seconds: float | None,
    max_seconds: float | None,
    calib: Path | None,
    plot: Path | None,
    toolchain: str,
    as_json: bool,
) -> int:
    """Compare MODEL in float, as integer reference and as generated C with labels.

    CCC of every output for labels that are numbers, accuracy for classes. The C runs on this
    workstation; exit code 1 when it differs from the reference in any bit.
    """
    from rich.console import Console

    from toolkit.cli.progress import Stages
    from toolkit.report.evaluation import print_evaluation
    from toolkit.report.json_format import report_json
    from toolkit.verbs.evaluate import STAGES, EvaluationRequest, evaluate

    request = EvaluationRequest(
        model=model,
        data=data,
        audio=audio,
        clip_seconds=seconds,
        calib=calib,
        label_range=label_range,
        plot=plot,
        toolchain=toolchain,
        max_seconds=max_seconds,
    )
    report = evaluate(request, Stages(STAGES, quiet=as_json))
    if as_json:
        click.echo(report_json(report), nl=False)
    else:
        print_evaluation(report, Console())
    return 0 if report.passed else 1
