"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

from toolkit.emit.contexts import ModelContext
from toolkit.emit.continuous import continuous_context
from toolkit.emit.parts import Parts, banner, tensor_text
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream import stream_context, stream_kernels
from toolkit.ir import Graph
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, Variants, kernel_call
from toolkit.ops.parts.base import KernelCall, view
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


def emit_model(graph: Graph, plan: Plan, model_sha256: str, target: str) -> dict[str, str]:
    """Text of the model's four C files by name; ``model_sha256`` identifies its source.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    context: object
    if isinstance(plan, StreamPlan):
        context = stream_context(check_stream(graph, plan), model_sha256, target)
    elif isinstance(plan, ContinuousPlan):
        context = continuous_context(check_continuous(graph, plan), model_sha256, target)
    else:
        context = model_context(graph, plan, model_sha256, target)
    templates = MODEL_FILES[plan.schedule]
    return {name: render(template, context) for name, template in templates.items()}


def weights_bytes(graph: Graph, plan: Plan) -> int:
    """Flash that the model's constants take, equal ones shared."""
    if isinstance(plan, StreamPlan):
        return stream_context(plan, "", "").weights_bytes
    if isinstance(plan, ContinuousPlan):
        return stream_context(plan.stream, "", "").weights_bytes
    return model_context(graph, plan, "", "").weights_bytes


def kernel_calls(graph: Graph, variants: Variants) -> dict[str, KernelCall]:
    """What each node calls, by node name in execution order; aliases call nothing."""
    return {
        node.name: kernel_call(view(graph, node), variants.get(node.name, PORTABLE))
        for node in graph.nodes
        if not OPERATORS[node.op].is_alias
    }


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
    return {stem for call in calls for stem in (call.kernel, *call.extra_kernels)}


def model_context(graph: Graph, plan: ArenaPlan, model_sha256: str, target: str) -> ModelContext:
    """Everything the batch model's templates print."""
    check_plan(graph, plan)
    parts, calls = Parts(), kernel_calls(graph, plan.variants)
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
