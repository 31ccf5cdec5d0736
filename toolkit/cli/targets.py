"""``toolkit targets``: the microcontrollers that can be built for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from toolkit.targets import Target


def _waits(target: Target) -> str:
    """How long the flash keeps the core waiting, in a few words."""
    if target.is_zero_wait:
        return "zero wait"
    waits = sorted({setting.wait_states for setting in target.code_settings})
    plural = "" if waits == [1] else "s"
    return f"{' to '.join(map(str, waits))} wait state{plural}"


@click.command("targets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the targets with their core, clock and memories."""
    from toolkit.targets import list_targets, load_target

    targets = [load_target(name) for name in list_targets()]
    if as_json:
        rows = [
            {
                "name": t.name,
                "description": t.description,
                "core": t.core.name,
                "clock_hz": t.clock_hz,
                "flash_bytes": t.flash_bytes,
                "ram_bytes": t.ram_bytes,
                "memory_settings": [str(setting) for setting in t.code_settings],
                "simulators": [*t.simulation.simulators, "host"],
            }
            for t in targets
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console

    from toolkit.report.screen.grid import listed

    lines = [
        (
            t.name,
            t.core.name,
            f"{t.clock_hz / 1e6:g} MHz",
            f"{t.flash_bytes // 1024} KB",
            f"{t.ram_bytes // 1024} KB",
            _waits(t),
            ", ".join((*t.simulation.simulators, "host")),
            t.description,
        )
        for t in targets
    ]
    titles = ("target", "core", "clock", "flash", "RAM", "memory", "simulators", "what")
    console = Console()
    console.print(listed(titles, lines, console.width, dispensable=("what", "simulators")))
    click.echo("\nnext   toolkit profile MODEL --all-targets says where a model fits and keeps up")
