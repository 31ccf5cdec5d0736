"""A planned graph becomes model.h, model.c and the weights: straight-line calls of kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.emit.c_text import comment_text
from toolkit.emit.contexts import Banner, ModelContext
from toolkit.emit.continuous import continuous_context
from toolkit.emit.parts import Parts, StepPlace, banner, label_macros, tensor_text
from toolkit.emit.shared import SharedKernels
from toolkit.emit.stream import stream_context
from toolkit.emit.stream_contexts import StreamContext
from toolkit.emit.symbols import CODE_ROLES, NOT_HOT, driver_symbols
from toolkit.measurement import Symbols
from toolkit.plan import ArenaPlan, Plan, check
from toolkit.plan.sharing import shared_code
from toolkit.resources import render

WEIGHTS = "model_weights.c"
#: Stands in the header of the weights for the number of their layout, which is that of all code.
LAYOUT = "@LAYOUT@"


@dataclass(frozen=True)
class InRam:
    """What start-up code copies from flash to RAM: the code of ``layers``, the weights."""

    layers: frozenset[str] = NOT_HOT
    weights: bool = False


ALL_IN_FLASH = InRam()


@dataclass(frozen=True)
class ModelText:
    """Text of the model's four C files by name, and what each symbol of theirs belongs to."""

    files: Mapping[str, str]
    symbols: Symbols


def emit_model(
    plan: Plan,
    model_sha256: str,
    target: str,
    read_with: Iterable[str] = (),
    in_ram: InRam = ALL_IN_FLASH,
) -> ModelText:
    """The model in C; ``model_sha256`` identifies its source, ``read_with`` is what beside the
    model's own C only weights of the same layout fit; ``in_ram`` is what start-up code copies.

    The plan is checked first.  Raises UnsupportedError for tensors that are not integers.
    """
    check(plan)
    context = _CONTEXTS[plan.schedule](plan, model_sha256, target)
    hot = frozenset(
        name
        for name, symbol in context.symbols.items()
        if symbol.role in CODE_ROLES and in_ram.layers.intersection(symbol.layers)
    )
    weights = replace(context.weights, in_ram=in_ram.weights)
    context = replace(context, weights=weights, hot=hot)
    files = {name: render(template, context) for name, template in plan.templates.items()}
    layout = _layout(plan, context, read_with)
    return ModelText(
        files={name: text.replace(LAYOUT, layout) for name, text in files.items()},
        symbols={**driver_symbols(plan), **context.symbols},
    )


def _layout(plan: Plan, context: ModelContext | StreamContext, read_with: Iterable[str]) -> str:
    """The number of the weights' layout: digits of all code that reads them, whatever it was
    generated from."""
    nameless = replace(context, banner=Banner("", comment_text(""), "", ""))
    code = (render(plan.templates[name], nameless) for name in plan.templates if name != WEIGHTS)
    return f"0x{hashlib.sha256(''.join((*code, *read_with)).encode()).hexdigest()[:8].upper()}u"


def model_context(plan: ArenaPlan, model_sha256: str, target: str) -> ModelContext:
    """Everything that the templates of a model which runs node by node print."""
    graph, parts, calls = plan.graph, Parts(), plan.calls
    nodes = {node.name: node for node in graph.nodes}
    scratch, places = plan.scratch_offsets, plan.tensor_offsets
    steps = tuple(
        parts.step(graph, nodes[name], call, StepPlace(places, scratch.get(name, 0)))
        for name, call in calls.items()
    )
    states = tuple(parts.state(graph, state, places[state.read]) for state in graph.states)
    shared = SharedKernels(steps, shared_code([*calls.values()]))
    peak = graph.nodes[plan.peak_step].name if graph.nodes else "none"
    return ModelContext(
        banner=banner(graph, model_sha256, target),
        arena_bytes=plan.arena_bytes,
        lower_bound_bytes=plan.lower_bound_bytes,
        peak_step=comment_text(peak),
        inputs=tuple(tensor_text(graph.tensors[name], places[name]) for name in graph.free_inputs),
        outputs=tuple(tensor_text(t, places[t.name]) for t in plan.output_tensors),
        states=states,
        labels=label_macros(graph, plan.output_tensors),
        kernels=tuple(sorted({call.kernel for call in calls.values()})),
        weights=parts.weights,
        shared=shared.functions,
        steps=tuple(map(shared.applied, steps)),
        macs=sum(step.macs for step in steps),
        symbols={**parts.symbols, **shared.symbols([*calls])},
        hot=NOT_HOT,
    )


#: What the templates print, by schedule.
_CONTEXTS: Mapping[str, Callable[[Any, str, str], ModelContext | StreamContext]] = {
    "batch": model_context,
    "step": model_context,
    "stream": stream_context,
    "continuous": continuous_context,
}
