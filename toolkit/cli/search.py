"""``toolkit search``: networks that fit the part before they are trained."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import cache_option


@click.command("search")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder (default: out/<name of CONFIG>)."
)
@click.option("--trainings", type=click.IntRange(1), help="Instead of the config's.")
@click.option("--random", is_flag=True, help="Draw instead of breeding: the search to beat.")
@cache_option
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def command(
    config: Path,
    out: Path | None,
    trainings: int | None,
    random: bool,
    cache: Path | None,
    as_json: bool,
) -> int:
    """Search networks within budgets, as CONFIG.toml says (docs/TRAINING.md#search).

    Genomes over a budget are never trained.  Run the same command again, or on more machines that
    share the storage, to go on or to help; any worker may be killed.
    """
    from toolkit.cli.options import feature_cache
    from toolkit.report.search import print_front
    from toolkit.verbs.search import SearchRequest, fronts_of, result_data, search

    folder = Path("out") / config.stem if out is None else out
    overrides = {} if trainings is None else {"trainings": trainings}
    request = SearchRequest(config, folder, feature_cache(cache), random, overrides)
    result = search(request, lambda line: click.echo(line, err=True))
    if as_json:
        import json

        click.echo(json.dumps(result_data(result, folder), indent=2, allow_nan=False))
    else:
        from rich.console import Console

        for front in fronts_of(result, folder):
            print_front(front, Console())
    return 0
