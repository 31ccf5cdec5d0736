"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.emit.contexts import ModelContext, StreamContext
from toolkit.emit.continuous import continuous_context
from toolkit.emit.parts import Parts, StepPlace, banner, tensor_text
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream import stream_context, stream_kernels
from toolkit.emit.symbols import driver_symbols
from toolkit.ir import Graph
from toolkit.measurement import Symbols
from toolkit.ops.kernels import kernel_calls
from toolkit.plan import (
    ArenaPlan,
    ContinuousPlan,
    Plan,
    StreamPlan,
    check_continuous,
    check_plan,
    check_stream,
    stream_of,
    variants_of,
)
from toolkit.plan.sharing import shared_code
from toolkit.resources import render

#: Files of a model, and the template of each by schedule.
MODEL_FILES = {
    "batch": {n: n for n in ("model.h", "model.c", "model_weights.h", "model_weights.c")},
    "stream": {
        "model.h": "model_stream.h",
        "model.c": "model_stream.c",
        "model_weights.h": "model_weights.h",
        "model_weights.c": "model_weights.c",
    },
    "continuous": {
        "model.h": "model_continuous.h",
        "model.c": "model_continuous.c",
        "model_weights.h": "model_weights.h",
        "model_weights.c": "model_weights.c",
    },
}


@dataclass(frozen=True)
class ModelText:
    """Text of the model's four C files by name, and what each symbol of theirs belongs to."""

    files: Mapping[str, str]
    symbols: Symbols


def emit_model(graph: Graph, plan: Plan, model_sha256: str, target: str) -> ModelText:
    """The model in C; ``model_sha256`` identifies its source.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    context: ModelContext | StreamContext
    if isinstance(plan, StreamPlan):
        context = stream_context(check_stream(graph, plan), model_sha256, target)
    elif isinstance(plan, ContinuousPlan):
        context = continuous_context(check_continuous(graph, plan), model_sha256, target)
    else:
        context = model_context(graph, plan, model_sha256, target)
    templates = MODEL_FILES[plan.schedule]
    return ModelText(
        files={name: render(template, context) for name, template in templates.items()},
        symbols={**driver_symbols(plan.schedule), **context.symbols},
    )


def weights_bytes(graph: Graph, plan: Plan) -> int:
    """Flash that the model's constants take, equal ones shared."""
    if isinstance(plan, StreamPlan):
        return stream_context(plan, "", "").weights_bytes
    if isinstance(plan, ContinuousPlan):
        return stream_context(plan.stream, "", "").weights_bytes
    return model_context(graph, plan, "", "").weights_bytes


def layers(graph: Graph, plan: Plan) -> tuple[str, ...]:
    """The node behind each layer function of the generated C, by its number less 1.

    A layer's functions are named ``layer_<number>_...``.
    """
    stream = stream_of(plan)
    if stream is None:
        return tuple(kernel_calls(graph, variants_of(plan)))
    stages = tuple(stage.node.name for stage in stream.stages)
    return (*stages, *kernel_calls(stream.finish_graph, stream.variants))


def kernel_stems(graph: Graph, plan: Plan) -> set[str]:
    """Stems of the kernel files that the model calls."""
    if isinstance(plan, StreamPlan):
        return stream_kernels(plan)
    if isinstance(plan, ContinuousPlan):
        return stream_kernels(plan.stream)
    calls = kernel_calls(graph, plan.variants).values()
    return {stem for call in calls for stem in call.files}


def model_context(graph: Graph, plan: ArenaPlan, model_sha256: str, target: str) -> ModelContext:
    """Everything the batch model's templates print."""
    check_plan(graph, plan)
    parts, calls = Parts(), kernel_calls(graph, plan.variants)
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
        kernels=tuple(sorted({call.kernel for call in calls.values()})),
        constants=parts.constants,
        shared=shared.functions,
        steps=tuple(map(shared.applied, steps)),
        weights_bytes=parts.weights_bytes,
        macs=sum(step.macs for step in steps),
        symbols={**parts.symbols, **shared.symbols([*calls])},
    )
