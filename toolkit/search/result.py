"""What a search has found so far: counts, the points that none dominates, a config for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.search import study as shared
from toolkit.search.config import SearchConfig
from toolkit.search.genome import Genome
from toolkit.search.proxy import training_data
from toolkit.search.rank import OBJECTIVES, ranks
from toolkit.search.toml import toml_text

if TYPE_CHECKING:
    from optuna import Study

#: Folder of the configs of points.
GENOMES = "genomes"


@dataclass(frozen=True)
class Point:
    """A genome trained to the last step: its validation CCC, measured, and what it costs on the
    first target, estimated, by the names of `OBJECTIVES`."""

    genome: Genome
    trial: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """A study: ``trained`` genomes, of which ``stopped`` at a rung; trials that a budget
    ``rejected`` in breeding, that were ``copied`` or ``failed``; genomes ``drawn`` for screening,
    and how many each budget ``turned_away`` there; the ``points`` that none dominates, the best CCC
    first, of ``whole`` trainings."""

    name: str
    sampler: str
    trained: int
    stopped: int
    rejected: int
    copied: int
    failed: int
    drawn: int
    turned_away: Mapping[str, int]
    whole: int
    points: tuple[Point, ...]


def read_study(config: SearchConfig, study: Study) -> Found:
    """What lies in a study."""
    every = shared.trials(study)
    done = [t for t in every if shared.is_done(t)]
    trained = [t for t in done if shared.was_trained(t)]
    last = f"{shared.RUNG}{config.steps}"
    whole = [t for t in trained if last in t.user_attrs]
    front = [t for t, rank in zip(whole, ranks([tuple(t.values) for t in whole]), strict=True)
             if rank == 0]  # fmt: skip
    screened = [t.user_attrs[shared.SCREENED] for t in every if shared.SCREENED in t.user_attrs]
    turned_away: Counter[str] = Counter()
    for notes in screened:
        turned_away.update(notes["rejected"])
    points = [
        Point(
            config.space.genome(shared.genes_of(trial)),
            trial.number,
            dict(zip(OBJECTIVES, trial.values, strict=True)),
        )
        for trial in front
    ]
    return Found(
        name=config.name,
        sampler=config.sampler,
        trained=len(trained),
        stopped=len(trained) - len(whole),
        rejected=sum(shared.REJECTED in t.user_attrs for t in done),
        copied=sum(shared.COPY_OF in t.user_attrs for t in done),
        failed=sum(t.state.name == "FAIL" for t in every),
        drawn=sum(notes["drawn"] for notes in screened),
        turned_away=dict(turned_away.most_common()),
        whole=len(whole),
        points=tuple(sorted(points, key=lambda point: -point.values["ccc"])),
    )


def point_config(config: SearchConfig, genome: Genome) -> str:
    """The text of a CONFIG.toml with which `toolkit train` makes a genome's network; paths in it do
    not depend on where it lies."""
    data: dict[str, Any] = {"name": f"{config.name}-{genome.key}", **training_data(config, genome)}
    folder = config.folder.absolute()
    corpora = [
        {**corpus, "manifest": _anywhere(corpus.get("manifest"), folder)}
        for corpus in data.get("corpus", ())
    ]
    return f"# {genome.words}\n" + toml_text({**data, "corpus": corpora})


def _anywhere(path: Any, folder: Path) -> Any:
    return path if not isinstance(path, str) or path.startswith("$") else str(folder / path)


def commands(point: Point, out: Path, target: str) -> tuple[str, str]:
    """How a point becomes a trained network, and this a firmware."""
    run = out / point.genome.key
    train = f"toolkit train {out / GENOMES / point.genome.key}.toml --out {run}"
    return train, f"toolkit build {run / 'model.onnx'} --target {target}"
