"""``toolkit profile``: RAM, flash, cycles and energy, layer by layer, on one target or many."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import (
    arithmetic_option,
    details_option,
    features_option,
    given_shapes,
    max_seconds_option,
    placement_options,
    report_option,
    schedule_options,
    shape_option,
    state_option,
)


@click.command("profile")
@click.argument("model", default="wav2small")
@click.option(
    "--target", "targets", multiple=True, help="See `toolkit targets`; repeatable.  [cortex-m4]"
)
@click.option("--all-targets", is_flag=True, help="Every target, one row each.")
@click.option("--policy", help="Memory policy, instead of the target's own (default, shared).")
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@features_option
@max_seconds_option
@shape_option
@state_option
@click.option(
    "--simulate", is_flag=True, help="Compile and run too: every estimate with its error."
)
@schedule_options
@placement_options
@arithmetic_option
@report_option
@details_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a report, or a list of them.")
def command(
    model: str,
    targets: tuple[str, ...],
    all_targets: bool,
    policy: str | None,
    seconds: float,
    features: str | None,
    max_seconds: float | None,
    shapes: tuple[str, ...],
    states: tuple[str, ...],
    simulate: bool,
    schedule: str,
    time_axis: int | None,
    optimize: str,
    hot_code: str,
    weights: str,
    arithmetic: str,
    reports: tuple[Path, ...],
    against: Path | None,
    force: bool,
    details: bool,
    as_json: bool,
) -> int:
    """Show what MODEL (zoo name, .onnx, .tflite, .safetensors; default: wav2small) will cost on
    a target, without building it.

    Every figure is an estimate; with --simulate the firmware is built and run as well.
    """
    from toolkit.cli.progress import Stages
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.targets import Placement, list_targets, load_target
    from toolkit.verbs.build import STAGES
    from toolkit.verbs.profile import ProfileRequest, profile

    if reports or against:
        from toolkit.report.render import require_formats, write_reports

        require_formats(reports, force, against)
    names = list_targets() if all_targets else targets or ("cortex-m4",)
    if len(names) > 1 and reports:
        raise click.UsageError("--report takes one target; use --json for several.")
    request = ProfileRequest(
        model=model,
        targets=tuple(names),
        clip_seconds=seconds,
        features=features,
        max_seconds=max_seconds,
        shapes=given_shapes(shapes),
        states=states,
        schedule=ScheduleRequest(schedule, time_axis, optimize),
        arithmetic=arithmetic,
        placement=Placement.of_words(hot_code, weights),
        policy=policy,
        simulate=simulate,
    )
    found = profile(request, Stages(STAGES, quiet=as_json))
    if reports:
        write_reports(found[0], reports, against)
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
            target = load_target(names[0], policy).placing(request.placement)
            print_profile(found[0], target, optimize, console, details)
        else:
            print_targets(found, optimize, console)
    return 0 if all(report.passed for report in found) else 1
