"""A model over endless audio in C: a streamed one's stages, blocks of sums, an output a hop."""

from __future__ import annotations

from dataclasses import dataclass, fields

from toolkit.emit.stream import stream_context
from toolkit.emit.stream_contexts import StreamContext
from toolkit.plan.continuous import ContinuousPlan


@dataclass(frozen=True)
class ContinuousContext(StreamContext):
    """Everything of a continuous model's four files; in ``rings`` a reduction has its blocks."""

    hop_frames: int
    window_frames: int
    blocks: int
    first_output_frames: int
    silent_hops: int
    hops_counted: int
    settled_frames: int
    period_frames: int


def continuous_context(plan: ContinuousPlan, model_sha256: str, target: str) -> ContinuousContext:
    """Everything the continuous model's templates print."""
    stream = stream_context(plan.stream, model_sha256, target)
    shared = {field.name: getattr(stream, field.name) for field in fields(stream)}
    shared["lower_bound_bytes"] = plan.lower_bound_bytes
    return ContinuousContext(
        **shared,
        hop_frames=plan.hop_frames,
        window_frames=plan.window_frames,
        blocks=plan.blocks,
        first_output_frames=plan.first_output_frames,
        silent_hops=plan.silent_hops,
        hops_counted=max(plan.blocks, plan.silent_hops + 1),
        settled_frames=plan.settled_frames,
        period_frames=plan.period_frames,
    )
