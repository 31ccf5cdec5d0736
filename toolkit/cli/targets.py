"""``toolkit targets``: the microcontrollers that can be built for."""

from __future__ import annotations

import json

import click


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
                "simulators": [*t.simulation.simulators, "host"],
            }
            for t in targets
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("target", "core", "clock", "flash", "RAM", "simulators", "what"):
        table.add_column(title)
    for t in targets:
        table.add_row(
            t.name,
            t.core.name,
            f"{t.clock_hz / 1e6:g} MHz",
            f"{t.flash_bytes // 1024} KB",
            f"{t.ram_bytes // 1024} KB",
            ", ".join((*t.simulation.simulators, "host")),
            t.description,
        )
    Console().print(table)
