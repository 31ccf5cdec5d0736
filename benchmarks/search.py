"""Does a search find networks that fit and hear better?  The block of docs/RESULTS.md on it.

``python -m benchmarks.search run --out build/search`` searches by NSGA-II and at random, the same
number of short trainings each, ten by ten, and goes on where it was stopped; ``final`` trains both
winners and wav2small-ha with several seeds, tested on voices that no search heard; ``build``
compiles and runs the last of each; ``screen`` times early exit; ``write`` puts all into the
document.

Searches hear parts 1 to 3 of EmoTale's speakers, of which one speaker each validates; the fourth
part is tested once, by the finals.  All networks take at most the cycles of wav2small-ha.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import RESULTS, write_generated
from benchmarks.models import ROOT
from benchmarks.training import EMOTALE, FOLDS
from toolkit.deploy.model import load
from toolkit.search import study as shared
from toolkit.search.config import SearchConfig, parse_config
from toolkit.search.cost import cost
from toolkit.search.genome import Genome
from toolkit.search.proxy import Trainings, training_data
from toolkit.search.rank import OBJECTIVES
from toolkit.search.result import Found, read_study
from toolkit.search.screen import judge
from toolkit.search.worker import Told, Worker
from toolkit.training.config import LABELS
from toolkit.training.config import parse_config as parse_training
from toolkit.training.layers import DEFAULT_LAYERS
from toolkit.training.run import train
from toolkit.verbs.export import default_cache, write_model

MODULE = "benchmarks.search"
TARGET = "hearing-aid"
SAMPLERS = ("nsga2", "random")
TRAININGS, STEPS, RUNG = 100, 300, 100
#: Of the finals, on the recipe's steps.
SEEDS, FINAL_STEPS = (0, 1, 2), 500
TESTED = 3
#: One speaker of each of the parts that searches hear.
VALIDATION = ("012", "013", "010")
BASELINE = "wav2small-ha"
SPACE = {
    "stages": [2, 3, 4],
    "widths": [8, 12, 16, 24, 32],
    "kernels": [[3, 3], [5, 3], [3, 5], [1, 3]],
    "strides": [[1, 1], [1, 2], [2, 2]],
    "front_end": [{}, {"frame_samples": 512, "hop_samples": 320}],
}


@dataclass(frozen=True)
class Final:
    """A network trained on parts 1 to 3, tested on the fourth: CCC by label, of float."""

    network: str
    key: str
    words: str
    seed: int
    cpu_seconds: float
    ccc: Sequence[float]


@dataclass(frozen=True)
class Built:
    """A network of the finals built: each figure by the search's estimate, and as it came out."""

    network: str
    estimated: Mapping[str, float]
    found: Mapping[str, float]


def heard() -> list[str]:
    """The speakers that searches may hear."""
    return [s for place, part in enumerate(FOLDS) if place != TESTED for s in part]


def search_config(sampler: str) -> SearchConfig:
    """The search of the experiment, by one of `SAMPLERS`."""
    speakers = [s for s in heard() if s not in VALIDATION]
    split = {"train": speakers, "validation": list(VALIDATION)}
    limit = cost(Genome(DEFAULT_LAYERS), TARGET).find("cycles_per_audio_second")
    assert limit is not None
    data = {
        "name": sampler,
        "trainings": TRAININGS,
        "population": 20,
        "rungs": [RUNG],
        "space": SPACE,
        "train": {"steps": STEPS, "corpus": [{**EMOTALE, "split": split}]},
        "budget": [{"target": TARGET, "limits": {"cycles_per_audio_second": limit.value}}],
    }
    return replace(parse_config(data, Path("search.toml")), sampler=sampler)


def run_searches(out: Path, trainings: int) -> None:
    """Both searches side by side, ten trainings at a time."""

    def line(sampler: str) -> Any:
        before = time.process_time()

        def tell(told: Told) -> None:
            nonlocal before
            seconds, before = time.process_time() - before, time.process_time()
            row = {"seconds": seconds, **asdict(told), "genome": told.genome.words}
            with (out / f"{sampler}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(sampler, told.number, told.what, told.genome.words, told.values[:2], flush=True)

        return tell

    workers = {}
    for sampler in SAMPLERS:
        config = search_config(sampler)
        proxy = Trainings(config, default_cache())
        workers[sampler] = Worker(config, out / sampler, proxy, line(sampler))
    for number in range(10, trainings + 1, 10):
        for worker in workers.values():
            worker.run(number)


def winner(sampler: str, out: Path) -> tuple[Genome, float]:
    """The genome with the best CCC of those trained to the end, and that CCC."""
    best = _found(sampler, out).points[0]
    return best.genome, best.values["ccc"]


def finalists(out: Path) -> dict[str, Genome]:
    """The networks of the finals."""
    found = {sampler: winner(sampler, out)[0] for sampler in SAMPLERS}
    return {**found, BASELINE: Genome(DEFAULT_LAYERS)}


def final(network: str, genome: Genome, seed: int, out: Path) -> Final:
    """Train and test one; its ONNX stays in ``out``."""
    config = search_config("nsga2")
    split = {"train": heard(), "test": list(FOLDS[TESTED])}
    changed = {"steps": FINAL_STEPS, "seed": seed, "corpus": [{**EMOTALE, "split": split}]}
    whole = replace(config, train={**config.train, **changed})
    training = parse_training(training_data(whole, genome), Path("final.toml"))
    folder = out / "final"
    folder.mkdir(parents=True, exist_ok=True)
    outcome = train(training, folder, default_cache(), False, lambda row: None)
    assert outcome is not None
    clips = outcome.clips.of("train").clean
    write_model(outcome.net, training.spec, clips, out / f"{network}.onnx")
    ccc = [outcome.metrics["test"][label] for label in LABELS]
    seconds = round(outcome.cpu_seconds, 1)
    return Final(network, genome.key, genome.words, seed, seconds, ccc)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that was begun."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def run_finals(out: Path) -> None:
    """What is not there yet, seed by seed."""
    path = out / "finals.jsonl"
    known = {(r["network"], r["key"], r["seed"]) for r in read_lines(path)}
    for seed in SEEDS:
        for network, genome in finalists(out).items():
            if (network, genome.key, seed) not in known:
                result = final(network, genome, seed, out)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
                print(result, flush=True)


def build(network: str, genome: Genome, out: Path) -> Built:
    """Compile a finalist, run it on the demo clip: what the search had said, and what came out."""
    report = load(out / f"{network}.onnx").deploy(TARGET).compile().run().report
    names = (*OBJECTIVES[1:], "cycles_per_frame_worst", "energy_uj_per_audio_second")
    found = {name: m.value for name in names if (m := report.find(name)) is not None}
    told = cost(genome, TARGET)
    estimated = {name: m.value for name in found if (m := told.find(name)) is not None}
    return Built(network, estimated, found)


def screened(count: int) -> dict[str, float]:
    """CPU seconds in which as many random genomes are kept or rejected."""
    config = search_config("random")
    rng = np.random.default_rng(0)
    started, kept = time.process_time(), 0
    for _ in range(count):
        kept += not judge(config.space.genome(config.space.draw(rng)), config.budget).broken
    return {"genomes": count, "kept": kept, "cpu_seconds": time.process_time() - started}


# --- tables --------------------------------------------------------------------------------------
def table_text(out: Path) -> str:
    """The block of docs/RESULTS.md, in markdown."""
    studies = {sampler: _found(sampler, out) for sampler in SAMPLERS}
    finals = [Final(**line) for line in read_lines(out / "finals.jsonl")]
    built = [Built(**one) for one in json.loads((out / "built.json").read_text())]
    drawn = json.loads((out / "screen.json").read_text())
    made = " and ".join(f"{found.trained} ({name})" for name, found in studies.items())
    return "\n".join(
        [
            f"{drawn['genomes']:,} random genomes were kept ({drawn['kept']:,}) or rejected for "
            f"{TARGET} in {drawn['cpu_seconds']:.0f} CPU seconds (*measured*; the budget is the "
            f"part's own and the cycles of {BASELINE}; 60 seconds were allowed).",
            "",
            f"Asked were {TRAININGS} trainings for each search, made were {made}, of {STEPS} steps "
            f"with a rung at {RUNG}, on the speakers of parts 1 to 3 of EmoTale, of whom "
            f"{', '.join(VALIDATION)} validate. CPU seconds *measured* on a shared workstation:",
            "",
            "| search | trained | stopped at the rung | bred over budget | copied | drawn | "
            "CPU s | best validation CCC |",
            "|---|---|---|---|---|---|---|---|",
            *(_search_row(name, found, out) for name, found in studies.items()),
            "",
            f"The best of each by validation and {BASELINE}, trained on all speakers of parts 1 to "
            f"3 ({FINAL_STEPS} steps) and tested on part 4, {', '.join(FOLDS[TESTED])}, which no "
            "search heard (*measured*, float, mean ± deviation of the seeds):",
            "",
            "| network | from | seeds | arousal | dominance | valence | mean |",
            "|---|---|---|---|---|---|---|",
            *(_final_row(name, finals) for name in (*SAMPLERS, BASELINE)),
            "",
            *_differences(finals),
            "",
            f"The same built for {TARGET} and run: the search's estimate, made from shapes before "
            "any training, and what came out (sizes *measured* from the linker map, the others "
            "*simulated*):",
            "",
            "| network | figure | estimated | found | off |",
            "|---|---|---|---|---|",
            *(row for one in built for row in _built_rows(one)),
        ]
    )


def _found(sampler: str, out: Path) -> Found:
    config = search_config(sampler)
    return read_study(config, shared.open_study(config, out / sampler)[0])


def _search_row(name: str, found: Found, out: Path) -> str:
    lines = read_lines(out / f"{name}.jsonl")
    seconds = sum(line["seconds"] for line in lines)
    cells = (found.trained, found.stopped, found.rejected, found.copied, found.drawn)
    best = winner(name, out)[1]
    return f"| {name} | {' | '.join(map(str, cells))} | {seconds:.0f} | {best:.3f} |"


def _final_row(name: str, finals: Sequence[Final]) -> str:
    runs = [run for run in finals if run.network == name]
    values = np.array([[*run.ccc, np.mean(run.ccc)] for run in runs])
    spread = values.std(axis=0, ddof=1)
    cells = " | ".join(
        f"{m:.3f} ± {s:.3f}" for m, s in zip(values.mean(axis=0), spread, strict=True)
    )
    return f"| {runs[0].words} | {name} | {len(runs)} | {cells} |"


def _differences(finals: Sequence[Final]) -> list[str]:
    """The winner against the others, seed by seed."""
    mean = {
        name: np.array([np.mean(run.ccc) for run in finals if run.network == name])
        for name in (*SAMPLERS, BASELINE)
    }
    lines = []
    for other in (SAMPLERS[1], BASELINE):
        apart = mean[SAMPLERS[0]] - mean[other]
        lines.append(
            f"- {SAMPLERS[0]} against {other}: {apart.mean():+.3f} ± {apart.std(ddof=1):.3f} "
            f"(mean CCC, seed by seed)."
        )
    return lines


def _built_rows(one: Built) -> list[str]:
    return [
        f"| {one.network} | `{name}` | {one.estimated[name]:,.0f} | {value:,.0f} | "
        f"{one.estimated[name] / value - 1:+.1%} |"
        for name, value in one.found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "final", "build", "screen", "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "search")
    parser.add_argument("--trainings", type=int, default=TRAININGS)
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.what == "run":
        run_searches(out, arguments.trainings)
    elif arguments.what == "final":
        run_finals(out)
    elif arguments.what == "build":
        built = [asdict(build(network, genome, out)) for network, genome in finalists(out).items()]
        (out / "built.json").write_text(json.dumps(built, indent=1))
    elif arguments.what == "screen":
        (out / "screen.json").write_text(json.dumps(screened(1000)))
    else:
        write_generated(RESULTS, MODULE, table_text(out))


if __name__ == "__main__":
    main()
