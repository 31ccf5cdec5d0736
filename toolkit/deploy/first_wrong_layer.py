"""Which layer of a firmware computes wrong bytes."""

from __future__ import annotations

from dataclasses import replace

from toolkit.compare.outputs import find_mismatches
from toolkit.deploy.harness import Harness
from toolkit.deploy.stimulus import Stimulus
from toolkit.errors import ToolkitError
from toolkit.ir.cut import prefix_graph
from toolkit.model.reference import Case, output_bytes
from toolkit.ops import OPERATORS
from toolkit.plan import plan_arena


def first_wrong_layer(harness: Harness, toolchain: str, case: Case) -> str:
    """One line that names the first layer whose bytes are not the integer reference's.

    The batch network of the plan runs on this workstation with its kernels, every layer an output.
    Where they all agree, the fault is one of the schedule or of the target's code; the line says
    so.
    """
    plan, graph = harness.plan, harness.plan.graph
    computed = [n.outputs[0] for n in graph.nodes if not OPERATORS[n.op].is_alias]
    if graph.states:
        exposed = replace(graph, outputs=(*computed, *(state.write for state in graph.states)))
    else:
        exposed = prefix_graph(graph, computed)
    try:
        arena = plan_arena(exposed, plan.variants)
        batch = replace(harness, plan=arena, front_end=None)
        stimulus = Stimulus(cases=[case]).encode(arena)
        (found,) = batch.run_once_on_host(stimulus, toolchain).output.cases
    except ToolkitError as error:
        return f"the layer was not found: on the workstation {error.message}"
    expected = [output_bytes(exposed, case)]
    mismatches = find_mismatches(exposed.free_outputs, expected, [found.outputs])
    if not mismatches:
        return "every layer agrees on the workstation in batch: look at the schedule or the target"
    first = mismatches[0]
    node = next(n for n in graph.nodes if first.output in n.outputs)
    return (
        f"first wrong layer {node.name!r} ({node.op}): {first.differing_bytes} of "
        f"{first.total_bytes} bytes on the workstation"
    )
