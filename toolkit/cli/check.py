"""``toolkit check``: budgets and baselines, for CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command("check")
@click.argument("model", required=False)
@click.option(
    "--budget",
    type=click.Path(path_type=Path),
    default=Path("toolkit.toml"),
    show_default=True,
    help="The budgets (docs/CI.md).",
)
@click.option("--target", "targets", multiple=True, help="Only its budgets; repeatable.")
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Judge this report.json instead of building; with MODEL, add its figures; repeatable.",
)
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="Baseline, instead of the budget's."
)
@click.option(
    "--allow-different",
    is_flag=True,
    help="Compare with a baseline of another model, toolchain, simulator, schedule or schema.",
)
@click.option("--update", is_flag=True, help="Write the baselines, then judge.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write a comment for CI to post.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(
    model: str | None,
    budget: Path,
    targets: tuple[str, ...],
    reports: tuple[Path, ...],
    baseline: Path | None,
    allow_different: bool,
    update: bool,
    markdown: Path | None,
    junit: Path | None,
    as_json: bool,
) -> int:
    """Hold MODEL, or every model that the budgets name, against its budgets.

    A budget may name data (test, labels) on which accuracy is measured, layer by layer.

    Exit codes: 0 every budget holds; 1 one is exceeded; 2 bad input, also a baseline that cannot be
    compared; 3 a needed tool is missing; 4 internal error. The line of an exceeded budget names the
    layers or functions that changed most against the baseline, or that contribute most.

    In GitHub Actions the summary and annotations appear by themselves.
    """
    from toolkit.budget.render import (
        gates_json,
        gates_junit,
        gates_markdown,
        gates_text,
        github_annotations,
    )
    from toolkit.cli.progress import Stages
    from toolkit.report.render import write_text
    from toolkit.verbs.check import CheckRequest, check

    request = CheckRequest(budget, model, reports, targets, baseline, allow_different, update)
    gates = check(request, Stages(quiet=as_json))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(gates_markdown(gates))
    if markdown is not None:
        write_text(markdown, gates_markdown(gates))
    if junit is not None:
        write_text(junit, gates_junit(gates))
    if os.environ.get("GITHUB_ACTIONS"):
        for line in github_annotations(gates, str(budget)):
            print(line, file=sys.stderr)
    click.echo(gates_json(gates) if as_json else gates_text(gates), nl=False)
    return 0 if all(gate.passed for gate in gates) else 1
