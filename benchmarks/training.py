"""What recipes reach on voices they have not heard: the tables of docs/TRAINING.md.

``python -m benchmarks.training folds|zoo --out build/training`` trains what is not there yet and
adds a line a run to ``results.jsonl`` (a CPU minute each); ``write`` puts the tables into the
document.  Figures are those of the generated C on this workstation, features included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import write_generated
from benchmarks.models import ROOT
from toolkit.deploy.model import load
from toolkit.emit import write_files
from toolkit.ir.tensor import Array
from toolkit.metrics import concordance
from toolkit.training.cache import cached_features
from toolkit.training.config import LABELS, Config, parse_config
from toolkit.training.data import EMOTALE_CLASSES, EMOTALE_SPEAKERS
from toolkit.training.loop import predict, recalibrate
from toolkit.training.manifest import Recording, digest, load_manifest
from toolkit.training.run import train
from toolkit.verbs.evaluate_run import c_outputs
from toolkit.verbs.export import default_cache, write_model

MODULE = "benchmarks.training"
DOCUMENT = ROOT / "docs" / "TRAINING.md"
SEEDS = (0, 1, 2)
#: EmoTale's speakers, in four parts; each is tested by nets trained on the other three.
FOLDS = (("001", "004", "012"), ("003", "005", "013"), ("006", "007", "010"), ("011", "015"))
EMOTALE = {
    "name": "EmoTale",
    "manifest": "$TOOLKIT_DATA/emotale/labels.csv",
    "audio": "audio",
    "scale": [1, 5],
    "classes": EMOTALE_CLASSES,
}
#: Recipes on EmoTale's folds: what differs from the defaults.
RECIPES: Mapping[str, dict[str, Any]] = {
    "wav2small_ha 256/256": {"net": "wav2small_ha", "steps": 1000},
    "wav2small_ha 256/160": {
        "net": "wav2small_ha",
        "steps": 1000,
        "features": {"hop_samples": 160},
    },
}
#: Zoo models, by their recipe beside them.
ZOO = {
    "wav2small-ha": ROOT / "models/wav2small-ha/train.toml",
    "wav2small-ha-research": ROOT / "models_research/wav2small-ha-research/train.toml",
}


@dataclass(frozen=True)
class Result:
    """A run: CCC by form (float, C, float with recalibrated statistics) and label."""

    table: str
    recipe: str
    fold: int
    seed: int
    recordings: int
    cpu_seconds: float
    ccc: Mapping[str, Sequence[float]]


def fold_config(recipe: str, fold: int, seed: int) -> Config:
    """A recipe trained on three parts of EmoTale, tested on the fourth."""
    train_speakers = [s for part in FOLDS if part != FOLDS[fold] for s in part]
    split = {"train": train_speakers, "test": list(FOLDS[fold])}
    data = {**RECIPES[recipe], "seed": seed, "corpus": [{**EMOTALE, "split": split}]}
    return parse_config(data, Path("folds.toml"))


def zoo_config(path: Path, seed: int) -> Config:
    """A zoo model's recipe, with another seed."""
    return parse_config({**tomllib.loads(path.read_text()), "seed": seed}, path)


def run(table: str, recipe: str, fold: int, config: Config, tested: Sequence[Recording]) -> Result:
    """Train, export, compile, and hear the recordings that are tested."""
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        folder = Path(scratch)
        outcome = train(config, folder, default_cache(), False, lambda row: None)
        assert outcome is not None
        trained = outcome.clips.of("train").clean
        features = cached_features(tested, digest(tested), config.spec, 1.0, default_cache())
        outputs = {"float": predict(outcome.net, features)}
        write_model(outcome.net, config.spec, trained, folder / "model.onnx")
        outputs["C"] = device_outputs(folder / "model.onnx", [r.path for r in tested], folder)
        recalibrate(outcome.net, trained)
        outputs["recalibrated"] = predict(outcome.net, features)
    targets = np.stack([r.target for r in tested])
    ccc = {
        form: [round(concordance(values[:, i], targets[:, i]), 4) for i in range(len(LABELS))]
        for form, values in outputs.items()
    }
    seconds = round(outcome.cpu_seconds, 1)
    return Result(table, recipe, fold, config.seed, len(tested), seconds, ccc)


def device_outputs(onnx: Path, files: Sequence[Path], folder: Path) -> Array:
    """Real outputs [files, 3] of a model's generated C, on whole recordings."""
    deployment = load(onnx).deploy("cortex-m4")
    project = folder / "project"
    project.mkdir()
    write_files(deployment.project(), project)
    return c_outputs(deployment, deployment.harness.compile_host(project, "zig", project), files)


def fold_runs(wanted: Sequence[str]) -> Iterator[tuple[str, str, int, Config, list[Recording]]]:
    for recipe in wanted or RECIPES:
        for seed in SEEDS:
            for fold in range(len(FOLDS)):
                config = fold_config(recipe, fold, seed)
                tested = [r for r in load_manifest(config.corpus[0]) if r.split == "test"]
                yield "folds", recipe, fold, config, tested


def zoo_runs(wanted: Sequence[str]) -> Iterator[tuple[str, str, int, Config, list[Recording]]]:
    split = {"test": list(EMOTALE_SPEAKERS)}
    every = parse_config(
        {"net": "wav2small_ha", "corpus": [{**EMOTALE, "split": split}]}, Path("test.toml")
    )
    for name in wanted or ZOO:
        for seed in SEEDS:
            yield "zoo", name, 0, zoo_config(ZOO[name], seed), load_manifest(every.corpus[0])


RUNS = {"folds": fold_runs, "zoo": zoo_runs}


# --- tables --------------------------------------------------------------------------------------
def table_text(results: Sequence[Result]) -> str:
    """Both tables, in markdown."""
    parts = []
    for table, title in (
        ("folds", "EmoTale, 4 folds of its 11 speakers, mean ± deviation of the folds"),
        ("zoo", "Zoo recipes on all of EmoTale, mean ± deviation of the seeds"),
    ):
        chosen = [r for r in results if r.table == table]
        if chosen:
            parts.append(_table(title, chosen))
    return "\n\n".join(parts)


def _table(title: str, results: Sequence[Result]) -> str:
    seeds = len({r.seed for r in results})
    lines = [
        f"{title} (*measured*, generated C on the workstation, {seeds} seeds; CPU seconds of one "
        "thread, features cached):",
        "",
        "| recipe | form | arousal | dominance | valence | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    by_recipe = defaultdict(list)
    for result in results:
        by_recipe[result.recipe].append(result)
    for recipe, members in by_recipe.items():
        seconds = np.mean([m.cpu_seconds for m in members])
        for form in ("C", "float", "recalibrated"):
            cells = " | ".join(_spread(members, form, i) for i in range(len(LABELS)))
            lines.append(f"| {recipe} | {form} | {cells} | {seconds:.0f} |")
    return "\n".join(lines)


def _spread(members: Sequence[Result], form: str, index: int) -> str:
    """Over folds of the seeds' mean; over seeds where there is one fold."""
    by_key = defaultdict(list)
    folds = len({m.fold for m in members}) > 1
    for member in members:
        by_key[member.fold if folds else member.seed].append(member.ccc[form][index])
    means = [float(np.mean(values)) for values in by_key.values()]
    return f"{np.mean(means):.3f} ± {np.std(means, ddof=1) if len(means) > 1 else 0:.3f}"


def read_results(out: Path) -> list[Result]:
    """The runs that were done."""
    path = out / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [Result(**json.loads(line)) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*RUNS, "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "training")
    parser.add_argument("--only", action="append", default=[], help="a recipe; repeatable")
    arguments = parser.parse_args()
    done = read_results(arguments.out)
    if arguments.what == "write":
        write_generated(DOCUMENT, MODULE, table_text(done))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = {(r.table, r.recipe, r.fold, r.seed) for r in done}
    for table, recipe, fold, config, tested in RUNS[arguments.what](arguments.only):
        if (table, recipe, fold, config.seed) in known:
            continue
        result = run(table, recipe, fold, config, tested)
        with (arguments.out / "results.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        print(recipe, fold, config.seed, dict(result.ccc), f"{result.cpu_seconds:.0f} CPU s")


if __name__ == "__main__":
    main()
