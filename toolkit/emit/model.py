"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.emit.contexts import ModelContext, StreamContext
from toolkit.emit.continuous import continuous_context
from toolkit.emit.parts import Parts, banner, tensor_text
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream import stream_context
from toolkit.plan import ArenaPlan, Plan, check
from toolkit.resources import render


def emit_model(plan: Plan, model_sha256: str, target: str) -> dict[str, str]:
    """Text of the model's four C files by name; ``model_sha256`` identifies its source.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    check(plan)
    context = emitted(plan, model_sha256, target)
    return {name: render(template, context) for name, template in plan.templates.items()}


def emitted(plan: Plan, model_sha256: str = "", target: str = "") -> ModelContext | StreamContext:
    """Everything that the templates of a plan's model print."""
    return _CONTEXTS[plan.schedule](plan, model_sha256, target)


def model_context(plan: ArenaPlan, model_sha256: str, target: str) -> ModelContext:
    """Everything the batch model's templates print."""
    graph, parts, calls = plan.graph, Parts(), plan.calls
    nodes = {node.name: node for node in graph.nodes}
    steps = tuple(
        parts.step(
            graph, nodes[name], call, number, plan.tensor_offsets, plan.scratch_offsets.get(name, 0)
        )
        for number, (name, call) in enumerate(calls.items(), 1)
    )
    shared = SharedKernels(steps)
    numbers = {name: number for number, name in enumerate(calls, 1)}
    peak = graph.nodes[plan.peak_step].name if graph.nodes else ""
    places = plan.tensor_offsets
    return ModelContext(
        banner=banner(graph, model_sha256, target),
        arena_bytes=plan.arena_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        peak_step=numbers.get(peak, 0),
        inputs=tuple(tensor_text(graph.tensors[name], places[name]) for name in graph.inputs),
        outputs=tuple(tensor_text(graph.tensors[name], places[name]) for name in graph.outputs),
        kernels=tuple(sorted({call.kernel for call in calls.values()})),
        constants=parts.constants,
        shared=shared.functions,
        steps=tuple(shared.applied(step) for step in steps),
        weights_bytes=parts.weights_bytes,
        macs=sum(step.macs for step in steps),
    )


#: What the templates print, by schedule.
_CONTEXTS: Mapping[str, Callable[[Any, str, str], ModelContext | StreamContext]] = {
    "batch": model_context,
    "stream": stream_context,
    "continuous": continuous_context,
}
