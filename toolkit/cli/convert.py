"""``toolkit convert``: ONNX to a fully int8 ``.tflite``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command("convert")
@click.argument("model", default="wav2small")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write."
)
@click.option(
    "--attention",
    type=click.Choice(["fused", "builtin"]),
    default="fused",
    show_default=True,
    help="Attention pooling as one exact operator, or in stock TFLM operators.",
)
@click.option("--calib", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz.")
@click.option(
    "--test", type=click.Path(path_type=Path), help="Audio folder, .npy or .npz: int8 SNR."
)
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: str,
    output: Path,
    attention: Literal["fused", "builtin"],
    calib: Path | None,
    test: Path | None,
    seconds: float,
    as_json: bool,
) -> None:
    """Convert MODEL (zoo name, .onnx or Wav2Small .safetensors) to int8."""
    from rich.console import Console

    from toolkit.conversion import convert_model
    from toolkit.report.json_format import report_json
    from toolkit.report.terminal import print_report

    report = convert_model(model, output, attention, calib, test, seconds)
    if as_json:
        click.echo(report_json(report), nl=False)
        return
    console = Console()
    console.print(f"wrote {output}", markup=False, highlight=False)
    print_report(report, console)
