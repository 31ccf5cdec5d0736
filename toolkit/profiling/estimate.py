"""Everything a plan will cost on a target, from data alone: no compiler, no simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.features.front_end import FrontEnd
from toolkit.measurement import Measurement, Provenance
from toolkit.ops.kernels import kernel_calls
from toolkit.ops.parts.base import view
from toolkit.plan import Plan, StreamPlan
from toolkit.plan.choose import predicted_cycles
from toolkit.profiling.energy import audio_measurements, inference_measurements
from toolkit.profiling.features import FeatureEstimate, estimate_features
from toolkit.profiling.flash import FlashEstimate, estimate_flash, firmware_code
from toolkit.profiling.hot_code import hot_layers
from toolkit.profiling.memory import rates_words
from toolkit.profiling.stack_estimate import StackEstimate, estimate_stack
from toolkit.targets import Target

#: Of the arena in the generated C.
ARENA_ALIGNMENT_BYTES = 16
_TABLE = "code by kernel as compiled for other models"


@dataclass(frozen=True)
class Copied:
    """Bytes of code and of weights that start-up copies from flash to RAM."""

    code_bytes: int
    weights_bytes: int

    @property
    def size_bytes(self) -> int:
        return self.code_bytes + self.weights_bytes


@dataclass(frozen=True)
class Estimate:
    """Predicted cost of one inference; cycles by node, bytes; ``frames`` are feature rows, of which
    ``audio_s`` seconds give so many (of a step: those until the next one).

    ``frame_cycles`` are those of each frame of one period of a streamed plan, features included;
    ``unrated`` the kernels whose cycles are by the rates of the portable ones in general.
    """

    layer_cycles: Mapping[str, int]
    unrated: tuple[str, ...]
    model_cycles: int
    features: FeatureEstimate | None
    frames: int
    audio_s: float
    frame_cycles: tuple[float, ...]
    flash: FlashEstimate
    ram_static_bytes: int
    copied: Copied
    stack: StackEstimate

    @property
    def ram_bytes(self) -> int:
        """Static RAM, with what is copied to it."""
        return self.ram_static_bytes + self.copied.size_bytes

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


def estimate(plan: Plan, target: Target, front_end: FrontEnd | None) -> Estimate:
    """Predict what an inference costs that runs by ``plan``, features of ``front_end`` included."""
    graph, stream = plan.graph, plan.stream
    calls, run = kernel_calls(graph, plan.variants), plan.calls
    hot = hot_layers(plan, target)
    layer_cycles = {
        node.name: predicted_cycles(
            view(graph, node),
            calls[node.name],
            target if node.name in hot else target.with_code_in_flash,
            plan.behaviours.get(node.name),
        )
        for node in graph.nodes
        if node.name in run
    }
    frames, audio_s, features, ram_bytes = 0, 0.0, None, plan.ram_bytes
    if front_end is not None:
        spec = front_end.spec
        frames = graph.tensors[graph.inputs[0]].elements // spec.row_values
        taken = spec.hop_samples * frames if graph.states else spec.samples_for_rows(frames)
        audio_s = taken / spec.sample_rate_hz
        features = estimate_features(spec, front_end.arithmetic, target)
        state_bytes = front_end.state_bytes
        ram_bytes += _aligned(state_bytes) if stream is None else state_bytes
    code = firmware_code(plan)
    divides = features is not None and features.divides
    per_frame = features.cycles_per_frame if features else 0.0
    flash = estimate_flash(code, target.core, divides, hot)
    ran = {(calls[name].kernel, calls[name].variant) for name in layer_cycles}
    return Estimate(
        layer_cycles=layer_cycles,
        unrated=tuple(sorted("/".join(kernel) for kernel in ran if not target.has_rates(*kernel))),
        model_cycles=sum(layer_cycles.values()),
        features=features,
        frames=frames,
        audio_s=audio_s,
        frame_cycles=() if stream is None else _frame_cycles(stream, layer_cycles, per_frame),
        flash=flash,
        ram_static_bytes=ram_bytes,
        copied=Copied(flash.copied_bytes, flash.of("weights") if target.policy.ram_weights else 0),
        stack=estimate_stack(code, target.core, features, front_end is not None),
    )


def _ram_basis(found: Estimate) -> str:
    plan = "memory plan, checked"
    code = f"code copied to RAM: {_TABLE}" if found.copied.code_bytes else ""
    weights = "weights copied to RAM" if found.copied.weights_bytes else ""
    return "; ".join(filter(None, (plan, weights, code)))


def _aligned(size_bytes: int) -> int:
    """Bytes up to where an arena may begin behind the feature state."""
    return -(-size_bytes // ARENA_ALIGNMENT_BYTES) * ARENA_ALIGNMENT_BYTES


def _frame_cycles(
    plan: StreamPlan, layer_cycles: Mapping[str, int], feature_cycles: float
) -> tuple[float, ...]:
    """Cycles of each frame of one period: every row at its share of the layer's cycles."""
    a_row, tensors = {}, plan.graph.tensors
    for stage in plan.stages:
        node = stage.node
        rows = tensors[(node.inputs[0] or "") if stage.reduces else node.outputs[0]].shape[1]
        a_row[stage.number] = layer_cycles[node.name] / rows
    return tuple(
        feature_cycles + sum(a_row[number] for number in rows if number in a_row)
        for rows in plan.trace.rows_made
    )


def estimate_measurements(
    found: Estimate, target: Target, front_end: FrontEnd | None
) -> list[Measurement]:
    """The estimate as figures of a report."""
    estimated = Provenance.ESTIMATED
    rates = f"executed work x {rates_words(target)}"
    flash, features = found.flash, found.features

    def row(name: str, value: float, unit: str, basis: str) -> Measurement:
        return Measurement(name, value, unit, estimated, basis)

    rows = [
        row("flash_bytes", found.flash_bytes, "B", f"constants, and {_TABLE}"),
        row("kernel_code_bytes", flash.of("kernels"), "B", _TABLE),
        row("layer_code_bytes", flash.of("layers"), "B", _TABLE),
        row("other_code_bytes", flash.of("around"), "B", f"{_TABLE}; test harness included"),
        row("ram_static_bytes", found.ram_bytes, "B", _ram_basis(found)),
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
        work = f"work of a frame x {rates_words(target, 'feature rates')}"
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
    if front_end is not None:
        rows += audio_measurements(target, found.cycles, found.audio_s, estimated, rates)
    return rows
