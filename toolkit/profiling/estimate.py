"""Everything a plan will cost on a target, from data alone: no compiler, no simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.emit import feature_arithmetic
from toolkit.features.spec import FeatureSpec
from toolkit.features.tables import state_bytes
from toolkit.ir import Graph
from toolkit.measurement import Measurement, Provenance
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.parts.base import view
from toolkit.plan import ArenaPlan, Plan, StreamPlan, stream_of, variants_of
from toolkit.plan.choose import BATCH, predicted_cycles
from toolkit.profiling.energy import audio_measurements, inference_measurements
from toolkit.profiling.features import FeatureEstimate, estimate_features
from toolkit.profiling.flash import FlashEstimate, estimate_flash, firmware_code
from toolkit.profiling.stack_estimate import StackEstimate, estimate_stack
from toolkit.targets import Target

#: Of the arena in the generated C.
ARENA_ALIGNMENT_BYTES = 16
_TABLE = "code by kernel as compiled for other models"


@dataclass(frozen=True)
class Estimate:
    """Predicted cost of one inference; cycles by node, bytes; ``frames`` are feature rows.

    ``frame_cycles`` are those of each frame of one period of a streamed plan, features included.
    """

    layer_cycles: Mapping[str, int]
    model_cycles: int
    features: FeatureEstimate | None
    frames: int
    frame_cycles: tuple[float, ...]
    flash: FlashEstimate
    ram_static_bytes: int
    stack: StackEstimate

    @property
    def stack_bytes(self) -> int:
        return self.stack.size_bytes

    @property
    def feature_cycles(self) -> int:
        return round(self.frames * self.features.cycles_per_frame) if self.features else 0

    @property
    def cycles(self) -> int:
        """Of an inference, features included."""
        return self.model_cycles + self.feature_cycles

    @property
    def flash_bytes(self) -> int:
        extra = round(self.features.flash_bytes) if self.features else 0
        return self.flash.total_bytes + extra


def estimate(
    graph: Graph,
    plan: Plan,
    target: Target,
    spec: FeatureSpec | None,
    asked: str = "auto",
) -> Estimate:
    """Predict what ``graph``, of one clip, costs when it runs by ``plan``; ``asked`` is the
    arithmetic of its features, see `feature_arithmetic`."""
    stream = stream_of(plan)
    behaviours = BATCH if stream is None else stream.time.behaviours
    calls = kernel_calls(graph, variants_of(plan))
    layer_cycles = {
        node.name: predicted_cycles(
            view(graph, node), calls[node.name], target, behaviours.get(node.name)
        )
        for node in graph.nodes
        if not OPERATORS[node.op].is_alias
    }
    frames, features, feature_ram = 0, None, 0
    if spec is not None:
        arithmetic = feature_arithmetic(target, asked)
        frames = graph.tensors[graph.inputs[0]].elements // spec.row_values
        features = estimate_features(spec, arithmetic, target.core)
        feature_ram = state_bytes(spec, arithmetic)
    code = firmware_code(graph, plan)
    divides = features is not None and features.divides
    if isinstance(plan, ArenaPlan):
        planned, feature_ram = plan.arena_bytes, _aligned(feature_ram)
    else:
        planned = plan.state_bytes
    per_frame = features.cycles_per_frame if features else 0.0
    return Estimate(
        layer_cycles=layer_cycles,
        model_cycles=sum(layer_cycles.values()),
        features=features,
        frames=frames,
        frame_cycles=()
        if stream is None
        else _frame_cycles(graph, stream, layer_cycles, per_frame),
        flash=estimate_flash(code, target.core, divides),
        ram_static_bytes=planned + feature_ram,
        stack=estimate_stack(code, target.core, features, spec is not None),
    )


def _aligned(size_bytes: int) -> int:
    """Bytes up to where an arena may begin behind the feature state."""
    return -(-size_bytes // ARENA_ALIGNMENT_BYTES) * ARENA_ALIGNMENT_BYTES


def _frame_cycles(
    graph: Graph, plan: StreamPlan, layer_cycles: Mapping[str, int], feature_cycles: float
) -> tuple[float, ...]:
    """Cycles of each frame of one period: every row at its share of the layer's cycles."""
    a_row = {}
    for stage in plan.stages:
        node = stage.node
        rows = graph.tensors[(node.inputs[0] or "") if stage.reduces else node.outputs[0]].shape[1]
        a_row[stage.number] = layer_cycles[node.name] / rows
    return tuple(
        feature_cycles + sum(a_row[number] for number in rows if number in a_row)
        for rows in plan.trace.rows_made
    )


def estimate_measurements(
    found: Estimate, target: Target, spec: FeatureSpec | None
) -> list[Measurement]:
    """The estimate as figures of a report."""
    estimated = Provenance.ESTIMATED
    rates = f"executed work x {target.core.name} rates"
    flash, features = found.flash, found.features

    def row(name: str, value: float, unit: str, basis: str) -> Measurement:
        return Measurement(name, value, unit, estimated, basis)

    rows = [
        row("flash_bytes", found.flash_bytes, "B", f"constants, and {_TABLE}"),
        row("kernel_code_bytes", flash.of("kernels"), "B", _TABLE),
        row("layer_code_bytes", flash.of("layers"), "B", _TABLE),
        row("other_code_bytes", flash.of("around"), "B", f"{_TABLE}; test harness included"),
        row("ram_static_bytes", found.ram_static_bytes, "B", "memory plan, checked"),
        row(
            "stack_bound_bytes",
            found.stack_bytes,
            "B",
            f"deepest chain of calls, to {found.stack.deepest!r}; frames as compiled for other "
            "models",
        ),
        row("cycles_model", found.model_cycles, "cycles", rates),
        row("cycles_per_inference", found.cycles, "cycles", rates),
    ]
    if features is not None:
        work = f"work of a frame x {target.core.name} feature rates"
        rows += [
            row("feature_flash_bytes", round(features.flash_bytes), "B", work),
            row("cycles_features", found.feature_cycles, "cycles", work),
        ]
    rows += inference_measurements(target, found.cycles, estimated)
    if found.frame_cycles:
        clock = f"cycles at {target.clock_hz / 1e6:g} MHz; features included"
        frames = found.frame_cycles
        for name, cycles in (("mean", sum(frames) / len(frames)), ("worst", max(frames))):
            rows += [
                row(f"cycles_per_frame_{name}", round(cycles), "cycles", f"{rates}, long run"),
                row(f"frame_latency_ms_{name}", 1e3 * cycles / target.clock_hz, "ms", clock),
            ]
    if spec is not None:
        seconds = spec.samples_for_rows(found.frames) / spec.sample_rate_hz
        rows += audio_measurements(target, found.cycles, seconds, estimated, rates)
    return rows
