"""``toolkit build``: the whole flow from a model to verified firmware, readable on one screen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from toolkit.compare.continuous import agreement
from toolkit.deploy.findings import Audio, compare, harness_input, load_audio, random_inputs
from toolkit.deploy.first_wrong_layer import wrong_layer
from toolkit.deploy.run import FirmwareFacts, compile_firmware, is_builtin, run, run_on_host
from toolkit.emit import (
    emit_project,
    feature_arithmetic,
    layers,
    staged_directory,
    write_files,
)
from toolkit.errors import InputError
from toolkit.ir import Graph
from toolkit.measurement import Measurement
from toolkit.model.int8 import to_int8
from toolkit.model.source import DEFAULT_CLIP_SECONDS, Source, demo_clip, feature_spec, load_source
from toolkit.plan import ContinuousPlan, Plan, stream_of
from toolkit.plan.schedule import ScheduleRequest, at_clip_length, choose_plan
from toolkit.profiling.alternatives import time_checks
from toolkit.profiling.estimate import estimate, estimate_measurements
from toolkit.profiling.linked_fit import firmware_fits, stack_frames
from toolkit.profiling.planned_fit import fit_checks, memory_map
from toolkit.profiling.simulated import (
    function_rows,
    layer_measurements,
    plan_check,
    run_measurements,
    size_measurements,
    stack_check,
    tflm_arena,
)
from toolkit.report import Report
from toolkit.report.json_format import report_json
from toolkit.simulate import SimulationResult
from toolkit.simulate.protocol import HarnessOutput
from toolkit.targets import Target, load_target
from toolkit.tflite.read import read_tflite
from toolkit.verbs.profile import core_roof, layer_rows, plan_measurements

#: Announces a stage; the block it guards is the stage's work.
Stage = Callable[[str], AbstractContextManager[None]]
STAGES = 8


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
    arithmetic: str = "auto"  # of the features, see `feature_arithmetic`
    policy: str | None = None  # the target's own

    @property
    def batch_seconds(self) -> float:
        """Clip length that the int8 model is made for."""
        return DEFAULT_CLIP_SECONDS if self.clip_seconds is None else self.clip_seconds


def build(request: BuildRequest, stage: Stage) -> Report:
    """Build, run and verify; the output directory appears whole, or not at all on an error.

    A bit mismatch is a failed check of the report, whose directory is still written for study.
    """
    target = load_target(request.target, request.policy)
    simulator = request.simulator or target.default_simulator
    with staged_directory(request.out) as folder:
        with stage("Load the model"):
            source = load_source(request.model, request.batch_seconds)
        with stage("Quantise to int8"):
            data, issues = to_int8(source, "fused", request.calib)
            graph = read_tflite(data, source.name)
            builtin = _builtin_form(source, data, graph, request.calib)
        with stage("Plan memory"):
            plan, notes = choose_plan(graph, request.schedule, target)
            audio = _audio(request, source, graph, plan)
            clip_graph = at_clip_length(graph, plan, audio.rows if audio else None)
        with stage("Generate C"):
            spec = feature_spec(graph)
            arithmetic = feature_arithmetic(target, request.arithmetic)
            project = emit_project(graph, plan, target, data, spec, arithmetic)
            write_files(project, folder)
            if builtin is not None:
                (folder / "model_tflm.tflite").write_bytes(builtin)
        with stage(f"Compile with {request.toolchain}"):
            facts = compile_firmware(folder, target, request.toolchain, audio is not None)
        with stage(f"Run on {simulator}"):
            cases = [] if audio else random_inputs(graph)
            stimulus = harness_input(plan, audio, cases)
            result, output = _run(
                request.toolchain, simulator, folder, target, clip_graph, plan, audio, stimulus
            )
        with stage("Compare with the references"):
            float_graph = _float_graph(request, source, plan, audio)
            findings = compare(
                *(clip_graph, plan, output, audio, cases, float_graph, arithmetic),
                partial(wrong_layer, clip_graph, plan, target, data, request.toolchain),
            )
        with stage("Report"):
            fits = firmware_fits(facts, target, project.symbols)
            estimated = estimate(clip_graph, plan, target, spec, request.arithmetic)
            found = (
                *run_measurements(facts, result, target, output, plan, audio),
                *estimate_measurements(estimated, target, spec),
            )
            report = Report(
                model_name=source.name,
                model_sha256=source.sha256,
                target=target.name,
                toolchain=facts.toolchain,
                simulator=simulator,
                schedule=plan.schedule,
                measurements=(
                    *size_measurements(facts),
                    *plan_measurements(clip_graph, plan, target, arithmetic),
                    *found,
                    *findings.measurements,
                    *_agreement(graph, plan, audio),
                    *tflm_arena(builtin),
                ),
                checks=(
                    *findings.checks,
                    *stack_check(facts, output, bool(result.intervals)),
                    plan_check(facts, project.symbols, plan, spec, arithmetic),
                    *fit_checks(fits, target),
                    *time_checks(found, target),
                ),
                issues=(*issues, *notes, *findings.issues),
                layers=layer_rows(
                    clip_graph, plan, target, _layers(facts, result, target, graph, plan, output)
                ),
                functions=function_rows(facts, result, target, len(output.cases)),
                predictions=findings.predictions,
                memory=memory_map(clip_graph, plan),
                fits=fits,
                stack=stack_frames(facts),
                roof=core_roof(target.core),
                symbols=project.symbols,
            )
            (folder / "report.json").write_text(report_json(report), encoding="utf-8")
    return report


def _layers(
    facts: FirmwareFacts,
    result: SimulationResult,
    target: Target,
    graph: Graph,
    plan: Plan,
    output: HarnessOutput,
) -> dict[str, tuple[Measurement, ...]]:
    """What was simulated of each node, by its name."""
    return layer_measurements(facts, result, target, layers(graph, plan), len(output.cases))


def _builtin_form(source: Source, data: bytes, graph: Graph, calib: Path | None) -> bytes | None:
    """The model in TFLM's stock operators: itself, or converted once more; None without either."""
    if is_builtin(graph):
        return data
    return None if source.float_graph is None else to_int8(source, "builtin", calib)[0]


def _audio(request: BuildRequest, source: Source, graph: Graph, plan: Plan) -> Audio | None:
    """The clip to run on: the user's, or the one that ships; None for a model without features."""
    spec = feature_spec(graph)
    if spec is None:
        if request.audio is not None:
            raise InputError(
                f"--audio: {source.name} carries no feature specification.",
                hint="Use `toolkit verify` with --inputs for models that do not take audio.",
            )
        return None
    whole = stream_of(plan) is not None and request.clip_seconds is None
    return load_audio(request.audio or demo_clip(), spec, graph, whole)


def _agreement(graph: Graph, plan: Plan, audio: Audio | None) -> tuple[Measurement, ...]:
    """How far continuous outputs are from clip mode's; nothing for a plan that is exact."""
    if not isinstance(plan, ContinuousPlan) or audio is None:
        return ()
    return agreement(graph, plan, [audio.samples])


def _float_graph(
    request: BuildRequest, source: Source, plan: Plan, audio: Audio | None
) -> Graph | None:
    """The float network for the clip at hand; None where its file fixes another length, and in
    continuous mode, whose outputs are not the clip's."""
    if isinstance(plan, ContinuousPlan):
        return None
    graph = source.float_graph
    if graph is None or audio is None or _takes(graph, audio):
        return graph
    graph = load_source(request.model, audio.seconds).float_graph
    return graph if graph is not None and _takes(graph, audio) else None


def _takes(graph: Graph, audio: Audio) -> bool:
    return graph.tensors[graph.inputs[0]].elements == audio.features.size


def _run(
    toolchain: str,
    simulator: str,
    folder: Path,
    target: Target,
    graph: Graph,
    plan: Plan,
    audio: Audio | None,
    stimulus: bytes,
) -> tuple[SimulationResult, HarnessOutput]:
    row_values = audio.spec.row_values if audio else None
    continuous = isinstance(plan, ContinuousPlan)
    if simulator != "host":
        program = folder / "firmware.elf"
        return run(program, stimulus, simulator, target, graph, row_values, continuous)
    return run_on_host(folder, stimulus, toolchain, target, graph, row_values, continuous)
