"""``toolkit verify``: compiled C against expected outputs or the integer reference."""

from __future__ import annotations

import json
from pathlib import Path

import click

from toolkit.cli.options import given_shapes, schedule_options, shape_option, state_option

LISTED = 20


@click.command("verify")
@click.argument("model", default="wav2small")
@click.option("--target", required=True, help="See `toolkit targets`.")
@click.option("--inputs", type=click.Path(path_type=Path), help=".npy or .npz, cases first.")
@click.option("--expected", type=click.Path(path_type=Path), help="Output bytes, cases first.")
@click.option("--cases", default=4, show_default=True, type=click.IntRange(1, 100_000),
              help="Random cases when --inputs is absent.")  # fmt: skip
@click.option("--seconds", type=float, default=1.0, show_default=True, help="Clip length.")
@click.option("--toolchain", type=click.Choice(["zig", "gcc"]), default="zig", show_default=True)
@click.option(
    "--simulator",
    type=click.Choice(["unicorn", "qemu", "host"]),
    help="Default: the target's first.",
)
@schedule_options
@shape_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str,
    target: str,
    inputs: Path | None,
    expected: Path | None,
    cases: int,
    seconds: float,
    toolchain: str,
    simulator: str | None,
    schedule: str,
    time_axis: int | None,
    optimize: str,
    shapes: tuple[str, ...],
    states: tuple[str, ...],
    as_json: bool,
) -> int:
    """Compile MODEL (as in build; default: wav2small), run inputs through it and compare every
    output byte.

    Integer inputs are taken as the model takes them; floats are quantised. Exit code 1 on any
    difference.
    """
    from toolkit.plan.schedule import ScheduleRequest
    from toolkit.verbs.verify import VerifyRequest, verify

    request = VerifyRequest(
        model=model,
        target=target,
        inputs=inputs,
        expected=expected,
        cases=cases,
        clip_seconds=seconds,
        toolchain=toolchain,
        simulator=simulator,
        schedule=ScheduleRequest(schedule, time_axis, optimize),
        shapes=given_shapes(shapes),
        states=states,
    )
    found = verify(request)
    if as_json:
        rows = [vars(m) for m in found.mismatches]
        click.echo(json.dumps({**vars(found), "mismatches": rows}, indent=2))
    else:
        for mismatch in found.mismatches[:LISTED]:
            click.echo(str(mismatch))
        if len(found.mismatches) > LISTED:
            click.echo(f"and {len(found.mismatches) - LISTED} more")
        if found.wrong_layer:
            click.echo(found.wrong_layer)
        differing = len({m.case for m in found.mismatches})
        click.echo(
            f"{found.model} on {found.simulator}, {found.schedule}: "
            f"{found.cases - differing} of {found.cases} cases "
            f"equal {found.compared_with}, byte for byte"
        )
    return 1 if found.mismatches else 0
