"""``toolkit check --init``: the first budgets of a model, from what it costs today."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from toolkit.budget.model import Subject
from toolkit.budget.names import slug
from toolkit.errors import InputError
from toolkit.report import Report
from toolkit.report.render import write_text
from toolkit.report.text import strongest
from toolkit.targets import load_target
from toolkit.verbs.check_subject import make_report
from toolkit.verbs.stages import Stage

#: Figures with a limit: how far above today's, and with how many digits.
_LIMITS = (
    ("flash_bytes", 1.05),
    ("ram_static_bytes", 1.05),
    ("stack_bound_bytes", 1.1),
    ("frame_latency_ms_worst", 1.1),
    ("energy_uj_per_audio_second", 1.05),
)
_DIGITS = 3
_GROWTH = (
    ("flash_bytes", '"2 % and at least 64 B"'),
    ("ram_static_bytes", '"1 % and at least 32 B"'),
    ("stack_bound_bytes", "32"),
    ("cycles_per_audio_second", '"1 %"'),
    ("cycles_per_inference", '"1 %"'),
)
_HEAD = """# Budgets, held by `toolkit check` (docs/CI.md): limits a few percent above what the
# model had when this file was written, growth against the committed baselines.
version = 1

[defaults]
missing = "fail"            # a figure or check that is not there
tighten = true              # say where a baseline has become loose
"""


def model_here(folder: Path) -> str:
    """The only .onnx or .tflite of a folder.  Raises InputError where there is none, or several."""
    found = sorted(p for p in folder.iterdir() if p.suffix in (".onnx", ".tflite"))
    if len(found) != 1:
        names = f"{len(found)}: {', '.join(path.name for path in found[:3])}" if found else "none"
        raise InputError(
            f"this folder must have one .onnx or .tflite; it has {names}.",
            hint="Name the model: toolkit init MODEL.",
        )
    return str(found[0])


def init_budgets(subject: Subject, targets: Sequence[str], path: Path, stage: Stage) -> str:
    """Write budgets of a subject's model for the targets to ``path``; return what to do next.

    Raises InputError where the file exists already, and as a build does.
    """
    if path.exists():
        raise InputError(
            f"'{path}' exists already.", hint="Name another file with --budget, or edit this one."
        )
    for target in targets:
        load_target(target)
    assert subject.model is not None
    blocks = [_HEAD]
    for target in targets:
        chosen = replace(subject, target=target)
        with stage(f"Build {Path(subject.model).stem} for {target}"):
            report = make_report(chosen)
        blocks.append(_budget(chosen, report, path))
    write_text(path, "\n".join(blocks))
    return (
        f"wrote {path}: {len(targets)} budget{'s' if len(targets) > 1 else ''}\n"
        "next   toolkit check --update writes the baselines; commit both, and add\n"
        "         ci/baselines/*.json -merge\n"
        "       to .gitattributes"
    )


def _budget(subject: Subject, report: Report, path: Path) -> str:
    named = [("model", subject.model), ("target", subject.target), ("features", subject.features)]
    lines = ["[[budget]]"]
    lines += [f"{key} = {json.dumps(_from(path, v))}" for key, v in named if v is not None]
    if subject.calib is not None:
        lines.append(f"calib = {json.dumps(_relative(path, subject.calib))}")
    name = slug(f"{Path(subject.model or '').stem}-{subject.target}")
    lines += [
        f'baseline = "ci/baselines/{name}.json"',
        '# test = "clips/"          # accuracy against float, on these recordings',
        "",
        "[budget.limits]",
    ]
    for figure, factor in _LIMITS:
        found = strongest(report, figure)
        if found is not None:
            lines.append(f"{figure} = {_rounded_up(found.value * factor)}")
    if strongest(report, "output_mismatches") is not None:
        lines.append("output_mismatches = 0")
    lines += ["", "[budget.growth]"]
    known = [(f, amount) for f, amount in _GROWTH if strongest(report, f) is not None]
    if any(f == "cycles_per_audio_second" for f, _ in known):
        known = [row for row in known if row[0] != "cycles_per_inference"]
    lines += [f"{figure} = {amount}" for figure, amount in known]
    return "\n".join(lines) + "\n"


def _from(budget: Path, name: str) -> str:
    """A name of the zoo, of a target or of a preset as it is; a file's path from the budget's."""
    return _relative(budget, Path(name)) if Path(name).suffix else name


def _relative(budget: Path, path: Path) -> str:
    return Path(os.path.relpath(path.resolve(), budget.resolve().parent)).as_posix()


def _rounded_up(value: float) -> str:
    """At most `_DIGITS` digits, not less than the value."""
    if value <= 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) - _DIGITS + 1)
    rounded = math.ceil(value / step) * step
    return f"{rounded:_.0f}" if step >= 1 else f"{rounded:.{-round(math.log10(step))}f}"
