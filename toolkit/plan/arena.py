"""Places buffers in one arena: greedy first fit in several orders, improved, the best one taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

from toolkit.ir import Graph, Tensor
from toolkit.measurement import Measurement, MemoryMap, MemoryRow, Provenance
from toolkit.ops.kernels import PORTABLE_ONLY, Variants, kernel_calls
from toolkit.ops.parts.base import KernelCall, TimeBehaviour
from toolkit.plan.in_place import in_place
from toolkit.plan.lifetimes import Buffer, find_buffers, live_bytes

#: Suits every element type, and vector loads of 16 bytes.
ALIGNMENT_BYTES = 16
#: Improvement rounds per starting order; real models need one or two.
_ROUNDS = 64

#: Orders to place buffers in, hardest first; ties are broken by position in the graph.
_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.size_bytes,),
    lambda b: (-(b.last_step - b.first_step), -b.size_bytes),
    lambda b: (-(b.last_step - b.first_step + 1) * b.size_bytes,),
    lambda b: (b.first_step, -b.size_bytes),
    lambda b: (-b.last_step, -b.size_bytes),
)


@dataclass(frozen=True)
class PlacedBuffer:
    """A buffer and the byte of the arena where it begins."""

    buffer: Buffer
    offset_bytes: int


@dataclass(frozen=True)
class ArenaPlan:
    """A schedule of ``graph`` node by node: one arena, its size a multiple of ``alignment_bytes``.

    A run takes a whole clip ("batch"), or of a graph with states a step of it; the states, which
    are `in_place`, lie in the arena for good.  ``live_bytes`` is what each step needs;
    ``lower_bound_bytes``, their maximum, is reached first at ``peak_step``.  No plan can be
    smaller, this one may be larger (alignment, fragmentation).
    """

    graph: Graph = field(compare=False)  # one of equal content gives the same plan
    buffers: tuple[PlacedBuffer, ...]
    variants: Variants
    arena_bytes: int
    live_bytes: tuple[int, ...]
    alignment_bytes: int

    #: Templates of the generated C files, by file.
    templates: ClassVar[Mapping[str, str]] = {
        name: name for name in ("model.h", "model.c", "model_weights.h", "model_weights.c")
    }
    #: How nodes treat time: no node of a whole clip is streamed.
    behaviours: ClassVar[Mapping[str, TimeBehaviour]] = {}
    stream: ClassVar[None] = None
    continuous: ClassVar[None] = None
    outputs_in_rows: ClassVar[tuple[int, ...]] = ()
    input_rows: ClassVar[None] = None
    any_length: ClassVar[bool] = False

    @property
    def schedule(self) -> Literal["batch", "step"]:
        return "step" if self.graph.states else "batch"

    @property
    def audio_templates(self) -> Mapping[str, str]:
        """The same of those that take audio."""
        stem = "model_continuous_audio" if self.graph.states else "model_audio"
        return {"model_audio.h": f"{stem}.h", "model_audio.c": f"{stem}.c"}

    @property
    def state_bytes(self) -> int:
        """Bytes of the arena that must outlive a run."""
        return sum(self.graph.tensors[state.read].size_bytes for state in self.graph.states)

    @property
    def ram_bytes(self) -> int:
        return self.arena_bytes

    @property
    def lower_bound_bytes(self) -> int:
        return max(self.live_bytes)

    @property
    def peak_step(self) -> int:
        return self.live_bytes.index(self.lower_bound_bytes)

    @cached_property
    def calls(self) -> Mapping[str, KernelCall]:
        """The call of each layer function of the generated C, by node name, in their order."""
        return kernel_calls(self.graph, self.variants)

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        return tuple(self.graph.tensors[name] for name in self.graph.free_outputs)

    @property
    def kernel_files(self) -> frozenset[str]:
        """Stems of the kernel files that the model calls."""
        return frozenset(stem for call in self.calls.values() for stem in call.files)

    def at_rows(self, rows: int | None) -> ArenaPlan:
        """Itself: a clip has the file's length."""
        return self

    def describe(self, feature_bytes: int) -> list[Measurement]:
        """Figures of the plan; ``feature_bytes`` is the state of features beside the model."""
        planned, estimated = "memory plan, checked", Provenance.ESTIMATED
        peak = f"bytes alive at {self.graph.nodes[self.peak_step].name!r}"
        return [
            Measurement("arena_bytes", self.arena_bytes, "B", estimated, planned),
            Measurement("arena_lower_bound_bytes", self.lower_bound_bytes, "B", estimated, peak),
            self._state(feature_bytes),
        ]

    def _state(self, feature_bytes: int) -> Measurement:
        basis = "states of the model, in the arena, and feature state"
        if not self.graph.states:
            basis = "feature state"
        total = feature_bytes + self.state_bytes
        return Measurement("state_bytes", total, "B", Provenance.ESTIMATED, basis)

    def layer_bytes(self, name: str) -> tuple[int, int]:
        """Bytes of what the node called ``name`` makes, and of all that its step needs."""
        at = self._steps[name]
        output = self.graph.tensors[self.graph.nodes[at].outputs[0]]
        return output.size_bytes, self.live_bytes[at]

    def memory_map(self) -> MemoryMap:
        """Every block of the arena, by offset, and the steps (nodes) in which it is needed."""
        rows = (
            MemoryRow(
                placed.buffer.node or placed.buffer.tensors[0],
                self._kind(placed.buffer),
                placed.offset_bytes,
                placed.buffer.size_bytes,
                placed.buffer.first_step,
                placed.buffer.last_step,
            )
            for placed in self.buffers
        )
        steps = tuple(node.name for node in self.graph.nodes)
        return MemoryMap("arena", self.arena_bytes, steps, tuple(sorted(rows, key=MemoryRow.place)))

    def _kind(self, buffer: Buffer) -> str:
        is_state = any(state.read in buffer.tensors for state in self.graph.states)
        return "scratch" if buffer.node else "state" if is_state else "tensor"

    @cached_property
    def _steps(self) -> Mapping[str, int]:
        return {node.name: step for step, node in enumerate(self.graph.nodes)}

    @cached_property
    def tensor_offsets(self) -> Mapping[str, int]:
        """Offset in bytes of every activation, by tensor name."""
        return {name: p.offset_bytes for p in self.buffers for name in p.buffer.tensors}

    @cached_property
    def scratch_offsets(self) -> Mapping[str, int]:
        """Offset in bytes of every scratch buffer, by node name."""
        return {p.buffer.node: p.offset_bytes for p in self.buffers if p.buffer.node}


def plan_arena(
    graph: Graph, variants: Variants = PORTABLE_ONLY, alignment_bytes: int = ALIGNMENT_BYTES
) -> ArenaPlan:
    """Plan the arena of a quantised graph run step by step; deterministic.

    ``variants`` names the kernel of each node that is not to run the portable one.
    Raises UnsupportedError for a graph that has no such schedule (see `find_buffers`, `in_place`).
    """
    graph = in_place(graph)
    buffers = find_buffers(graph, variants)
    live = live_bytes(buffers)
    offsets = place(buffers, alignment_bytes)
    ends = [o + b.size_bytes for b, o in zip(buffers, offsets, strict=True)]
    return ArenaPlan(
        graph=graph,
        buffers=tuple(PlacedBuffer(b, o) for b, o in zip(buffers, offsets, strict=True)),
        variants=variants,
        arena_bytes=_align(max(ends, default=1), alignment_bytes),
        live_bytes=live,
        alignment_bytes=alignment_bytes,
    )


def place(buffers: Sequence[Buffer], alignment_bytes: int) -> list[int]:
    """An offset for every buffer, such that no two needed in the same step overlap.

    Each order is improved by placing the buffer that sticks out furthest first, and repeating.
    """
    conflicts = _conflicts(buffers)
    sizes = [_align(b.size_bytes, alignment_bytes) for b in buffers]
    bound = max(live_bytes(tuple(_resized(b, s) for b, s in zip(buffers, sizes, strict=True))))
    best: list[int] = []
    best_top: int | None = None
    for key in _ORDERS:
        order = sorted(range(len(buffers)), key=lambda i: (*key(buffers[i]), i))
        for _ in range(_ROUNDS):
            offsets = _first_fit(order, sizes, conflicts)
            top = max((o + s for o, s in zip(offsets, sizes, strict=True)), default=0)
            if best_top is None or top < best_top:
                best, best_top = offsets, top
            if best_top <= bound:
                return best
            highest = max(order, key=lambda i: (offsets[i] + sizes[i], -i))
            if order[0] == highest:
                break
            order = [highest, *(i for i in order if i != highest)]
    return best


def _conflicts(buffers: Sequence[Buffer]) -> list[list[int]]:
    """For each buffer, the others that are needed in one of its steps."""
    found: list[list[int]] = [[] for _ in buffers]
    alive: list[int] = []
    for i in sorted(range(len(buffers)), key=lambda i: buffers[i].first_step):
        alive = [j for j in alive if buffers[j].last_step >= buffers[i].first_step]
        for j in alive:
            found[i].append(j)
            found[j].append(i)
        alive.append(i)
    return found


def _first_fit(order: list[int], sizes: list[int], conflicts: list[list[int]]) -> list[int]:
    """Place each buffer of ``order`` at the lowest offset free for as long as it lives."""
    offsets = [-1] * len(sizes)
    for i in order:
        offset = 0
        taken = sorted((offsets[j], offsets[j] + sizes[j]) for j in conflicts[i] if offsets[j] >= 0)
        for begin, end in taken:
            if offset + sizes[i] <= begin:
                break
            offset = max(offset, end)
        offsets[i] = offset
    return offsets


def _resized(buffer: Buffer, size_bytes: int) -> Buffer:
    return Buffer(size_bytes, buffer.first_step, buffer.last_step)


def _align(size_bytes: int, alignment_bytes: int) -> int:
    return -(-size_bytes // alignment_bytes) * alignment_bytes
