"""Memory plans: where every byte a model needs lies, and the proof that nothing collides.

A `Plan` is what emit turns into C, for one of three schedules: a whole clip from an arena, frame by
frame, or endless audio.  All three answer for themselves, so that nobody asks which one it is:
``graph`` (the batch network of an inference, `at_rows` at another clip length, where ``any_length``
is taken), ``input_rows``, ``output_tensors`` (what is read of each output at once: of those
``outputs_in_rows`` a row), ``variants`` and ``calls`` (the kernels), ``ram_bytes``,
``arena_bytes``, ``state_bytes`` and ``lower_bound_bytes``, ``memory_map``, ``layer_bytes``,
``describe`` (figures), ``templates``, ``audio_templates`` and ``kernel_files`` (what the C is made
of), ``stream`` (how a frame runs, None in batch) and ``continuous`` (None where outputs are exact).
"""

from __future__ import annotations

from typing import TypeAlias

from toolkit.plan.arena import ArenaPlan, PlacedBuffer, plan_arena
from toolkit.plan.check import check_plan
from toolkit.plan.continuous import ContinuousPlan
from toolkit.plan.continuous_check import check_continuous
from toolkit.plan.lifetimes import Buffer
from toolkit.plan.plan_continuous import plan_continuous
from toolkit.plan.plan_stream import plan_stream
from toolkit.plan.stream import StreamPlan
from toolkit.plan.stream_check import check_stream

Plan: TypeAlias = ArenaPlan | StreamPlan | ContinuousPlan


def check(plan: Plan) -> None:
    """Raise `ToolkitError` (internal) at the first violation of a plan."""
    if isinstance(plan, ArenaPlan):
        check_plan(plan.graph, plan)
    elif isinstance(plan, StreamPlan):
        check_stream(plan.graph, plan)
    else:
        check_continuous(plan.graph, plan)


__all__ = [
    "ArenaPlan",
    "Buffer",
    "ContinuousPlan",
    "PlacedBuffer",
    "Plan",
    "StreamPlan",
    "check",
    "check_continuous",
    "check_plan",
    "check_stream",
    "plan_arena",
    "plan_continuous",
    "plan_stream",
]
