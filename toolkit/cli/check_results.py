"""``toolkit check merge`` and ``toolkit check history``: what becomes of results."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.check_outputs import write_outputs

_PATH = click.Path(path_type=Path)


@click.command("merge")
@click.argument("results", nargs=-1, required=True, type=_PATH)
@click.option("--title", default="", help="Tells comments of several jobs apart.")
@click.option("--markdown", type=_PATH, help="Write a comment for CI to post.")
@click.option("--junit", type=_PATH, help="Write JUnit XML, without times.")
@click.option("--result", type=_PATH, help="Write the merged verdicts as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the merged verdicts as JSON.")
def merge(
    results: tuple[Path, ...],
    title: str,
    markdown: Path | None,
    junit: Path | None,
    result: Path | None,
    as_json: bool,
) -> int:
    """Join the RESULTS of several jobs (`toolkit check --result`), files or folders of them.

    A result that is missing or damaged is an error of its own. The exit code is the worst of all.
    """
    from toolkit.verbs.check_merge import merge_results

    return write_outputs(merge_results(results, title), (markdown, junit, result), as_json)


@click.command("history")
@click.argument("results", required=False, type=_PATH)
@click.option("--budget", type=_PATH, default=Path("toolkit.toml"), help="Whose baselines.")
@click.option("--commits", default="HEAD", show_default=True, help="A range such as v1..main.")
@click.option("-n", "most", type=click.IntRange(1), default=50, show_default=True, help="At most.")
@click.option("--figure", "figures", multiple=True, help="Only these; repeatable.")
@click.option("--csv", type=_PATH, help="Write every figure of every state.")
@click.option("--html", type=_PATH, help="Write a page with a curve a figure.")
def history(
    results: Path | None,
    budget: Path,
    commits: str,
    most: int,
    figures: tuple[str, ...],
    csv: Path | None,
    html: Path | None,
) -> int:
    """Show how figures moved, and the commit that moved them.

    From the committed baselines of the budgets in git, or from RESULTS, a folder of what `toolkit
    check --result` wrote, in the order of their names.
    """
    from toolkit.budget.history import history_csv, history_html, history_text, only
    from toolkit.report.render import write_text
    from toolkit.verbs.check_history import history_of_commits, history_of_results

    if results is not None:
        states = history_of_results(results)
    else:
        states = history_of_commits(budget, commits, most)
    states = only(states, figures)
    click.echo(history_text(states), nl=False)
    if csv is not None:
        write_text(csv, history_csv(states))
    if html is not None:
        write_text(html, history_html(states))
    return 0
