"""``toolkit run``: an existing build again, on other recordings."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command("run")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--audio",
    required=True,
    type=click.Path(path_type=Path),
    help="A recording, or a folder of recordings.",
)
@click.option(
    "--simulator", type=click.Choice(["unicorn", "qemu"]), help="Default: the target's first."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: Path, audio: Path, simulator: str | None, as_json: bool) -> int:
    """Run the firmware that `toolkit build` left in DIR on recordings; nothing is built.

    Exit code 1 where one of several recordings could not be run.
    """
    from toolkit.verbs.run import RunRequest, run

    table = run(RunRequest(folder, audio, simulator))
    refused = any(row.refused for row in table.rows)
    if as_json:
        rows = [{**vars(row), "path": str(row.path)} for row in table.rows]
        click.echo(json.dumps({**vars(table), "rows": rows}, indent=2))
        return int(refused)
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("recording", overflow="fold", min_width=9)
    for title in ("seconds", *table.labels, "cycles"):  # numbers are folded before they are cut
        shown.add_column(_shown(title), justify="right", no_wrap=title == "cycles", overflow="fold")
    for row in table.rows:
        if row.refused:
            shown.add_row(_shown(row.path.name), _shown(row.refused))
        else:
            values = (f"{value:.4f}" for value in row.values)
            shown.add_row(_shown(row.path.name), f"{row.seconds:.2f}", *values, f"{row.cycles:,}")
    console = Console()
    console.print(shown)
    if table.means:
        console.print(f"means of rows: {', '.join(table.means)}", markup=False)
    console.print(
        f"{table.model} for {table.target}; cycles simulated: {table.basis}", markup=False
    )
    return int(refused)


def _shown(text: str) -> str:
    """A text from a file: neither markup nor what would steer a terminal."""
    from rich.markup import escape

    from toolkit.report.text import printable

    return escape(printable(text))
