"""``toolkit profile``: what a model will cost, from its graph alone; no compiler, no simulator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.emit import feature_arithmetic
from toolkit.emit.model import weights_bytes
from toolkit.features.tables import state_bytes
from toolkit.ir import Graph, Node
from toolkit.measurement import Issue, Measurement, Provenance
from toolkit.model.int8 import to_int8
from toolkit.model.source import feature_spec, load_source
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.parts.base import view
from toolkit.plan import ArenaPlan, Plan, StreamPlan, plan_arena, stream_of, variants_of
from toolkit.plan.choose import BATCH, executed_work, predicted_cycles
from toolkit.plan.schedule import ScheduleRequest, choose_plan, stream_state_bytes
from toolkit.profiling.alternatives import advice, alternatives, omissions, time_checks
from toolkit.profiling.estimate import estimate, estimate_measurements
from toolkit.profiling.planned_fit import fit_checks, memory_map, planned_fits
from toolkit.report import LayerRow, Report
from toolkit.report.model import Roof
from toolkit.targets import Core, Target
from toolkit.tflite.read import read_tflite

MOVED_BASIS = "weights, inputs and outputs of a layer, each once"
NOT_RUN: Mapping[str, Sequence[Measurement]] = {}


@dataclass(frozen=True, eq=False)
class Int8Model:
    """A model as it will run: the int8 graph of one clip, and notes on how it came about."""

    name: str
    sha256: str
    graph: Graph
    issues: tuple[Issue, ...]


def load_int8(model: str, clip_seconds: float, calib: Path | None = None) -> Int8Model:
    """Load ``model`` (see `load_source`) and quantise it, calibrated on ``calib`` where given."""
    source = load_source(model, clip_seconds)
    data, issues = to_int8(source, "fused", calib)
    return Int8Model(source.name, source.sha256, read_tflite(data, source.name), issues)


def profile_int8(
    model: Int8Model,
    target: Target,
    schedule: ScheduleRequest,
    compare: bool = True,
    arithmetic: str = "auto",
) -> Report:
    """The same for a model that is loaded; with ``compare`` beside other ways to run it."""
    graph, spec = model.graph, feature_spec(model.graph)
    plan, notes = choose_plan(graph, schedule, target)
    found = estimate(graph, plan, target, spec, arithmetic)
    fits = planned_fits(graph, plan, found, target)
    measurements = (
        *plan_measurements(graph, plan, target, arithmetic),
        *estimate_measurements(found, target, spec),
    )
    others = alternatives(graph, plan, schedule, target, arithmetic) if compare else ()
    return Report(
        model_name=model.name,
        model_sha256=model.sha256,
        target=target.name,
        toolchain="",
        simulator="",
        schedule=plan.schedule,
        measurements=measurements,
        checks=(*fit_checks(fits, target), *time_checks(measurements, target)),
        issues=(*model.issues, *notes, *omissions(found, target), *advice(others)),
        layers=layer_rows(graph, plan, target),
        memory=memory_map(graph, plan),
        fits=fits,
        roof=core_roof(target.core),
        alternatives=others,
    )


def plan_measurements(
    graph: Graph, plan: Plan, target: Target, arithmetic: str = "auto"
) -> list[Measurement]:
    """Weights, work and memory as planned, and what the other schedule would need."""
    estimated, planned = Provenance.ESTIMATED, "memory plan, checked"
    spec = feature_spec(graph)
    features = state_bytes(spec, feature_arithmetic(target, arithmetic)) if spec else 0
    macs = sum(OPERATORS[node.op].work(view(graph, node)).macs for node in graph.nodes)
    rows = [
        Measurement(
            "weights_bytes", weights_bytes(graph, plan), "B", estimated, "generated arrays"
        ),
        Measurement("macs_per_inference", macs, "MACs", estimated, "graph"),
    ]
    if not isinstance(plan, ArenaPlan):
        frame_macs = (plan if isinstance(plan, StreamPlan) else plan.stream).frame_macs
        mean = round(sum(frame_macs) / len(frame_macs))
        batch = plan_arena(graph).arena_bytes
        return [
            *rows,
            Measurement("arena_bytes", 0, "B", estimated, planned),
            Measurement("state_bytes", plan.state_bytes + features, "B", estimated, planned),
            Measurement(
                "state_lower_bound_bytes",
                plan.lower_bound_bytes + features,
                "B",
                estimated,
                "what must outlive a frame",
            ),
            Measurement(
                "batch_arena_bytes", batch, "B", estimated, "batch schedule of the same clip"
            ),
            Measurement("delay_frames", plan.delay_frames, "frames", estimated, "schedule"),
            Measurement("macs_per_frame_mean", mean, "MACs", estimated, "schedule"),
            Measurement("macs_per_frame_worst", max(frame_macs), "MACs", estimated, "schedule"),
        ]
    peak = f"bytes alive at {graph.nodes[plan.peak_step].name!r}"
    rows += [
        Measurement("arena_bytes", plan.arena_bytes, "B", estimated, planned),
        Measurement("arena_lower_bound_bytes", plan.lower_bound_bytes, "B", estimated, peak),
        Measurement("state_bytes", features, "B", estimated, "feature state"),
    ]
    streamed = stream_state_bytes(graph)
    if streamed is not None:
        basis = "stream schedule, any clip length"
        value = streamed + features
        rows.append(Measurement("stream_state_bytes", value, "B", estimated, basis))
    return rows


def layer_rows(
    graph: Graph,
    plan: Plan,
    target: Target,
    simulated: Mapping[str, Sequence[Measurement]] = NOT_RUN,
) -> tuple[LayerRow, ...]:
    """One row a node: the chosen kernel, its predicted cycles beside the ideal, and what was
    ``simulated``, by node name; streamed, the bytes are those of the state."""
    calls, stream = kernel_calls(graph, variants_of(plan)), stream_of(plan)
    behaviours = BATCH if stream is None else stream.time.behaviours
    basis = f"executed work x {target.name} rates"
    peak = target.core.peak
    ideal_basis = (
        f"{1 / peak.macs_per_cycle:g} cycles per multiplication that the kernel executes: "
        f"{peak.source}"
    )
    rows = []
    for index, node in enumerate(graph.nodes):
        call = calls.get(node.name)
        node_view = view(graph, node)
        cycles, ideal = 0, 0
        if call is not None:
            behaviour = behaviours.get(node.name)
            cycles = predicted_cycles(node_view, call, target, behaviour)
            macs = executed_work(node_view, call, behaviour).macs
            ideal = math.ceil(macs / peak.macs_per_cycle)
        output = graph.tensors[node.outputs[0]]
        if stream is not None:
            activation_bytes, live_bytes = _state_bytes(stream, node), stream.buffer_bytes
        else:
            assert isinstance(plan, ArenaPlan)
            activation_bytes, live_bytes = output.size_bytes, plan.live_bytes[index]
        rows.append(
            LayerRow(
                name=node.name,
                op=node.op,
                kernel=call.kernel if call else "",
                output_shape=output.shape,
                variant=call.variant if call else "",
                macs=OPERATORS[node.op].work(node_view).macs,
                weights_bytes=_weights_bytes(graph, node),
                activation_bytes=activation_bytes,
                live_bytes=live_bytes,
                measurements=(
                    Measurement("cycles", cycles, "cycles", Provenance.ESTIMATED, basis),
                    Measurement("cycles_ideal", ideal, "cycles", Provenance.ESTIMATED, ideal_basis),
                    Measurement(
                        "moved_bytes", _moved(graph, node), "B", Provenance.ESTIMATED, MOVED_BASIS
                    ),
                    *simulated.get(node.name, ()),
                ),
            )
        )
    return tuple(rows)


def core_roof(core: Core) -> Roof:
    """The roofline of a core."""
    return Roof(core.peak.macs_per_cycle, core.peak.bytes_per_cycle, core.peak.source)


def _state_bytes(plan: StreamPlan, node: Node) -> int:
    """Bytes of the state that hold what a node makes: rows, sums or a tensor at the end."""
    names = {node.outputs[0], node.name}
    return sum(b.size_bytes for b in plan.buffers if b.name in names)


def _moved(graph: Graph, node: Node) -> int:
    """Bytes that a node must read and write at least."""
    if OPERATORS[node.op].is_alias:
        return 0
    read = [graph.tensors[name] for name in node.inputs if name is not None]
    return sum(t.size_bytes for t in (*read, *(graph.tensors[n] for n in node.outputs)))


def _weights_bytes(graph: Graph, node: Node) -> int:
    tensors = [graph.tensors[name] for name in node.inputs if name is not None]
    return sum(t.size_bytes for t in tensors if t.is_constant)
