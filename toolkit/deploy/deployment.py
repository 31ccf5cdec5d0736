"""A model laid out for a target, and the firmware that it becomes."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.deploy.cost import costs_of
from toolkit.deploy.harness import Harness
from toolkit.deploy.run import Run
from toolkit.deploy.stimulus import RANDOM_CASES, Stimulus
from toolkit.emit import FirmwareProject, staged_directory, write_files
from toolkit.errors import InputError, TooFewFramesError
from toolkit.features.front_end import FrontEnd
from toolkit.features.metadata import HOW_TO_ATTACH
from toolkit.measurement import Issue
from toolkit.model.audio import Audio, load_audio
from toolkit.model.inputs import random_inputs
from toolkit.model.int8 import Int8Model
from toolkit.model.source import demo_clip
from toolkit.plan import Plan
from toolkit.plan.schedule import ScheduleRequest
from toolkit.profiling.alternatives import omissions, time_checks
from toolkit.profiling.estimate import estimate, estimate_measurements
from toolkit.profiling.linked import Linked
from toolkit.profiling.planned import (
    core_roofline,
    layer_rows,
    plan_measurements,
    saved_measurements,
)
from toolkit.profiling.planned_fit import fit_checks, planned_fits
from toolkit.profiling.slow_layers import slow_layers
from toolkit.report import Report
from toolkit.report.text import strongest
from toolkit.targets import Target


@dataclass(frozen=True, eq=False)
class Deployment:
    """An int8 model laid out for a target: where every byte lies, and how its features are
    computed (None: the firmware takes arrays).

    ``request`` is what the plan answers; ``notes`` say where it is not what one would expect;
    ``name`` stands in all names of the generated library.
    """

    model: Int8Model
    target: Target
    plan: Plan
    front_end: FrontEnd | None
    request: ScheduleRequest
    name: str
    notes: tuple[Issue, ...] = ()

    def __repr__(self) -> str:
        ram = f"{self.plan.schedule}, {self.plan.ram_bytes} B"
        return f"Deployment({self.model.name!r} for {self.target.name!r}, {ram})"

    @property
    def harness(self) -> Harness:
        return Harness(self.plan, self.target, self.model.file, self.front_end, self.name)

    def at_rows(self, rows: int | None) -> Deployment:
        """The same for a clip of ``rows`` feature rows: what figures of an inference refer to.
        None leaves the file's length."""
        return replace(self, plan=self.plan.at_rows(rows))

    def project(self) -> FirmwareProject:
        """The firmware project in memory; as ``<name>.tflite`` the model in stock operators, which
        TFLM runs, where it has such a form.

        What calls cost is estimated; see `FirmwareProject.cost_files` for better.
        """
        project, builtin = self.harness.project(), self.model.builtin
        files = project.cost_files(costs_of(self.estimate(), self.target, self.name))
        path = f"{self.name}/{self.name}.tflite"
        if builtin is not None and path not in project.files:
            files[path] = builtin
        return project.with_files(files)

    def stimulus(self, audio: Path | None = None, whole: bool = True) -> Stimulus:
        """What the firmware runs on: the clip ``audio`` (the one that ships, when None), or random
        arrays for a model without features.

        With ``whole`` a model that streams takes all of the clip, else it is cropped or padded; one
        with states takes all of it.  Raises AudioError for a clip that cannot be used,
        TooFewFramesError for one that is too short, InputError for audio that the model does not
        take.
        """
        if self.front_end is not None:
            path, graph = audio or demo_clip(), self.plan.graph
            whole = bool(graph.states) or (whole and self.plan.any_length)
            clip = load_audio(path, self.front_end.spec, graph, whole)
            if graph.states and clip.features.size < graph.tensors[graph.inputs[0]].elements:
                raise TooFewFramesError(f"{path}: {clip.rows} frames are less than a step.")
            self.plan.at_rows(clip.rows)  # refuse a clip that is too short before any work is done
            self._require_window(clip)
            return Stimulus(clips=[clip])
        if audio is not None:
            raise InputError(
                f"--audio: {self.model.name} carries no feature specification.",
                hint=f"{HOW_TO_ATTACH} Or use `toolkit verify` with --inputs.",
            )
        return Stimulus(cases=random_inputs(self.plan.graph, RANDOM_CASES))

    def _require_window(self, clip: Audio) -> None:
        """Raise InputError unless the clip fills a window of continuous mode."""
        continuous = self.plan.continuous
        if continuous is None or clip.rows >= continuous.window_frames:
            return
        frame_s = clip.spec.row_hop_samples / clip.spec.sample_rate_hz
        raise InputError(
            f"{clip.path.name}: lasts {clip.seconds:.3g} s; a window of continuous mode, "
            f"{continuous.window_frames * frame_s:.3g} s, must fit.",
            hint="Give a longer one with --audio, or a shorter --window.",
        )

    def compile(self, toolchain: str = "zig", folder: str | Path | None = None) -> Firmware:
        """Write the project into ``folder`` and link it there.

        The folder appears whole or not at all; one of an earlier build is replaced, one with other
        files is refused.  Without a folder the firmware lies in a temporary one, which lives as
        long as the firmware.  Raises ToolMissingError without the compiler, ToolFailedError where
        it refuses, InputError for a folder that cannot be used.
        """
        if folder is None:
            scratch = Scratch()
            made = self.compile_in(scratch.path, toolchain, self.project())
            return replace(made, _scratch=scratch)
        with staged_directory(Path(folder)) as staging:
            made = self.compile_in(staging, toolchain, self.project())
        home = Path(folder).resolve()
        return replace(made, folder=home, linked=made.linked.moved(home / "firmware"))

    def compile_in(self, folder: Path, toolchain: str, project: FirmwareProject) -> Firmware:
        """Write the ``project`` into an empty folder that is there, and link it; else `compile`."""
        write_files(project, folder)
        return Firmware(self, project, folder, self.harness.compile(folder, toolchain))

    def estimate(self) -> Report:
        """What it will cost, from the plan alone: no compiler, no simulator."""
        plan, target, front_end = self.plan, self.target, self.front_end
        found = estimate(plan, target, front_end)
        fits = planned_fits(plan, found, target)
        measurements = (
            *plan_measurements(plan, front_end),
            *saved_measurements(self.model.saved),
            *estimate_measurements(found, target, front_end),
        )
        slow = slow_layers(plan, target)
        return Report(
            model_name=self.model.name,
            model_sha256=self.model.sha256,
            target=target.name,
            toolchain="",
            simulator="",
            schedule=plan.schedule,
            measurements=measurements,
            checks=(*fit_checks(fits, target), *time_checks(measurements, target)),
            issues=(*self.model.issues, *self.notes, *omissions(found, target), *slow),
            layers=layer_rows(plan, target),
            memory=plan.memory_map(),
            fits=fits,
            roof=core_roofline(target.core),
        )


class Scratch:
    """A temporary folder that goes with the last object that holds this one."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="toolkit-firmware-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class Firmware:
    """A linked firmware, in ``folder`` with the ``project`` that it was made from."""

    deployment: Deployment
    project: FirmwareProject
    folder: Path
    linked: Linked
    _scratch: Scratch | None = None

    def __repr__(self) -> str:
        size = self.linked.size
        sizes = f"flash {size.flash_bytes} B, RAM {size.ram_static_bytes} B"
        return f"Firmware({self.deployment.model.name!r}, {sizes}, in {str(self.folder)!r})"

    def run(self, audio: str | Path | None = None, simulator: str | None = None) -> Run:
        """Run it on a clip, see `Deployment.stimulus`; ``simulator`` as in `run_on`."""
        path = None if audio is None else Path(audio)
        return self.run_on(self.deployment.stimulus(path), simulator)

    def run_on(
        self,
        stimulus: Stimulus,
        simulator: str | None = None,
        tell: Callable[[float], None] | None = None,
    ) -> Run:
        """Run it in a simulator of its target (None: the first; "host": this workstation).

        ``tell`` hears now and then about what part of the run is done, by the estimate of its
        cycles, where the simulator can say.
        Raises InputError for a simulator that the target does not have, ToolMissingError for one
        that is not installed, ToolFailedError where the firmware faults or hangs, and
        TooFewFramesError for a clip that is too short.
        """
        if not self.linked.is_there:
            raise InputError(
                f"the firmware in '{self.folder}' is not the one that was linked there.",
                hint="Something replaced or removed it: compile it again, in a folder of its own.",
            )
        simulator = simulator or self.deployment.target.default_simulator
        deployment = self.deployment.at_rows(stimulus.clip.rows if stimulus.clip else None)
        input_bytes, harness = stimulus.encode(deployment.plan), deployment.harness
        if simulator == "host":
            execution = harness.run_on_host(self.folder, input_bytes, self.linked.compiler)
        else:
            elf, symbols = self.linked.binaries.elf, self.project.symbols
            heard = None if tell is None else _part_of(deployment, stimulus.count, tell)
            execution = harness.run(elf, input_bytes, simulator, symbols, heard)
        return Run(
            model=deployment.model,
            harness=harness,
            linked=self.linked,
            symbols=self.project.symbols,
            stimulus=stimulus,
            execution=execution,
            notes=(*deployment.model.issues, *deployment.notes),
        )


def _part_of(
    deployment: Deployment, runs: int, tell: Callable[[float], None]
) -> Callable[[int], None]:
    """Tells the part that so many instructions are of ``runs`` inferences, about one a cycle."""
    expected: list[float] = []

    def heard(instructions: int) -> None:
        if not expected:  # estimated only for a run that takes long enough to be asked about
            cycles = strongest(deployment.estimate(), "cycles_per_inference")
            expected.append(runs * (0 if cycles is None else cycles.value))
        if expected[0]:
            tell(min(instructions / expected[0], 1.0))

    return heard
