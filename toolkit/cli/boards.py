"""``toolkit boards``: boards that can be flashed, and connected probes."""

from __future__ import annotations

import json

import click


@click.command("boards")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the boards that images are built for, and the debug probes that are connected."""
    from toolkit.verbs.boards import boards

    found = boards()
    if as_json:
        rows = [
            {
                "name": b.name,
                "description": b.description,
                "target": b.target,
                "simulated": b.simulated,
                "clock_hz": b.clock_hz,
                "flash_bytes": b.flash.size_bytes,
                "ram_bytes": b.ram.size_bytes,
                "probes": [*b.probes, "gdb"],
                "unsure": b.unsure,
            }
            for b in found.boards
        ]
        probes = [vars(probe) for probe in found.probes]
        table = {"boards": rows, "connected": probes, "connected_unknown": found.unknown}
        click.echo(json.dumps(table, indent=2))
        return
    from rich.console import Console

    from toolkit.report.screen.grid import listed

    lines = [
        (
            b.name,
            b.target,
            f"{b.clock_hz / 1e6:g} MHz",
            f"{b.flash.size_bytes // 1024} KB",
            f"{b.ram.size_bytes // 1024} KB",
            ", ".join(b.probes),
            b.description.partition(":")[0],
        )
        for b in found.boards
    ]
    titles = ("board", "target", "clock", "flash", "RAM", "probes", "what")
    console = Console()
    console.print(listed(titles, lines, console.width, dispensable=("what",)))
    click.echo()
    for probe in found.probes:
        click.echo(f"connected: {probe.number}  {probe.product}  {probe.board}".rstrip())
    if not found.probes:
        click.echo(f"connected: none known ({found.unknown})" if found.unknown else
                   "connected: no probe")  # fmt: skip
    click.echo("next   toolkit build MODEL --board BOARD --flash")
