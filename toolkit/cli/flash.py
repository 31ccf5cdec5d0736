"""``toolkit flash``: a build's image onto its board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from toolkit.verbs.flash import Flashed


@click.command("flash")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--probe",
    help="pyocd, openocd, teensy, qemu or gdb:HOST:PORT (default: the first that the board has).",
)
@click.option("--run", "run_it", is_flag=True, help="Wait for the results, and read them.")
@click.option(
    "--timeout", default=120.0, show_default=True, type=click.FloatRange(min=0.1),
    help="Seconds that the application may take.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Print the commands, touch no board.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    folder: Path, probe: str | None, run_it: bool, timeout: float, dry_run: bool, as_json: bool
) -> int:
    """Program the image that `toolkit build --board` left in DIR, and verify it.

    The part is identified before anything is written. With --run the results are compared with the
    integer reference, byte for byte; cycles are measured on hardware, simulated on simulated
    boards. Exit code 1 where bytes differ, 2 for another part or a damaged image, 3 where a tool, a
    probe or the board is missing.
    """
    from toolkit.cli.progress import Stages
    from toolkit.verbs.flash import FlashRequest, commands, flash

    request = FlashRequest(folder, probe, run_it, timeout)
    if dry_run:
        for line in commands(request):
            click.echo(line)
        return 0
    done = flash(request, Stages(quiet=as_json))
    if as_json:
        click.echo(json.dumps(_table(done), indent=2))
        return 0 if done.passed else 1
    return print_flashed(done)


def print_flashed(done: Flashed) -> int:
    """Show what came back from a board; the exit code."""
    from rich.console import Console
    from rich.text import Text

    from toolkit.report.screen.grid import labelled
    from toolkit.report.terminal import print_check, print_measurements
    from toolkit.report.text import format_value, printable, words_of_check

    console = Console()
    verified = ", read back equal" if done.verified else ""
    on = f"{done.image_bytes:,} B on {done.board} by {done.probe}{verified}"
    failed = [check for check in done.checks if check.failed]
    held = "".join(f"; {words_of_check(check.name)}" for check in done.checks if check.passed)
    wrong = "".join(f"; FAILS: {words_of_check(check.name)}" for check in failed)
    console.print(Text(f"{on}{held}{wrong}", "bold red" if failed else "bold green"))
    if done.predictions:
        values = (f"{printable(label)} {value:.4f}" for label, value in done.predictions)
        console.print(labelled("output", Text(", ".join(values))))
    if done.measurements:
        print_measurements(done.measurements, console)
    if (built := done.built_cycles) is not None:
        ratio = done.measured_over_simulated
        over = "" if ratio is None else f"; measured over simulated: {ratio:.3f}"
        said = f"{format_value(built)} an inference, {built.provenance.value}{over}"
        console.print(labelled("build", Text(f"had {said}")))
    for check in failed:
        print_check(check, console)
    return 0 if done.passed else 1


def _table(done: Flashed) -> dict[str, object]:
    built = () if done.built_cycles is None else (done.built_cycles,)
    figures = (*done.measurements, *built)
    return {
        "board": done.board,
        "probe": done.probe,
        "simulated": done.simulated,
        "image_bytes": done.image_bytes,
        "verified": done.verified,
        "predictions": [{"label": label, "value": value} for label, value in done.predictions],
        "measurements": [{**vars(m), "provenance": m.provenance.value} for m in figures],
        "checks": [vars(check) for check in done.checks],
    }
