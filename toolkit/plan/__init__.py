"""Memory plans: where every byte a model needs lies, and the proof that nothing collides.

A `Plan` is what emit turns into C; its ``schedule`` tells the kinds apart.
"""

from __future__ import annotations

from typing import TypeAlias

from toolkit.ops.kernels import Variants
from toolkit.plan.arena import ArenaPlan, PlacedBuffer, plan_arena
from toolkit.plan.check import check_plan
from toolkit.plan.continuous import ContinuousPlan, plan_continuous
from toolkit.plan.continuous_check import check_continuous
from toolkit.plan.lifetimes import Buffer
from toolkit.plan.stream import StreamPlan, plan_stream
from toolkit.plan.stream_check import check_stream

Plan: TypeAlias = ArenaPlan | StreamPlan | ContinuousPlan


def variants_of(plan: Plan) -> Variants:
    """The kernels that a plan runs its nodes with."""
    return plan.stream.variants if isinstance(plan, ContinuousPlan) else plan.variants


def stream_of(plan: Plan) -> StreamPlan | None:
    """How a frame runs, where the plan takes frames; None for a batch plan."""
    if isinstance(plan, ContinuousPlan):
        return plan.stream
    return plan if isinstance(plan, StreamPlan) else None


__all__ = [
    "ArenaPlan",
    "Buffer",
    "ContinuousPlan",
    "PlacedBuffer",
    "Plan",
    "StreamPlan",
    "check_continuous",
    "check_plan",
    "check_stream",
    "plan_arena",
    "plan_continuous",
    "plan_stream",
    "stream_of",
    "variants_of",
]
