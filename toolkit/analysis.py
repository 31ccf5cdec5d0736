"""``toolkit profile``: what a model will cost, from its graph alone; no compiler, no simulator."""

from __future__ import annotations

import math

from toolkit.emit.model import kernel_calls, model_context
from toolkit.features.tables import state_bytes
from toolkit.ir import Graph, Node
from toolkit.loading import feature_spec, load_source, to_int8
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.ops import OPERATORS
from toolkit.ops.base import view
from toolkit.plan import ArenaPlan, plan_arena
from toolkit.report import LayerRow, Report
from toolkit.targets import Target, load_target
from toolkit.tflite.read import read_tflite


def profile(model: str, target_name: str, clip_seconds: float) -> Report:
    """Per-layer work and memory of ``model`` (see `load_source`) on a target.

    Cycles are work times the target's rates; RAM and flash leave out code and stack.
    """
    target = load_target(target_name)
    source = load_source(model, clip_seconds)
    data, issues = to_int8(source, "fused")
    graph = read_tflite(data, source.name)
    plan = plan_arena(graph)
    layers = layer_rows(graph, plan, target)
    measurements = [*graph_measurements(graph, plan), *_time(graph, layers, target)]
    ram_bytes = sum(m.value for m in measurements if m.name in ("arena_bytes", "state_bytes"))
    fits = ram_bytes <= target.ram_bytes
    detail = (
        f"arena and state {ram_bytes:,.0f} B of {target.ram_bytes:,} B on {target.name}: "
        f"{'fits' if fits else 'does not fit'}; the peak is set by {peak_layer(graph, plan)!r}"
    )
    return Report(
        model_name=source.name,
        model_sha256=source.sha256,
        target=target.name,
        toolchain="",
        simulator="",
        schedule=plan.schedule,
        measurements=tuple(measurements),
        checks=(Check("fits_ram", fits, detail, required=False),),
        issues=issues,
        layers=layers,
    )


def graph_measurements(graph: Graph, plan: ArenaPlan) -> list[Measurement]:
    """Weights, arena, its lower bound, feature state and MACs, as planned."""
    context = model_context(graph, plan, "", "")
    spec = feature_spec(graph)
    state = state_bytes(spec) if spec else 0
    peak = f"bytes alive at {peak_layer(graph, plan)!r}"
    estimated = Provenance.ESTIMATED
    return [
        Measurement("weights_bytes", context.weights_bytes, "B", estimated, "generated arrays"),
        Measurement("arena_bytes", plan.arena_bytes, "B", estimated, "memory plan, checked"),
        Measurement("arena_lower_bound_bytes", plan.lower_bound_bytes, "B", estimated, peak),
        Measurement("state_bytes", state, "B", estimated, "feature state"),
        Measurement("macs_per_inference", context.macs, "MACs", estimated, "graph"),
    ]


def peak_layer(graph: Graph, plan: ArenaPlan) -> str:
    """Name of the first node during which the most bytes are alive."""
    return graph.nodes[plan.peak_step].name


def layer_rows(graph: Graph, plan: ArenaPlan, target: Target) -> tuple[LayerRow, ...]:
    """One row a node, with estimated cycles."""
    calls = kernel_calls(graph)
    basis = f"work x {target.name} rates"
    rows = []
    for node, live_bytes in zip(graph.nodes, plan.live_bytes, strict=True):
        call = calls.get(node.name)
        work = OPERATORS[node.op].work(view(graph, node))
        cycles = math.ceil(
            work.macs * target.cycles_per_mac
            + work.accumulators * target.cycles_per_accumulator
            + work.elementwise * target.cycles_per_element
        )
        rows.append(
            LayerRow(
                name=node.name,
                op=node.op,
                kernel=call.kernel if call else "",
                output_shape=graph.tensors[node.outputs[0]].shape,
                macs=work.macs,
                weights_bytes=_weights_bytes(graph, node),
                activation_bytes=graph.tensors[node.outputs[0]].size_bytes,
                live_bytes=live_bytes,
                measurements=(
                    Measurement("cycles", cycles, "cycles", Provenance.ESTIMATED, basis),
                ),
            )
        )
    return tuple(rows)


def _weights_bytes(graph: Graph, node: Node) -> int:
    tensors = [graph.tensors[name] for name in node.inputs if name is not None]
    return sum(t.size_bytes for t in tensors if t.is_constant)


def _time(graph: Graph, layers: tuple[LayerRow, ...], target: Target) -> list[Measurement]:
    cycles = sum(int(m.value) for row in layers for m in row.measurements)
    basis = f"sum over layers, work x {target.name} rates; features not included"
    estimated, seconds = Provenance.ESTIMATED, cycles / target.clock_hz
    clock = f"model cycles at {target.clock_hz / 1e6:g} MHz"
    rows = [
        Measurement("cycles_model", cycles, "cycles", estimated, basis),
        Measurement("latency_ms", 1e3 * seconds, "ms", estimated, clock),
    ]
    spec = feature_spec(graph)
    if spec is not None:
        frames = graph.tensors[graph.inputs[0]].elements // spec.n_mels
        audio_seconds = spec.samples_for_rows(frames) / spec.sample_rate_hz
        factor = seconds / audio_seconds
        rows.append(Measurement("realtime_factor", factor, "", estimated, "latency over clip"))
    return rows
