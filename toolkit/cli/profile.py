"""``toolkit profile``: RAM, work and estimated cycles, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import report_option, schedule_options


@click.command("profile")
@click.argument("model", default="wav2small")
@click.option("--target", default="cortex-m4", show_default=True, help="See `toolkit targets`.")
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@schedule_options
@report_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    model: str,
    target: str,
    seconds: float,
    schedule: str,
    time_axis: int | None,
    optimize: str,
    reports: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show what MODEL (zoo name, .onnx, int8 .tflite) will cost on a target, without building it.

    Every figure is an estimate; `toolkit build` simulates.
    """
    from rich.console import Console

    from toolkit.analysis import profile
    from toolkit.report.json_format import report_json
    from toolkit.report.render import require_formats, write_reports
    from toolkit.report.terminal import print_layers, print_report
    from toolkit.scheduling import ScheduleRequest

    require_formats(reports)
    report = profile(model, target, seconds, ScheduleRequest(schedule, time_axis, optimize))
    write_reports(report, reports)
    if as_json:
        click.echo(report_json(report), nl=False)
        return
    console = Console()
    console.print(f"{report.model_name} on {report.target}", markup=False, highlight=False)
    print_layers(report.layers, console)
    print_report(report, console)
