"""``toolkit check``: budgets and baselines, for CI; ``merge`` and ``history`` are verbs of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import click

from toolkit.cli.check_outputs import write_outputs
from toolkit.cli.check_results import history, merge

_PATH = click.Path(path_type=Path)


class _WithVerbs(click.Command):
    """A command whose first word may be one of its verbs, instead of a MODEL."""

    verbs: ClassVar[dict[str, click.Command]] = {"merge": merge, "history": history}

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        verb = self.verbs.get(args[0]) if args else None
        if verb is None:
            return super().make_context(info_name, args, parent, **more)
        return verb.make_context(f"{info_name} {args[0]}", args[1:], parent, **more)


@click.command("check", cls=_WithVerbs)
@click.argument("model", required=False)
@click.option(
    "--budget", type=_PATH, default=Path("toolkit.toml"), show_default=True, help="The budgets."
)
@click.option("--target", "targets", multiple=True, help="Only its budgets; repeatable.")
@click.option(
    "--report",
    "reports",
    type=_PATH,
    multiple=True,
    help="Judge this report.json instead of building; with MODEL, add its figures; repeatable.",
)
@click.option(
    "--against",
    help="Compare with a git commit, a folder (a checkout, or --save of the base) or a report.json"
    ", instead of the committed baselines.",
)
@click.option(
    "--allow-different",
    "loosened",
    multiple=True,
    help="Compare although this differs (toolchain, simulator, schedule, options, test...).",
)
@click.option("--update", is_flag=True, help="Judge, then write the baselines of what holds.")
@click.option("--accept", is_flag=True, help="With --update: also of what does not hold.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, help="Builds at a time.")
@click.option("--cache", type=_PATH, help="Folder of reports: unchanged budgets are not rebuilt.")
@click.option(
    "--save", type=_PATH, help="Folder for every report.json, for --against and archives."
)
@click.option("--title", default="", help="Tells comments of several jobs apart.")
@click.option("--markdown", type=_PATH, help="Write a comment for CI to post.")
@click.option("--junit", type=_PATH, help="Write JUnit XML.")
@click.option("--result", type=_PATH, help="Write the verdicts as JSON, for `merge` and `history`.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
@click.option("--init", is_flag=True, help="Write the budgets of MODEL for --target, from a build.")
def command(
    model: str | None,
    budget: Path,
    targets: tuple[str, ...],
    reports: tuple[Path, ...],
    against: str | None,
    loosened: tuple[str, ...],
    update: bool,
    accept: bool,
    jobs: int,
    cache: Path | None,
    save: Path | None,
    title: str,
    markdown: Path | None,
    junit: Path | None,
    result: Path | None,
    as_json: bool,
    init: bool,
) -> int:
    """Hold MODEL, or every model that the budgets name, against its budgets (docs/CI.md).

    A budget may name data (test, labels) on which accuracy is measured, layer by layer.

    Each budget ends for itself, and all outputs are always written.  The exit code is the worst of
    all: 0 every budget holds; 1 one is exceeded; 2 bad input, also a base that cannot be compared;
    3 a needed tool is missing; 4 internal error.  The line of an exceeded budget names what changed
    most against the base, or contributes most, and what to do.

    In GitHub Actions the summary and annotations appear by themselves.

    `toolkit check merge` joins the results of several jobs, `toolkit check history` shows figures
    over commits or results; both have their own --help.
    """
    from toolkit.cli.progress import Stages
    from toolkit.verbs.check import CheckRequest, check
    from toolkit.verbs.check_make import Workshop

    stages = Stages(quiet=as_json)
    if init:
        from toolkit.budget.model import Subject
        from toolkit.verbs.check_init import init_budgets

        subject = Subject("", model=model or "wav2small")
        click.echo(init_budgets(subject, targets or ("cortex-m4",), budget, stages))
        return 0
    request = CheckRequest(
        budget=budget,
        model=model,
        reports=reports,
        targets=targets,
        against=against,
        loosened=frozenset(key for text in loosened for key in text.split(",")),
        update=update,
        accept=accept,
        workshop=Workshop(jobs, cache),
        save=save,
        title=title,
    )
    found = check(request, stages)
    return write_outputs(found, (markdown, junit, result), as_json)
