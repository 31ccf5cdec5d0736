"""``toolkit search``: networks that fit a target, found by short trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from toolkit.report.plot import fronts
from toolkit.report.search import Front
from toolkit.search.config import SearchConfig, load_config
from toolkit.search.genome import Genome
from toolkit.search.proxy import Trainings, training_config
from toolkit.search.rank import OBJECTIVES
from toolkit.search.result import GENOMES, Found, commands, point_config, read_study
from toolkit.search.space import Space
from toolkit.search.study import has_study, open_study, require_optuna
from toolkit.search.worker import Told, Worker
from toolkit.verbs.convert import write_atomically
from toolkit.verbs.export import require_training

PLOT = "pareto.svg"


@dataclass(frozen=True)
class SearchRequest:
    """What the user asked for; ``random`` draws instead of breeding, in a study of its own beside
    the other."""

    config: Path
    out: Path
    cache: Path
    random: bool = False
    overrides: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SearchResult:
    """What both studies of a search have found, this one's first, and its config."""

    config: SearchConfig
    found: tuple[Found, ...]


def search(request: SearchRequest, tell: Callable[[str], None]) -> SearchResult:
    """Work at the study until it has its trainings, then say what it found; ``tell`` hears a line
    a trial.

    Raises InputError for a config, storage or corpus that cannot be used, ToolMissingError without
    the extras, VerificationError where no genome keeps the budgets.
    """
    require_optuna()
    require_training()
    bred = load_config(request.config, request.overrides)
    drawn = replace(bred, name=f"{bred.name}-random", sampler="random")
    config, other = (drawn, bred) if request.random else (bred, drawn)
    proxy = Trainings(config, request.cache)
    proxy.clips(training_config(config, _first(config.space)))
    worker = Worker(config, request.out, proxy, lambda told: tell(_line(told)))
    worker.run()
    found = [read_study(config, worker.study)]
    if has_study(other, request.out):
        found.append(read_study(other, open_study(other, request.out)[0]))
    for part, config_of in zip(found, (config, other), strict=False):
        _write(request.out, config_of, part)
    if find_spec("matplotlib") is not None and any(f.points for f in found):
        points = {f.sampler: [list(p.values.values()) for p in f.points] for f in found if f.points}
        fronts(request.out / PLOT, bred.name, OBJECTIVES, points)
    return SearchResult(config, tuple(found))


def _line(told: Told) -> str:
    ccc = f", CCC {told.values[0]:.3f}" if told.what in ("trained", "copied") else ""
    return f"{told.number}: {told.what}{ccc}: {told.genome.words}"


def _first(space: Space) -> Genome:
    return space.genome(dict.fromkeys(space.choices, 0))


def _write(out: Path, config: SearchConfig, found: Found) -> None:
    """The config of every point."""
    (out / GENOMES).mkdir(parents=True, exist_ok=True)
    for point in found.points:
        text = point_config(config, point.genome)
        write_atomically(out / GENOMES / f"{point.genome.key}.toml", text.encode())


def fronts_of(result: SearchResult, out: Path) -> tuple[Front, ...]:
    """What to print of each study: CCC measured in validation, costs estimated."""
    return tuple(_front(result.config, found, out) for found in result.found)


def _front(config: SearchConfig, found: Found, out: Path) -> Front:
    target = config.budget[0].target
    turned = ", ".join(f"{name} {count:,}" for name, count in found.turned_away.items())
    share = sum(found.turned_away.values()) and f"; over budget: {turned}"
    notes = [
        f"{found.trained:,} trained, {found.stopped:,} of them stopped at a rung; "
        f"{found.drawn:,} drawn for screening{share or ''}; "
        f"{found.rejected:,} bred and rejected, {found.copied:,} copied, {found.failed:,} failed"
    ]
    rows = [
        [
            point.genome.key,
            f"{point.values['ccc']:.3f}",
            f"{point.values['cycles_per_audio_second'] / 1e6:.2f} M",
            f"{point.values['ram_static_bytes']:,.0f}",
            f"{point.values['flash_bytes']:,.0f}",
            point.genome.words,
        ]
        for point in found.points
    ]
    header = ("genome", "CCC", f"cycles/s on {target}", "RAM B", "flash B", "network")
    best = commands(found.points[0], out, target) if found.points else ()
    title = f"{found.name} ({found.sampler}): CCC measured in validation, costs estimated"
    return Front(title, notes, header, rows, best)


def result_data(result: SearchResult, out: Path) -> dict[str, Any]:
    """The same as plain data."""
    target = result.config.budget[0].target
    studies = []
    for found in result.found:
        points = [
            {
                "genome": point.genome.key,
                "network": point.genome.words,
                "trial": point.trial,
                "measured": {"ccc": point.values["ccc"]},
                "estimated": {n: v for n, v in point.values.items() if n != "ccc"},
                "commands": list(commands(point, out, target)),
            }
            for point in found.points
        ]
        counts = {key: value for key, value in vars(found).items() if key != "points"}
        studies.append({**counts, "points": points})
    return {"schema_version": 1, "target": target, "studies": studies}
