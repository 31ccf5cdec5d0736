"""``toolkit profile``: RAM, flash, cycles and energy, layer by layer, on one target or many."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toolkit.cli.options import arithmetic_option, report_option, schedule_options

if TYPE_CHECKING:
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.report import Report
    from toolkit.targets import Target


@click.command("profile")
@click.argument("model", default="wav2small")
@click.option(
    "--target", "targets", multiple=True, help="See `toolkit targets`; repeatable.  [cortex-m4]"
)
@click.option("--all-targets", is_flag=True, help="Every target, one row each.")
@click.option("--policy", help="Memory policy, instead of the target's own (default, shared).")
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@click.option(
    "--simulate", is_flag=True, help="Compile and run too: every estimate with its error."
)
@schedule_options
@arithmetic_option
@report_option
@click.option("--details", is_flag=True, help="Also every figure with its provenance and basis.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a report, or a list of them.")
def command(
    model: str,
    targets: tuple[str, ...],
    all_targets: bool,
    policy: str | None,
    seconds: float,
    simulate: bool,
    schedule: str,
    time_axis: int | None,
    optimize: str,
    arithmetic: str,
    reports: tuple[Path, ...],
    details: bool,
    as_json: bool,
) -> int:
    """Show what MODEL (zoo name, .onnx, int8 .tflite) will cost on a target, without building it.

    Every figure is an estimate; with --simulate the firmware is built and run as well.
    """
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.targets import list_targets, load_target

    if reports:
        from toolkit.report.render import require_formats, write_reports

        require_formats(reports)
    names = list_targets() if all_targets else targets or ("cortex-m4",)
    if len(names) > 1 and reports:
        raise click.UsageError("--report takes one target; use --json for several.")
    request = ScheduleRequest(schedule, time_axis, optimize)
    parts = [load_target(name, policy) for name in names]
    found = _profiles(model, parts, policy, seconds, request, simulate, arithmetic, quiet=as_json)
    if reports:
        write_reports(found[0], reports)
    if as_json:
        import json

        from toolkit.report.json_format import report_dict

        rows = [report_dict(report) for report in found]
        click.echo(json.dumps(rows[0] if len(rows) == 1 else rows, indent=2, allow_nan=False))
    else:
        from rich.console import Console

        from toolkit.report.screen import print_profile, print_targets

        console = Console()
        if len(found) == 1:
            print_profile(found[0], parts[0], optimize, console, details)
        else:
            print_targets(found, optimize, console)
    return 0 if all(report.passed for report in found) else 1


def _profiles(
    model: str,
    parts: list[Target],
    policy: str | None,
    seconds: float,
    request: ScheduleRequest,
    simulate: bool,
    arithmetic: str,
    quiet: bool,
) -> list[Report]:
    from toolkit.verbs.profile import load_int8, profile_int8

    loaded = load_int8(model, seconds)
    found = [profile_int8(loaded, target, request, len(parts) == 1, arithmetic) for target in parts]
    if not simulate:
        return found
    from dataclasses import replace

    from toolkit.cli.progress import Stages
    from toolkit.verbs.build import STAGES, BuildRequest, build

    built = []
    for report in found:
        with tempfile.TemporaryDirectory(prefix="toolkit-profile-") as scratch:
            wanted = BuildRequest(
                model,
                report.target,
                Path(scratch) / "firmware",
                clip_seconds=seconds,
                schedule=request,
                arithmetic=arithmetic,
                policy=policy,
            )
            run = build(wanted, Stages(STAGES, quiet=quiet))
        notes = tuple(i for i in report.issues if i not in run.issues)
        built.append(
            replace(
                run,
                issues=(*run.issues, *notes),
                alternatives=report.alternatives,
            )
        )
    return built
