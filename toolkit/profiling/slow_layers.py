"""Why a layer runs on a slow kernel, and what would free it."""

from __future__ import annotations

from typing import NamedTuple

from toolkit.ir import Node
from toolkit.measurement import Issue
from toolkit.ops import OPERATORS
from toolkit.ops.kernels import fast_calls, kernel_calls
from toolkit.ops.parts.base import KernelCall, view
from toolkit.ops.parts.rows import row_view
from toolkit.plan import Plan
from toolkit.plan.choose import constants_bytes, predicted_cycles
from toolkit.targets import Target

#: Of all cycles: what a layer takes, or another kernel would save, to be worth a word.
_SHARE = 0.05


class _Finding(NamedTuple):
    """``cycles`` that a word about a layer is about."""

    cycles: int
    text: str


def slow_layers(plan: Plan, target: Target) -> tuple[Issue, ...]:
    """The layer that would save most with a kernel that it did not get, or takes longest because
    nothing but a slow one takes it, and how many there are besides."""
    graph = plan.graph
    calls = {n: c for n, c in kernel_calls(graph, plan.variants).items() if n in plan.calls}
    nodes = [node for node in graph.nodes if node.name in calls]
    cycles = {n.name: _cycles(plan, n, calls[n.name], target) for n in nodes}
    least = _SHARE * sum(cycles.values())
    found = [
        finding
        for node in nodes
        if cycles[node.name] >= least
        for finding in _findings(plan, node, calls[node.name], target)
        if finding.cycles >= least
    ]
    if not found:
        return ()
    worst = max(found, key=lambda finding: finding.cycles)
    others = f"; likewise {len(found) - 1} more" if len(found) > 1 else ""
    return (Issue("time.slow_kernel", worst.text + others),)


def _findings(plan: Plan, node: Node, call: KernelCall, target: Target) -> list[_Finding]:
    operator, whole = OPERATORS[node.op], view(plan.graph, node)
    behaviour, have = plan.behaviours.get(node.name), _cycles(plan, node, call, target)
    seen = operator.on_whole(whole) if behaviour is None else row_view(whole, behaviour)
    others = fast_calls(seen, target.dsp)
    timed = [(_cycles(plan, node, other, target), other) for other in others]
    least, best = min(timed, key=lambda pair: pair[0], default=(have, call))
    runs = f"{node.name} ({node.op}) runs on {call.variant} at {have / 1e6:.2f} M cycles"
    findings = []
    if least < have:
        flash = constants_bytes(best) - constants_bytes(call)
        scratch = best.scratch_bytes - call.scratch_bytes
        text = (
            f"{runs}; {best.variant} would take {least / 1e6:.2f} M, flash {flash:+,} B, scratch "
            f"{scratch:+,} B (--optimize)"
        )
        findings.append(_Finding(have - least, text))
    problem = OPERATORS[seen.node.op].fast_problem(seen) if target.dsp else None
    if problem is not None:
        findings.append(_Finding(have, f"{runs}: {problem}"))
    return findings


def _cycles(plan: Plan, node: Node, call: KernelCall, target: Target) -> int:
    behaviour = plan.behaviours.get(node.name)
    return predicted_cycles(view(plan.graph, node), call, target, behaviour)
