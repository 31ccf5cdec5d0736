"""``toolkit run``: an existing build again, on other recordings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from toolkit.deploy.deployment import Deployment
from toolkit.deploy.model import load
from toolkit.emit.write import MARKER
from toolkit.errors import InputError, ToolkitError
from toolkit.model.inputs import audio_files
from toolkit.plan.schedule import ScheduleRequest
from toolkit.profiling.timing import Timing
from toolkit.quantize.outputs import decoded
from toolkit.toolchain.elf import ElfImage, read_elf

_ELF = Path("firmware") / "firmware.elf"
_REPORT = Path("report") / "report.json"


@dataclass(frozen=True)
class RunRequest:
    """What the user asked for: a build's folder, a recording or a folder of them."""

    folder: Path
    audio: Path
    simulator: str | None = None  # the target's first


@dataclass(frozen=True)
class Row:
    """A recording: its values by label, cycles of features and model (None: not counted), or why
    it could not be run."""

    path: Path
    seconds: float
    values: tuple[float, ...]
    cycles: int | None
    refused: str = ""


@dataclass(frozen=True)
class RunTable:
    """What a build gave for every recording; values of the outputs ``means``, which have time, are
    the means of their rows."""

    model: str
    target: str
    simulator: str
    basis: str
    labels: tuple[str, ...]
    means: tuple[str, ...]
    rows: tuple[Row, ...]


def run(request: RunRequest) -> RunTable:
    """Run the firmware of a build on recordings; nothing is built.

    Raises InputError for a folder that is no build of a model that takes audio, and, of a single
    recording, what `Deployment.stimulus` and `Firmware.run_on` do.
    """
    deployment = _deployment(request)
    simulator = request.simulator or deployment.target.default_simulator
    if simulator == "host":
        raise InputError(
            "`toolkit run` builds nothing for this workstation.", hint="Take another simulator."
        )
    elf = read_elf(request.folder / _ELF)
    paths = audio_files(request.audio) if request.audio.is_dir() else [request.audio]
    rows, bases = [], []
    for path in paths:
        try:
            row, timing = _row(request, deployment, path, simulator, elf)
            bases.append(timing.basis)
        except ToolkitError as error:
            if len(paths) == 1:
                raise
            row = Row(path, 0.0, (), None, error.message)
        rows.append(row)
    return RunTable(
        model=deployment.name,
        target=deployment.target.name,
        simulator=simulator,
        basis=bases[0] if bases else "",
        labels=tuple(deployment.model.labels),
        means=tuple(deployment.model.answer.rows),
        rows=tuple(rows),
    )


def _row(
    request: RunRequest, deployment: Deployment, path: Path, simulator: str, elf: ElfImage
) -> tuple[Row, Timing]:
    stimulus = deployment.stimulus(path)
    clip = stimulus.clip
    assert clip is not None
    placed = deployment.at_rows(clip.rows)
    program, data = request.folder / _ELF, stimulus.encode(placed.plan)
    execution = placed.harness.run(program, data, simulator)
    outputs = decoded(placed.plan.graph, execution.output.cases[0].last)
    values = deployment.model.answer.values(outputs)
    timing = Timing(elf, execution.result, deployment.target)
    cycles = sum(phase.cycles for phase in timing.phases.values())
    return Row(path, clip.seconds, tuple(values.tolist()), cycles), timing


def _model_of(library: Path) -> Path | None:
    """The ``.tflite`` that the C of a library was made from."""
    forms = (library / f"{library.name}{form}.tflite" for form in ("_fused", ""))
    return next((path for path in forms if path.is_file()), None)


def _deployment(request: RunRequest) -> Deployment:
    """The deployment that the build in a folder was made from."""
    folder = request.folder
    if not (folder / MARKER).is_file() or not (folder / _ELF).is_file():
        raise InputError(
            f"'{folder}' is no build.", hint="Make one: toolkit build MODEL --out DIR."
        )
    models = [path for library in folder.iterdir() if (path := _model_of(library)) is not None]
    try:
        table = json.loads((folder / _REPORT).read_text(encoding="utf-8"))
        target, schedule = str(table["target"]), str(table["schedule"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / _REPORT}: cannot be used: {error}.", hint="Build it again."
        ) from error
    if len(models) != 1:
        raise InputError(
            f"'{folder}' holds {len(models)} libraries with a model; one is needed.",
            hint="Give the folder of one build.",
        )
    if schedule not in ("batch", "step", "stream"):
        raise InputError(
            f"'{folder}': a {schedule} build gives no result for a recording.",
            hint="Use a build for whole clips.",
        )
    model = load(models[0])
    asked = ScheduleRequest("auto" if schedule == "step" else schedule)
    return model.deploy(target, asked, name=models[0].parent.name)
