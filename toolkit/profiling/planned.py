"""Report rows of a plan: weights, work and memory as a whole, and layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from toolkit.features.front_end import FrontEnd
from toolkit.ir import Graph, Node
from toolkit.measurement import Measurement, Provenance
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.parts.base import KernelCall, view
from toolkit.passes.dead_channels import Saved
from toolkit.plan import Plan, plan_arena
from toolkit.plan.choose import executed_work, predicted_cycles
from toolkit.plan.schedule import stream_state_bytes
from toolkit.plan.sharing import constants_bytes
from toolkit.report import LayerRow
from toolkit.report.model import Roofline
from toolkit.targets import Core, Target

MOVED_BASIS = "weights, inputs and outputs of a layer, each once"
NOT_RUN: Mapping[str, Sequence[Measurement]] = {}


def plan_measurements(plan: Plan, front_end: FrontEnd | None) -> list[Measurement]:
    """Weights, work and memory as planned, and what the other schedule would need."""
    estimated, graph = Provenance.ESTIMATED, plan.graph
    feature_bytes = front_end.state_bytes if front_end is not None else 0
    weights_bytes = constants_bytes(graph, plan.calls.values())
    macs = sum(OPERATORS[node.op].work(view(graph, node)).macs for node in graph.nodes)
    rows = [
        Measurement("weights_bytes", weights_bytes, "B", estimated, "generated arrays"),
        Measurement("macs_per_inference", macs, "MACs", estimated, "graph"),
        *plan.describe(feature_bytes),
        *_algorithmic_delay(plan, front_end),
    ]
    if plan.stream is not None:
        batch, basis = plan_arena(graph).arena_bytes, "batch schedule of the same clip"
        return [*rows, Measurement("batch_arena_bytes", batch, "B", estimated, basis)]
    streamed = None if graph.states else stream_state_bytes(graph)
    if streamed is not None:
        value, basis = streamed + feature_bytes, "stream schedule, any clip length"
        rows.append(Measurement("stream_state_bytes", value, "B", estimated, basis))
    return rows


def saved_measurements(saved: Saved) -> list[Measurement]:
    """What the dead channels of a model took; nothing where it had none."""
    basis = "bounds of the integer arithmetic, for every input"
    figures = {
        "dead_channels": (saved.channels, "channels"),
        "dead_weights": (saved.weights, "weights"),
        "dead_macs": (saved.macs, "MACs"),
    }
    return [
        Measurement(name, value, unit, Provenance.ESTIMATED, basis)
        for name, (value, unit) in figures.items()
        if value
    ]


def _algorithmic_delay(plan: Plan, front_end: FrontEnd | None) -> list[Measurement]:
    """Time from the first sample of a frame until the row of it can be there, of the latest output
    with time; nothing where there is none, or no audio."""
    if front_end is None or plan.stream is None or not plan.stream.ports:
        return []
    latest = max(port.delay_frames for port in plan.stream.ports)
    spec = front_end.spec
    hop_ms, frame_ms = (
        1e3 * n / spec.sample_rate_hz for n in (spec.hop_samples, spec.frame_samples)
    )
    basis = (
        f"schedule: {latest} frames of {hop_ms:g} ms to come, and the frame's own "
        f"{frame_ms:g} ms; computing aside"
    )
    delay_ms = latest * hop_ms + frame_ms
    return [Measurement("algorithmic_delay_ms", delay_ms, "ms", Provenance.ESTIMATED, basis)]


def layer_rows(
    plan: Plan, target: Target, simulated: Mapping[str, Sequence[Measurement]] = NOT_RUN
) -> tuple[LayerRow, ...]:
    """One row a node: the chosen kernel, its predicted cycles beside the ideal, and what was
    ``simulated``, by node name; streamed, the bytes are those of the state."""
    graph, run = plan.graph, plan.calls
    calls = {n: c for n, c in kernel_calls(graph, plan.variants).items() if n in run}
    rows = []
    for node in graph.nodes:
        call = calls.get(node.name)
        activation_bytes, live_bytes = plan.layer_bytes(node.name)
        moved = Measurement(
            "moved_bytes", _moved(graph, node), "B", Provenance.ESTIMATED, MOVED_BASIS
        )
        rows.append(
            LayerRow(
                name=node.name,
                op=node.op,
                kernel=call.kernel if call else "",
                output_shape=graph.tensors[node.outputs[0]].shape,
                variant=call.variant if call else "",
                macs=OPERATORS[node.op].work(view(graph, node)).macs,
                weights_bytes=_weights_bytes(graph, node),
                activation_bytes=activation_bytes,
                live_bytes=live_bytes,
                measurements=(
                    *_cycles(plan, node, call, target),
                    moved,
                    *simulated.get(node.name, ()),
                ),
            )
        )
    return tuple(rows)


def _cycles(
    plan: Plan, node: Node, call: KernelCall | None, target: Target
) -> tuple[Measurement, ...]:
    """Predicted cycles of a node, and those that its multiplications take at the core's peak."""
    cycles, ideal, peak = 0, 0, target.core.peak
    if call is not None:
        behaviour, node_view = plan.behaviours.get(node.name), view(plan.graph, node)
        cycles = predicted_cycles(node_view, call, target, behaviour)
        macs = executed_work(node_view, call, behaviour).macs
        ideal = math.ceil(macs / peak.macs_per_cycle)
    basis = f"executed work x {target.name} rates"
    ideal_basis = (
        f"{1 / peak.macs_per_cycle:g} cycles per multiplication that the kernel executes: "
        f"{peak.source}"
    )
    return (
        Measurement("cycles", cycles, "cycles", Provenance.ESTIMATED, basis),
        Measurement("cycles_ideal", ideal, "cycles", Provenance.ESTIMATED, ideal_basis),
    )


def core_roofline(core: Core) -> Roofline:
    """The roofline of a core."""
    return Roofline(core.peak.macs_per_cycle, core.peak.bytes_per_cycle, core.peak.source)


def _moved(graph: Graph, node: Node) -> int:
    """Bytes that a node must read and write at least."""
    if OPERATORS[node.op].is_alias:
        return 0
    read = [graph.tensors[name] for name in node.inputs if name is not None]
    return sum(t.size_bytes for t in (*read, *(graph.tensors[n] for n in node.outputs)))


def _weights_bytes(graph: Graph, node: Node) -> int:
    tensors = [graph.tensors[name] for name in node.inputs if name is not None]
    return sum(t.size_bytes for t in tensors if t.is_constant)
