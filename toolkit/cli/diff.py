"""``toolkit diff``: what changed between two builds."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("diff")
@click.argument("before", type=_PATH)
@click.argument("after", type=_PATH)
@click.option(
    "--allow-different",
    "loosened",
    multiple=True,
    help="Compare although this differs: target, toolchain, simulator, clip.",
)
@click.option("--markdown", type=_PATH, help="Write it as markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure and row as JSON.")
def command(
    before: Path, after: Path, loosened: tuple[str, ...], markdown: Path | None, as_json: bool
) -> int:
    """Show what changed from BEFORE to AFTER: flash, RAM, stack and cycles, by layer and symbol.

    Both are folders that `toolkit build` wrote, or reports (report.json). It informs: the exit code
    is 0 whatever changed; `toolkit check` holds a build against a base.
    """
    from toolkit.budget.outputs.difference import diff_json, diff_markdown, diff_text
    from toolkit.report.render import made_folder, write_text
    from toolkit.verbs.diff import DiffRequest, diff

    keys = frozenset(key for text in loosened for key in text.split(","))
    found = diff(DiffRequest(before, after, keys))
    click.echo(diff_json(found) if as_json else diff_text(found), nl=False)
    if markdown is not None:
        write_text(made_folder(markdown), diff_markdown(found))
    return 0
