"""``toolkit eval``: a model's forms side by side on labelled recordings."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import features_option, max_seconds_option, state_option
from toolkit.errors import InputError


@click.command("eval")
@click.argument("models", nargs=-1)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Labels, see docs/EVALUATION.md; once a corpus.",
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Folder of the recordings; once for each --data.",
)
@click.option(
    "--label-range",
    "label_ranges",
    type=float,
    nargs=2,
    multiple=True,
    metavar="LOW HIGH",
    help="Ends of the labels' scale; they become 0 and 1. Once, or once for each --data.",
)
@click.option("--by", multiple=True, help="Column whose values are told apart: speaker, corpus …")
@click.option(
    "--lengths", help="Seconds of a length curve, as 0.5,1,2,60: shorter clips are repeated."
)
@click.option(
    "--seconds", type=float, help="Clip length (default: whole recordings where the model streams)."
)
@features_option
@max_seconds_option
@state_option
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option("--plot", type=click.Path(path_type=Path), help="Scatter plot to write (.png, .svg).")
@click.option("--toolchain", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    models: tuple[str, ...],
    data: tuple[Path, ...],
    audio: tuple[Path, ...],
    label_ranges: tuple[tuple[float, float], ...],
    by: tuple[str, ...],
    lengths: str | None,
    seconds: float | None,
    features: str | None,
    max_seconds: float | None,
    states: tuple[str, ...],
    calib: Path | None,
    plot: Path | None,
    toolchain: str,
    as_json: bool,
) -> int:
    """Compare MODELS (default: wav2small) in float, as integer reference and as C with labels.

    CCC of every output with its interval for labels that are numbers, accuracy for classes; of
    several models, one recipe's seeds, mean and deviation. The C runs on this workstation; exit
    code 1 when it differs from the reference in any bit.
    """
    from rich.console import Console

    from toolkit.cli.progress import Stages
    from toolkit.report.evaluation import print_evaluation
    from toolkit.report.json_format import report_json
    from toolkit.verbs.evaluate import STAGES, Corpus, EvaluationRequest, evaluate

    if len(audio) != len(data):
        raise InputError(f"--audio: give one for each --data; got {len(audio)} and {len(data)}.")
    if len(label_ranges) not in (0, 1, len(data)):
        raise InputError("--label-range: give one for all, or one for each --data.")
    scales = (
        label_ranges if len(label_ranges) == len(data) else (*label_ranges, None)[:1] * len(data)
    )
    request = EvaluationRequest(
        models=models or ("wav2small",),
        corpora=tuple(Corpus(*corpus) for corpus in zip(data, audio, scales, strict=True)),
        by=by,
        lengths=_seconds(lengths),
        clip_seconds=seconds,
        calib=calib,
        plot=plot,
        toolchain=toolchain,
        features=features,
        max_seconds=max_seconds,
        states=states,
    )
    report = evaluate(request, Stages(STAGES, quiet=as_json))
    if as_json:
        click.echo(report_json(report), nl=False)
    else:
        print_evaluation(report, Console())
    return 0 if report.passed else 1


def _seconds(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",")) if text else ()
    except ValueError:
        raise InputError(
            f"--lengths: must be seconds between commas; got '{text}'.", "As 0.5,1,2,10,60."
        ) from None
