"""``toolkit build``: the whole flow from a model to verified firmware, readable on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from toolkit.boards import load_board
from toolkit.deploy.application import Application, add_application
from toolkit.deploy.cost import costs_of
from toolkit.deploy.model import load
from toolkit.deploy.package import run_example
from toolkit.deploy.tflm import TflmApplication
from toolkit.deploy.tympan import sketch, sketch_check
from toolkit.emit import FirmwareProject, staged_directory, write_files
from toolkit.emit.packages import package_files
from toolkit.emit.write import REPORTS
from toolkit.errors import InputError
from toolkit.features.metadata import DEFAULT_CLIP_SECONDS
from toolkit.ir import Shape
from toolkit.plan.schedule import ScheduleRequest
from toolkit.report import Report
from toolkit.report.json_format import report_json
from toolkit.targets import IN_FLASH, Placement, load_target
from toolkit.toolchain.tflm import Checkout
from toolkit.verbs.stages import Stage

STAGES = 8
#: More of them for a board, for TFLM's interpreter, and for packages.
BOARD_STAGES = TFLM_STAGES = PACKAGE_STAGES = 1


@dataclass(frozen=True)
class BuildRequest:
    """What the user asked for.

    Without ``clip_seconds`` a batch model takes clips of one second, a streamed one the whole clip.
    """

    model: str
    target: str
    out: Path
    audio: Path | None = None
    calib: Path | None = None
    clip_seconds: float | None = None
    toolchain: str = "zig"
    simulator: str | None = None  # the target's first
    schedule: ScheduleRequest = field(default_factory=ScheduleRequest)
    features: str | None = None  # a preset or a specification file, else the model's own
    restarts: bool = False  # the level begins afresh with every hop of continuous mode
    arithmetic: str = "auto"  # of the features, see `Target.arithmetic`
    policy: str | None = None  # the target's own
    max_seconds: float | None = None  # longest clip of a model that sums over time
    placement: Placement = IN_FLASH  # of code and weights
    shapes: Mapping[str, Shape] = field(default_factory=dict)  # of inputs with open dimensions
    states: tuple[str, ...] = ()  # pairs of an input and an output, as ``--state`` has them
    allow_misfit: bool = False
    name: str | None = None  # of the library; the model's own
    board: str | None = None  # whose application is linked too
    application: str = "clip"
    tympan_dir: Path | None = (
        None  # the Tympan Library and Teensy's core, to compile the sketch with
    )
    engine: str = "c"  # tflm: an application for TFLM's interpreter too
    tflm_dir: Path | None = None  # a checkout of tflite-micro, to compile it with
    packages: tuple[str, ...] = ()  # forms of `toolkit.emit.packages`

    def __post_init__(self) -> None:
        if self.tflm_dir is not None and self.engine != "tflm":
            raise InputError("--tflm-dir goes with --engine tflm.")
        streams = {
            "--schedule stream": self.schedule.schedule == "stream",
            "--hop-out": self.schedule.hop_out_seconds is not None,
        }
        for option, given in streams.items():
            if self.engine == "tflm" and given:
                raise InputError(
                    f"{option}: TFLM's interpreter runs whole clips or steps.",
                    hint=f"Leave {option} or --engine out.",
                )

    @property
    def batch_seconds(self) -> float:
        """Clip length that the int8 model is made for."""
        return DEFAULT_CLIP_SECONDS if self.clip_seconds is None else self.clip_seconds

    @property
    def asked_schedule(self) -> ScheduleRequest:
        """The schedule: TFLM's interpreter, and what is compared with it, runs in batch."""
        asked = self.schedule
        batch = self.engine == "tflm" and asked.schedule == "auto"
        return replace(asked, schedule="batch") if batch else asked


def build(request: BuildRequest, stage: Stage) -> Report:
    """Build, run and verify; the output directory appears whole, or not at all on an error.

    A bit mismatch is a failed check of the report, whose directory is still written for study; so
    is a firmware that does not fit its part, or (where the target promises real time) does not keep
    up, unless ``allow_misfit``.
    """
    target = load_target(request.target, request.policy).placing(request.placement)
    board = None if request.board is None else load_board(request.board)
    tflm = request.engine == "tflm"
    checkout = None if request.tflm_dir is None else Checkout.at(request.tflm_dir)
    simulator = request.simulator or target.default_simulator
    with staged_directory(request.out) as folder:
        with stage("Load the model"):
            model = load(
                request.model,
                request.batch_seconds,
                request.max_seconds,
                request.shapes,
                request.schedule.time_axis,
                request.states,
                request.features,
            )
            if request.restarts and request.schedule.hop_out_seconds is not None:
                model = model.restarting(request.schedule.hop_out_seconds)
        with stage("Quantise to int8"):
            model = model.quantize(request.calib)
            _ = model.int8.builtin  # made here, where the stage says so
        with stage("Plan memory"):
            deployment = model.deploy(
                target, request.asked_schedule, request.arithmetic, name=request.name
            )
            stimulus = deployment.stimulus(request.audio, whole=request.clip_seconds is None)
        with stage("Generate C"):
            project = deployment.project()
        with stage(f"Compile with {request.toolchain}"):
            firmware = deployment.compile_in(folder, request.toolchain, project)
        with stage(f"Run on {simulator}") as tell:
            run = firmware.run_on(stimulus, simulator, tell)
        with stage("Compare with the references"):
            _ = run.checks
        report = run.report
        if board is not None:
            with stage(f"Link for {board.name}"):
                application = Application(run, project, board, request.application)
                report = with_image(report, application, request, folder)
        if tflm:
            with stage("Write the application for TFLM" if checkout is None else "Run in TFLM"):
                measurements, check = TflmApplication(run, project).write(folder, checkout)
                report = report.adding(measurements, [check])
        if request.packages:
            with stage("Run the packages' example"):
                example, check = run_example(firmware, simulator)
                report = report.adding((), [check])
        with stage("Report"):
            report = report.allowing_misfit() if request.allow_misfit else report
            costs = project.cost_files(costs_of(report, target, project.name))
            write_files(FirmwareProject(costs), folder)
            for form in dict.fromkeys(request.packages):
                write_files(package_files(project.with_files(costs), form, example), folder)
            (folder / REPORTS).mkdir()
            (folder / REPORTS / "report.json").write_text(report_json(report), encoding="utf-8")
    return report


def with_image(
    report: Report, application: Application, request: BuildRequest, folder: Path
) -> Report:
    """The report with what the application's image, written below ``folder``, measures."""
    measurements, checks = add_application(application, request.toolchain, folder)
    name = application.project.name
    files = sketch(application.run, application.board, name)
    if request.tympan_dir is not None and not files:
        raise InputError(
            "--tympan-dir: there is no sketch for this board and model.",
            hint="Leave --tympan-dir out.",
        )
    if files:
        write_files(FirmwareProject(files), folder)
        checks = (*checks, sketch_check(folder, name, request.tympan_dir))
    return report.adding(measurements, checks)
