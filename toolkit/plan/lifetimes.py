"""When each byte is needed: activations and scratch as buffers over the steps of a graph.

Step ``k`` runs ``graph.nodes[k]``.  Graph inputs live from step 0, graph outputs to the last step,
an activation from the step that writes it to the last step that reads it, scratch in its one step.
A tensor and its aliases (reshape) are one buffer.  So are what a state was and what it becomes, of
a graph that is `in_place`: that buffer lives in every step, and from run to run.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph
from toolkit.measurement import bytes_by_step
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import PORTABLE, PORTABLE_ONLY, Variants, kernel_call
from toolkit.ops.parts.base import view
from toolkit.plan.in_place import alias_roots


@dataclass(frozen=True)
class Buffer:
    """``size_bytes`` needed in every step of ``first_step..last_step`` (both inclusive).

    ``tensors`` are the activations that lie in it; for scratch it is empty and ``node`` is set.
    """

    size_bytes: int
    first_step: int
    last_step: int
    tensors: tuple[str, ...] = ()
    node: str = ""


def find_buffers(graph: Graph, variants: Variants = PORTABLE_ONLY) -> tuple[Buffer, ...]:
    """Every buffer of ``graph``, activations in order of their first step, then scratch.

    Raises UnsupportedError where a graph output, or an alias, is a constant: it has no buffer.
    """
    roots = alias_roots(graph)
    kept = {roots[state.write]: state.read for state in graph.states}
    roots = {name: kept.get(root, root) for name, root in roots.items()}
    last_step = max(len(graph.nodes) - 1, 0)
    first: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    members: dict[str, list[str]] = {name: [name] for name in graph.inputs}
    for step, node in enumerate(graph.nodes):
        for name in node.outputs:
            root = roots[name]
            first.setdefault(root, step)
            last[root] = step
            members.setdefault(root, []).append(name)
        for tensor in graph.input_tensors(node):
            if tensor is not None and not tensor.is_constant:
                last[roots[tensor.name]] = step
    for name in graph.outputs:
        if graph.tensors[name].is_constant:
            raise UnsupportedError(f"graph output {name!r} is a constant: nothing computes it.")
        last[roots[name]] = last_step
    activations = [
        Buffer(graph.tensors[root].size_bytes, first[root], last[root], tuple(names))
        for root, names in members.items()
    ]
    return (*activations, *_scratch(graph, variants))


def live_bytes(buffers: tuple[Buffer, ...]) -> tuple[int, ...]:
    """Bytes needed in each step; their maximum is a lower bound of any arena."""
    return bytes_by_step(buffers, max((b.last_step for b in buffers), default=0) + 1)


def _scratch(graph: Graph, variants: Variants) -> list[Buffer]:
    buffers = []
    for step, node in enumerate(graph.nodes):
        if OPERATORS[node.op].is_alias:
            continue
        size = kernel_call(view(graph, node), variants.get(node.name, PORTABLE)).scratch_bytes
        if size:
            buffers.append(Buffer(size, step, step, node=node.name))
    return buffers
