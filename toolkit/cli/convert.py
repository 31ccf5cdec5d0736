"""``toolkit convert``: ONNX to an integer ``.tflite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from toolkit.cli.options import (
    features_option,
    given_shapes,
    max_seconds_option,
    shape_option,
    state_option,
    time_axis_option,
)

if TYPE_CHECKING:
    from toolkit.report import Report


@click.command("convert")
@click.argument("model", default="wav2small")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write."
)
@click.option(
    "--attention",
    type=click.Choice(["fused", "builtin"]),
    help="Attention pooling in operators that TFLM brings (the default, where it has such a form), "
    "or as one exact operator, which streams.",
)
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option(
    "--test", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz: int8 SNR."
)
@click.option(
    "--calibration",
    type=click.Choice(["minmax", "percentile", "mse"]),
    default="minmax",
    show_default=True,
    help="How activation ranges follow from calibration data.",
)
@click.option(
    "--bias-correction/--no-bias-correction",
    default=None,
    help="Take the mean error of each channel out of its bias (default: with --calib).",
)
@click.option(
    "--equalize/--no-equalize",
    default=None,
    help="Balance channels between layers first (default: with --calib).",
)
@click.option(
    "--mixed",
    default="head",
    show_default=True,
    metavar="auto|head|none|TENSOR,...",
    help="Activations in int16: a few that reach the target, attention's head, or by name.",
)
@click.option(
    "--target-snr-db", type=float, default=28.0, show_default=True, help="For --mixed auto."
)
@click.option(
    "--report",
    "layer_report",
    type=click.Path(path_type=Path),
    help="Write the accuracy of every layer: .txt, .json or .html.",
)
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@features_option
@max_seconds_option
@shape_option
@time_axis_option
@state_option
@click.option(
    "--via",
    type=click.Choice(["tensorflow"]),
    help="Convert by onnx2tf and TensorFlow too (extra tensorflow): their figures stand beside "
    "ours, their file is written where ours refuses the model.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: str,
    output: Path,
    attention: Literal["fused", "builtin"] | None,
    calib: Path | None,
    test: Path | None,
    calibration: Literal["minmax", "percentile", "mse"],
    bias_correction: bool | None,
    equalize: bool | None,
    mixed: str,
    target_snr_db: float,
    layer_report: Path | None,
    seconds: float,
    features: str | None,
    max_seconds: float | None,
    shapes: tuple[str, ...],
    time_axis: int | None,
    states: tuple[str, ...],
    via: Literal["tensorflow"] | None,
    as_json: bool,
) -> int:
    """Convert MODEL (zoo name, .onnx, Wav2Small .safetensors; default: wav2small) to an integer
    .tflite.

    Activations are int8, but those that --mixed names: by default the head of an attention
    pooling is int16, and `--mixed none` leaves all int8.

    The network as imported is compared with onnxruntime. Exit code 1 when they differ.
    """
    from rich.console import Console
    from rich.text import Text

    from toolkit.quantize.recipe import Recipe
    from toolkit.report.json_format import report_json
    from toolkit.report.terminal import print_report
    from toolkit.report.verdict import verdict
    from toolkit.verbs.convert import ConvertRequest, convert, mixed_of

    recipe = Recipe(
        calibration=calibration,
        bias_correction=bias_correction,
        equalize=equalize,
        mixed=mixed_of(mixed),
        target_snr_db=target_snr_db,
    )
    report = convert(
        ConvertRequest(
            model=model,
            output=output,
            recipe=recipe,
            attention=attention,
            calib=calib,
            test=test,
            layer_report=layer_report,
            clip_seconds=seconds,
            features=features,
            max_seconds=max_seconds,
            shapes=given_shapes(shapes),
            time_axis=time_axis,
            states=states,
            via=via,
        )
    )
    if as_json:
        click.echo(report_json(report), nl=False)
    else:
        console = Console()
        found = verdict(report)
        same = "its float network is the file's" if _compared(report) else found.text
        said = f"wrote {output}: {same if found.good else found.text}"
        console.print(Text(said, "bold green" if found.good else "bold red"), soft_wrap=True)
        print_report(report, console)
        if found.good:
            console.print()
            step = f"next   toolkit build {output} --target cortex-m4"
            console.print(step, markup=False, highlight=False, soft_wrap=True)
    return 0 if report.passed else 1


def _compared(report: Report) -> bool:
    """Whether the network as imported was compared with an interpreter of others."""
    return any(check.name == "import_match" and check.passed for check in report.checks)
