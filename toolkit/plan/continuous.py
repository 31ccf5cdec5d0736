"""Plans a model over endless audio: an output every hop, over a sliding window of hops.

Rows flow as in a stream plan, without an end.  A reduction adds the rows of a hop to a block of
sums; the window is as many blocks as it has hops, so memory grows with blocks, not with frames.
When a hop ends the blocks are merged, exactly, and the nodes behind the reductions run.

An output is not that of a clip of the window: the layers before the reductions have seen what came
before it, there is no padding at its ends, and its last frames are still on their way
(``delay_frames``) to the reductions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph, Tensor
from toolkit.measurement import Measurement, MemoryMap
from toolkit.ops.kernels import Variants
from toolkit.ops.parts.base import KernelCall, TimeBehaviour
from toolkit.plan.stream import (
    StreamPlan,
    describe_state,
)
from toolkit.plan.stream_schedule import Stage

#: Further words beside the rows' counters: the block being filled, blocks so far, frames in it.
BLOCK_COUNTERS = 3


@dataclass(frozen=True, eq=False)
class ContinuousPlan:
    """An endless schedule.

    ``stream`` says how a frame runs and where everything lies: rings outlive a hop, a reduction's
    ring holds its blocks, and its buffer of purpose ``sums`` is where they are merged.
    ``state_bytes`` is the whole RAM of an instance, ``lower_bound_bytes`` what must outlive a
    frame.  After ``settled_frames + period_frames`` frames all is as it was after
    ``settled_frames``: row counters go back and never exceed that sum.  Outputs come after every
    hop but the first ``silent_hops``, when no row has reached a reduction yet.
    """

    stream: StreamPlan
    hop_frames: int
    window_frames: int
    period_frames: int
    settled_frames: int
    silent_hops: int
    state_bytes: int
    lower_bound_bytes: int
    schedule: Literal["continuous"] = "continuous"

    #: Templates of the generated C files, by file.
    templates: ClassVar[Mapping[str, str]] = {
        "model.h": "model_continuous.h",
        "model.c": "model_continuous.c",
        "model_weights.h": "model_weights.h",
        "model_weights.c": "model_weights.c",
    }
    #: The same of those that take audio.
    audio_templates: ClassVar[Mapping[str, str]] = {
        "model_audio.h": "model_continuous_audio.h",
        "model_audio.c": "model_continuous_audio.c",
    }
    arena_bytes: ClassVar[int] = 0
    outputs_in_rows: ClassVar[tuple[int, ...]] = ()

    @property
    def graph(self) -> Graph:
        return self.stream.graph

    @property
    def variants(self) -> Variants:
        return self.stream.variants

    @property
    def behaviours(self) -> Mapping[str, TimeBehaviour]:
        return self.stream.behaviours

    @property
    def continuous(self) -> ContinuousPlan:
        return self

    @property
    def any_length(self) -> bool:
        return self.stream.any_length

    @property
    def input_rows(self) -> int:
        return self.stream.input_rows

    @property
    def ram_bytes(self) -> int:
        return self.state_bytes

    @property
    def calls(self) -> Mapping[str, KernelCall]:
        return self.stream.calls

    @property
    def output_tensors(self) -> tuple[Tensor, ...]:
        return self.stream.output_tensors

    @property
    def kernel_files(self) -> frozenset[str]:
        return self.stream.kernel_files

    def at_rows(self, rows: int | None) -> ContinuousPlan:
        """The same plan where ``graph`` is that of a recording of ``rows`` frames, of which the
        sums hold a window."""
        return self if rows is None else replace(self, stream=self.stream.retimed(rows))

    def describe(self, feature_bytes: int) -> list[Measurement]:
        return describe_state(self.stream, self.state_bytes, self.lower_bound_bytes, feature_bytes)

    def layer_bytes(self, name: str) -> tuple[int, int]:
        return self.stream.layer_bytes(name)

    def memory_map(self) -> MemoryMap:
        return self.stream.memory_map()

    @property
    def blocks(self) -> int:
        """Hops in a window."""
        return self.window_frames // self.hop_frames

    @property
    def delay_frames(self) -> int:
        return self.stream.delay_frames

    @property
    def first_output_frames(self) -> int:
        """Frames after which the first output comes."""
        return (self.silent_hops + 1) * self.hop_frames

    def reduced_rows(self, stage: Stage, hops: int) -> tuple[int, int]:
        """Rows ``first, behind the last`` that the reduction ``stage`` has in the window when
        ``hops`` hops have ended."""
        first = max(0, hops - self.blocks) * self.hop_frames
        last = hops * self.hop_frames
        made = [rows_made(self.stream.stages, frames)[stage.number] for frames in (first, last)]
        return (made[0] if first else 0), made[1]


def require_endless_level(spec: FeatureSpec) -> None:
    """Raise InputError for features that cannot be computed on endless audio."""
    if spec.whole_clip:
        raise InputError(
            f"continuous mode: {'; '.join(spec.whole_clip)}.",
            hint="Use a model trained with features that stream.",
        )


def rows_made(stages: Sequence[Stage], frames: int) -> list[int]:
    """Rows of every counter once ``frames`` frames are in and no end is in sight."""
    made = [frames for _ in range(stages[0].number)]
    for stage in stages:
        window = stage.window
        seen = min(made[number] for number in stage.inputs)
        rows = max(0, (seen + window.top - window.span) // window.stride + 1)
        made.append(rows // stage.group * stage.group)
    return made
