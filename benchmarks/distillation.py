"""Does a teacher help small students?  The tables of docs/TRAINING.md on distillation.

``python -m benchmarks.distillation run --out build/distillation`` trains what is not there yet, a
line a run in ``results.jsonl`` (half a CPU hour a seed); ``cost`` builds each student once for
cortex-m4; ``write`` puts the tables into the document.  CCC are of the float networks.

On each fold of EmoTale's speakers an ensemble is trained on the human labels of three parts, and
rates those parts and all of nEMO, which has no ratings.  Students hear either the human labels, or
what the ensemble said, never both; the fourth part tests them.  Seeds, steps, front end and
augmentation are the same in every cell.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.documents import write_generated
from benchmarks.models import ROOT
from benchmarks.training import DOCUMENT, EMOTALE, FOLDS
from toolkit.deploy.model import load
from toolkit.metrics import concordance
from toolkit.model.inputs import audio_files
from toolkit.training.config import LABELS, parse_config
from toolkit.training.manifest import load_manifest
from toolkit.training.run import WEIGHTS, train
from toolkit.training.teach import Job, merged, teach, write_labels
from toolkit.training.teachers import open_teacher
from toolkit.training.teachers.base import Teacher
from toolkit.verbs.export import default_cache, write_model

MODULE = "benchmarks.distillation"
SEEDS = (0, 1, 2)
STEPS = 300
#: The ensemble: seeds of its own, and the steps of the recipe.
TEACHERS, TEACHER_STEPS = (100, 101, 102, 103), 500
#: The front end of wav2small_ha, for all.
FEATURES = {
    "frame_samples": 256, "hop_samples": 256, "n_mels": 26, "log": "db", "floor": 1e-4,
}  # fmt: skip
SMALL = {"width": 0.35, "head": 128, "excite": "bands"}
STUDENTS: Mapping[str, dict[str, Any]] = {
    "wav2small": {"net": "wav2small", "features": FEATURES},
    "wav2small_ha": {"net": "wav2small_ha"},
    "MobileNetV3-Small ×.35": {"net": "mobilenetv3_small", "features": FEATURES, "shape": SMALL},
    "MobileNetV4-Conv-Small ×.35": {
        "net": "mobilenetv4_conv_small",
        "features": FEATURES,
        "shape": {**SMALL, "excite": "clip"},
    },
}
HUMAN = "human labels"
#: What students hear of the teacher: losses besides those of its outputs.
LOSSES: Mapping[str, dict[str, Any]] = {
    HUMAN: {},
    "teacher's labels": {"classes": 0},
    "and features": {"classes": 0, "features": 0.5},
    "and ND, embedding": {"classes": 0, "nd": 1.0},
    "and ND, bins": {"classes": 0, "nd": 1.0, "direction": "bins", "bins": 3},
}
#: Figures of a build, their names in its report.
COSTS = ("cycles_per_audio_second", "ram_static_bytes", "flash_bytes")


@dataclass(frozen=True)
class Result:
    """A run on a fold: CCC by label on the tested recordings."""

    student: str
    loss: str
    fold: int
    seed: int
    parameters: int
    cpu_seconds: float
    ccc: Sequence[float]


@dataclass(frozen=True)
class Cost:
    """A student built for cortex-m4."""

    student: str
    schedule: str
    figures: Mapping[str, float]


def corpora(fold: int, labels: Path | None) -> list[dict[str, Any]]:
    """Human labels, or the teacher's in the folder ``labels``; tested on the fourth part always."""
    tested = list(FOLDS[fold])
    others = [s for part in FOLDS if part != FOLDS[fold] for s in part]
    if labels is None:
        return [{**EMOTALE, "split": {"train": others, "test": tested}}]
    taught = [
        {"name": name, "manifest": str(labels / f"{name}.parquet"), "targets": "teacher"}
        for name in ("taught-emotale", "taught-nemo")
    ]
    return [*taught, {**EMOTALE, "split": {"test": tested}}]


def ensemble(fold: int, out: Path) -> Teacher:
    """The teacher of a fold, trained where it is not there yet."""
    members = []
    for seed in TEACHERS:
        folder = out / f"teacher-{fold}-{seed}"
        if not (folder / WEIGHTS).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            data = {"net": "wav2small_ha", "seed": seed, "steps": TEACHER_STEPS}
            config = parse_config({**data, "corpus": corpora(fold, None)}, Path("teacher.toml"))
            train(config, folder, default_cache(), False, lambda row: None)
        members.append(str(folder / WEIGHTS))
    return open_teacher(members)


def taught(fold: int, out: Path, teacher: Teacher) -> Path:
    """The folder of what the teacher of a fold said."""
    folder = out / f"labels-{fold}"
    human = parse_config({"net": "wav2small_ha", "corpus": corpora(fold, None)}, Path("x.toml"))
    heard = [r.path for r in load_manifest(human.corpus[0]) if r.split == "train"]
    nemo = audio_files(Path(os.environ["TOOLKIT_DATA"]) / "nemo" / "audio")
    for name, files in (("taught-emotale", heard), ("taught-nemo", nemo)):
        if (folder / f"{name}.parquet").is_file():
            continue
        job = Job({str(path): path for path in files}, folder / f"{name}.parts", embeddings=True)
        done = teach(teacher, job, lambda progress: None)
        print(f"{name}: {done.files_per_second:.1f} files a second", flush=True)
        write_labels(merged(job, teacher), folder / f"{name}.parquet")
    return folder


def run(student: str, loss: str, fold: int, seed: int, labels: Path, out: Path) -> Result:
    """Train and test one cell."""
    data = {**STUDENTS[student], "steps": STEPS, "seed": seed, "loss": LOSSES[loss]}
    heard = corpora(fold, None if loss == HUMAN else labels)
    config = parse_config({**data, "corpus": heard}, Path("student.toml"))
    folder = out / "student"
    folder.mkdir(parents=True, exist_ok=True)
    outcome = train(config, folder, default_cache(), False, lambda row: None)
    assert outcome is not None
    parameters = sum(p.numel() for p in outcome.net.parameters() if p.requires_grad)
    path = out / f"{config.net}.onnx"
    if not path.is_file():
        write_model(outcome.net, config.spec, outcome.clips.of("train").clean, path)
    ccc = [outcome.metrics["test"][name] for name in LABELS]
    return Result(student, loss, fold, seed, parameters, round(outcome.cpu_seconds, 1), ccc)


def teacher_result(teacher: Teacher, fold: int) -> Result:
    """The ensemble itself on the tested part."""
    from toolkit.features.audio import load_clip

    config = parse_config({"net": "wav2small_ha", "corpus": corpora(fold, None)}, Path("x.toml"))
    tested = [r for r in load_manifest(config.corpus[0]) if r.split == "test"]
    rated = teacher.rate([load_clip(r.path, 16_000).samples for r in tested]).outputs
    targets = np.stack([r.target for r in tested])
    ccc = [round(concordance(rated[:, i], targets[:, i]), 4) for i in range(len(LABELS))]
    return Result("ensemble of 4 wav2small_ha", HUMAN, fold, 0, 0, 0.0, ccc)


def cells() -> Iterator[tuple[str, str]]:
    """Students and losses; the second form of ND for one student."""
    for student in STUDENTS:
        for loss in LOSSES:
            if loss != "and ND, bins" or student == "wav2small_ha":
                yield student, loss


def build(student: str, out: Path) -> Cost:
    """Compile a trained student and run it on the demo clip."""
    deployment = load(out / f"{STUDENTS[student]['net']}.onnx").deploy("cortex-m4")
    report = deployment.compile().run().report
    found = {name: report.find(name) for name in COSTS}
    figures = {name: m.value for name, m in found.items() if m is not None}
    return Cost(student, report.schedule, figures)


# --- tables --------------------------------------------------------------------------------------
def table_text(results: Sequence[Result], costs: Sequence[Cost]) -> str:
    """CCC by student and loss, and what each student costs, in markdown."""
    seeds = sorted({r.seed for r in results if r.student in STUDENTS})
    folds = sorted({r.fold for r in results})
    lines = [
        f"EmoTale, {len(folds)} of {len(FOLDS)} folds of its 11 speakers, {len(seeds)} seed"
        f"{'s' * (len(seeds) != 1)}, {STEPS} steps, float; arousal / dominance / valence, mean "
        "over the folds and in brackets their deviation (*measured*):",
        "",
        f"| student | {' | '.join(LOSSES)} |",
        f"|---|{'---|' * len(LOSSES)}",
    ]
    for student in ["ensemble of 4 wav2small_ha", *STUDENTS]:
        found = [r for r in results if r.student == student]
        row = [_cell([r for r in found if r.loss == loss]) for loss in LOSSES]
        lines.append(f"| {student} | {' | '.join(row)} |")
    lines += [
        "",
        "What they cost on cortex-m4, front end 256/256 with 26 bands included (sizes *measured* "
        "from the linker map, cycles *simulated*; CPU seconds of one training):",
        "",
        "| student | weights | M cycles a second of speech | RAM B | flash B | runs | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for cost in costs:
        runs = [r for r in results if r.student == cost.student]
        cycles, ram, flash = (cost.figures[name] for name in COSTS)
        seconds = np.mean([r.cpu_seconds for r in runs])
        lines.append(
            f"| {cost.student} | {runs[0].parameters:,} | {cycles / 1e6:.1f} | {ram:,.0f} | "
            f"{flash:,.0f} | {cost.schedule} | {seconds:.0f} |"
        )
    return "\n".join(lines)


def _cell(runs: Sequence[Result]) -> str:
    """Mean over folds of the seeds' mean, and the deviation of the folds."""
    by_fold = defaultdict(list)
    for r in runs:
        by_fold[r.fold].append(r.ccc)
    if not by_fold:
        return "–"
    means = np.array([np.mean(values, axis=0) for values in by_fold.values()])
    mean, spread = means.mean(axis=0), means.std(axis=0, ddof=1 if len(means) > 1 else 0)
    text = " / ".join(f"{value:.3f}" for value in mean)
    return f"{text} ({' / '.join(f'{value:.3f}' for value in spread)})"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that was begun."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def append(path: Path, value: Result | Cost) -> None:
    """One more line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(value)) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "cost", "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "distillation")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many of them")
    arguments = parser.parse_args()
    out: Path = arguments.out
    results, costs = out / "results.jsonl", out / "costs.jsonl"
    if arguments.what == "write":
        done = [Result(**line) for line in read_lines(results)]
        built = [Cost(**line) for line in read_lines(costs)]
        write_generated(DOCUMENT, MODULE, table_text(done, built))
        return
    out.mkdir(parents=True, exist_ok=True)
    if arguments.what == "cost":
        costs.unlink(missing_ok=True)
        for student in STUDENTS:
            append(costs, build(student, out))
        return
    known = {(r["student"], r["loss"], r["fold"], r["seed"]) for r in read_lines(results)}
    for seed in SEEDS[: arguments.seeds]:
        for fold in range(len(FOLDS)):
            teacher = ensemble(fold, out)
            labels = taught(fold, out, teacher)
            if not any(key[0].startswith("ensemble") and key[2] == fold for key in known):
                append(results, teacher_result(teacher, fold))
                known.add(("ensemble", HUMAN, fold, seed))
            for student, loss in cells():
                if (student, loss, fold, seed) not in known:
                    result = run(student, loss, fold, seed, labels, out)
                    append(results, result)
                    print(student, loss, fold, seed, result.ccc, result.cpu_seconds, flush=True)


if __name__ == "__main__":
    main()
