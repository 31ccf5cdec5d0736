"""Plans a model that runs frame by frame: every byte of its state, whatever the clip's length.

A tensor with time keeps the rows that its readers still need in a ring; rows that no later frame
needs share memory within a pass, and what runs after the reductions overlays the rings, which are
dead by then.  Where a model streams in part, the tensors between its parts hold all rows of a clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal

from toolkit.errors import InputError
from toolkit.ir import Graph, Tensor
from toolkit.measurement import Measurement, MemoryMap, MemoryRow, Provenance
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import Variants, kernel_calls
from toolkit.ops.parts.base import KernelCall, TimeBehaviour, view
from toolkit.plan.play import Trace, period_frames
from toolkit.plan.row_outputs import RowPort, laid_out, row_tensor
from toolkit.plan.stream_schedule import Stage
from toolkit.plan.time_axis import TimeAxis, retime

#: Suits the 64-bit sums.
ALIGNMENT_BYTES = 8
#: Bytes of a row counter.
COUNTER_BYTES = 4
#: Words of a state beside the rows' counters: whether a frame waits for steps.
EXTRA_COUNTERS = 1
#: The same where outputs have time, beside the rows taken of each: whether the clip is ending.
ENDING_COUNTERS = 1

Purpose = Literal["ring", "row", "clip", "sums", "blocks", "scratch", "tensor"]


@dataclass(frozen=True)
class StateBuffer:
    """A part of the state, needed in the steps ``first_step..last_step`` of a frame and the end.

    The first steps take a row of each input, the others run a stage each, by its number; then the
    reductions finish, one step each, and the nodes behind them run.  ``name`` is a tensor's (ring,
    row, clip, tensor) or a node's (sums, scratch).
    """

    purpose: Purpose
    name: str
    size_bytes: int
    offset_bytes: int
    first_step: int
    last_step: int


@dataclass(frozen=True)
class Ring:
    """Where the rows of a counter lie: row r at ``offset_bytes + r % rows * row_bytes``."""

    tensor: str
    offset_bytes: int
    rows: int
    row_bytes: int


@dataclass(frozen=True, eq=False)
class StreamPlan:
    """A frame-by-frame schedule.

    ``state_bytes`` is the whole RAM of a model instance (buffers and row counters).
    ``lower_bound_bytes`` is what must outlive a frame: rows still needed, sums and counters.
    ``rings`` go by counter, None for a reduction.  ``ports`` are the outputs with time.
    ``finish_graph`` runs once a clip.
    """

    time: TimeAxis
    stages: tuple[Stage, ...]
    variants: Variants
    trace: Trace
    ports: tuple[RowPort, ...]
    rings: tuple[Ring | None, ...]
    buffers: tuple[StateBuffer, ...]
    finish_graph: Graph
    buffer_bytes: int
    state_bytes: int
    lower_bound_bytes: int
    max_frames: int
    schedule: Literal["stream"] = "stream"

    #: Templates of the generated C files, by file.
    templates: ClassVar[Mapping[str, str]] = {
        "model.h": "model_stream.h",
        "model.c": "model_stream.c",
        "model_weights.h": "model_weights.h",
        "model_weights.c": "model_weights.c",
    }
    #: The schedule's own helper header.
    helper_files: ClassVar[tuple[str, ...]] = ("tk_stream",)
    continuous: ClassVar[None] = None
    arena_bytes: ClassVar[int] = 0

    @property
    def audio_templates(self) -> Mapping[str, str]:
        """The same as ``templates`` of those that take audio."""
        kind = "model_rows_audio" if self.outputs_in_rows else "model_audio"
        return {f"model_audio.{end}": f"{kind}.{end}" for end in ("h", "c")}

    @property
    def graph(self) -> Graph:
        """The batch network of a clip, which a streamed run must equal."""
        return self.time.graph

    @property
    def behaviours(self) -> Mapping[str, TimeBehaviour]:
        return self.time.behaviours

    @property
    def stream(self) -> StreamPlan:
        return self

    @property
    def any_length(self) -> bool:
        """Whether clips may have other lengths than the file's: not where it streams in part."""
        return not self.time.collected

    @property
    def input_rows(self) -> int:
        """Frames of a clip."""
        return self.time.frames

    @property
    def ram_bytes(self) -> int:
        return self.state_bytes

    @cached_property
    def finish_calls(self) -> Mapping[str, KernelCall]:
        """What each node behind the reductions calls, by its name."""
        return kernel_calls(self.finish_graph, self.variants)

    @property
    def calls(self) -> Mapping[str, KernelCall]:
        """The call of each layer function of the generated C, by node name, in their order."""
        return {**{stage.node.name: stage.call for stage in self.stages}, **self.finish_calls}

    @property
    def kernel_files(self) -> frozenset[str]:
        """Stems of the kernel files that the model calls."""
        called = (stem for call in self.calls.values() for stem in call.files)
        return frozenset((*self.helper_files, *called))

    def at_rows(self, rows: int | None) -> StreamPlan:
        """The same plan where ``graph`` is that of a clip of ``rows`` frames (None: as it is).

        Raises TooFewFramesError, and InputError for a clip beyond ``max_frames``.
        """
        if rows is None:
            return self
        if rows > self.max_frames:
            raise InputError(
                f"{self.time.graph.name}: a clip must have at most {self.max_frames} frames, the "
                f"longest that its sums are made for; got {rows}.",
                hint="Use a shorter clip, or convert the model with a larger --max-seconds.",
            )
        return self.retimed(rows)

    def retimed(self, rows: int) -> StreamPlan:
        """The same plan where ``graph`` is that of ``rows`` frames, however many; raises
        TooFewFramesError."""
        return replace(self, time=replace(self.time, graph=retime(self.time, rows)))

    def describe(self, feature_bytes: int) -> list[Measurement]:
        """Figures of the plan; ``feature_bytes`` is the state of features beside the model."""
        return describe_state(self, self.state_bytes, self.lower_bound_bytes, feature_bytes)

    def layer_bytes(self, name: str) -> tuple[int, int]:
        """Bytes of the state that hold what the node called ``name`` makes (rows, sums or a tensor
        at the end), and of all buffers."""
        made = {name, *(o for node in self.graph.nodes if node.name == name for o in node.outputs)}
        return sum(b.size_bytes for b in self.buffers if b.name in made), self.buffer_bytes

    def memory_map(self) -> MemoryMap:
        """Every block of the state, by offset: a frame comes, the stages follow, then the end of a
        clip."""
        names = self.time.inputs
        steps = (
            *("a frame arrives" if len(names) == 1 else f"{n} of a frame arrives" for n in names),
            *(stage.node.name for stage in self.stages),
            *(f"{stage.node.name}, at the end" for stage in self.reductions),
            *(node.name for node in self.finish_graph.nodes),
        )
        rows = [
            MemoryRow(b.name, b.purpose, b.offset_bytes, b.size_bytes, b.first_step, b.last_step)
            for b in self.buffers
        ]
        counters = self.state_bytes - self.buffer_bytes
        end = len(steps) - 1
        rows.append(MemoryRow("row counters", "counters", self.buffer_bytes, counters, 0, end))
        return MemoryMap("state", self.state_bytes, steps, tuple(sorted(rows, key=MemoryRow.place)))

    @property
    def reductions(self) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages if stage.reduces)

    @property
    def starts_with_padding(self) -> bool:
        """Whether some rows are made of padding alone, before the first frame."""
        return any(stage.window.reach <= 0 for stage in self.stages)

    @property
    def min_frames(self) -> int:
        return self.time.min_frames

    @property
    def delay_frames(self) -> int:
        return self.trace.delay_frames

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        """What is read of each output at once: a row where it has time, else all of it."""
        tensors = self.graph.tensors
        rows = {o.name: row_tensor(o, self.graph) for o in self.time.row_outputs}
        return tuple(rows.get(name, tensors[name]) for name in self.graph.outputs)

    @property
    def outputs_in_rows(self) -> tuple[int, ...]:
        """Indices of the outputs that have time."""
        return tuple(port.index for port in self.ports)

    def laid_out(self, outputs: Sequence[bytes]) -> tuple[bytes, ...]:
        """The bytes of every output as the batch network gives them, of all rows of those with
        time, however many there are."""
        made = list(outputs)
        for index, output in zip(self.outputs_in_rows, self.time.row_outputs, strict=True):
            made[index] = laid_out(output, self.graph, made[index])
        return tuple(made)

    @property
    def period_frames(self) -> int:
        """Frames after which the same stages run again."""
        return period_frames([stage.move for stage in self.stages])

    @property
    def frame_bytes(self) -> int:
        """One frame, a row of every input."""
        return sum(self.time.row_bytes(name) for name in self.time.inputs)

    @cached_property
    def frame_macs(self) -> tuple[int, ...]:
        """Multiply-accumulates of each frame of one period, in the long run."""
        macs = {stage.number: stage.macs for stage in self.stages}
        return tuple(sum(macs[number] for number in rows) for rows in self.trace.rows_made)

    @cached_property
    def finish_macs(self) -> int:
        """Multiply-accumulates of the nodes behind the reductions."""
        graph = self.finish_graph
        return sum(OPERATORS[node.op].work(view(graph, node)).macs for node in graph.nodes)

    def offset(self, purpose: Purpose, name: str) -> int:
        """Where the buffer of that purpose and name begins."""
        return next(b.offset_bytes for b in self.buffers if (b.purpose, b.name) == (purpose, name))

    @cached_property
    def tensor_offsets(self) -> dict[str, int]:
        """Offset of every activation behind the reductions."""
        offsets = {b.name: b.offset_bytes for b in self.buffers if b.purpose in ("tensor", "clip")}
        for node in self.finish_graph.nodes:
            if OPERATORS[node.op].is_alias and node.inputs[0] is not None:
                offsets[node.outputs[0]] = offsets[node.inputs[0]]
        return offsets


def describe_state(
    stream: StreamPlan, state_bytes: int, lower_bound_bytes: int, feature_bytes: int
) -> list[Measurement]:
    """Figures of a plan that runs frame by frame, as ``stream`` does, in ``state_bytes``."""
    macs, planned = stream.frame_macs, "memory plan, checked"
    kept = "what must outlive a frame"
    figures: tuple[tuple[str, int, str, str], ...] = (
        ("arena_bytes", 0, "B", planned),
        ("state_bytes", state_bytes + feature_bytes, "B", planned),
        ("state_lower_bound_bytes", lower_bound_bytes + feature_bytes, "B", kept),
        ("delay_frames", stream.delay_frames, "frames", "schedule"),
        ("macs_per_frame_mean", round(sum(macs) / len(macs)), "MACs", "schedule"),
        ("macs_per_frame_worst", max(macs), "MACs", "schedule"),
    )
    if stream.ports:
        names = stream.graph.outputs
        each = ", ".join(f"{names[port.index]!r} {port.delay_frames}" for port in stream.ports)
        latest = max(port.delay_frames for port in stream.ports)
        figures += (("algorithmic_delay_frames", latest, "frames", f"schedule: {each}"),)
    return [Measurement(n, v, u, Provenance.ESTIMATED, basis) for n, v, u, basis in figures]


def aligned(size_bytes: int, alignment_bytes: int = ALIGNMENT_BYTES) -> int:
    """Bytes up to the next multiple of the alignment."""
    return -(-size_bytes // alignment_bytes) * alignment_bytes
