"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.emit.contexts import ModelContext, StreamContext
from toolkit.emit.continuous import continuous_context
from toolkit.emit.parts import Parts, StepPlace, banner, label_macros, tensor_text
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream import stream_context
from toolkit.emit.symbols import driver_symbols
from toolkit.measurement import Symbols
from toolkit.plan import ArenaPlan, Plan, check
from toolkit.plan.sharing import shared_code
from toolkit.resources import render


@dataclass(frozen=True)
class ModelText:
    """Text of the model's four C files by name, and what each symbol of theirs belongs to."""

    files: Mapping[str, str]
    symbols: Symbols


def emit_model(plan: Plan, model_sha256: str, target: str) -> ModelText:
    """The model in C; ``model_sha256`` identifies its source.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    check(plan)
    context = _CONTEXTS[plan.schedule](plan, model_sha256, target)
    return ModelText(
        files={name: render(template, context) for name, template in plan.templates.items()},
        symbols={**driver_symbols(plan.schedule), **context.symbols},
    )


def model_context(plan: ArenaPlan, model_sha256: str, target: str) -> ModelContext:
    """Everything the batch model's templates print."""
    graph, parts, calls = plan.graph, Parts(), plan.calls
    nodes = {node.name: node for node in graph.nodes}
    scratch, places = plan.scratch_offsets, plan.tensor_offsets
    steps = tuple(
        parts.step(graph, nodes[name], call, StepPlace(number, 0, places, scratch.get(name, 0)))
        for number, (name, call) in enumerate(calls.items(), 1)
    )
    shared = SharedKernels(steps, shared_code([*calls.values()]))
    numbers = {name: number for number, name in enumerate(calls, 1)}
    peak = graph.nodes[plan.peak_step].name if graph.nodes else ""
    return ModelContext(
        banner=banner(graph, model_sha256, target),
        arena_bytes=plan.arena_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        peak_step=numbers.get(peak, 0),
        inputs=tuple(tensor_text(graph.tensors[name], places[name]) for name in graph.inputs),
        outputs=tuple(tensor_text(graph.tensors[name], places[name]) for name in graph.outputs),
        labels=label_macros(graph),
        kernels=tuple(sorted({call.kernel for call in calls.values()})),
        constants=parts.constants,
        shared=shared.functions,
        steps=tuple(map(shared.applied, steps)),
        weights_bytes=parts.weights_bytes,
        macs=sum(step.macs for step in steps),
        symbols={**parts.symbols, **shared.symbols([*calls])},
    )


#: What the templates print, by schedule.
_CONTEXTS: Mapping[str, Callable[[Any, str, str], ModelContext | StreamContext]] = {
    "batch": model_context,
    "stream": stream_context,
    "continuous": continuous_context,
}
