"""Which layer of a firmware computes wrong bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from toolkit.deploy.findings import harness_input
from toolkit.deploy.run import Case, find_mismatches, reference_outputs, run_on_host
from toolkit.emit import emit_project, write_files
from toolkit.errors import ToolkitError
from toolkit.ir import Graph
from toolkit.ir.cut import prefix_graph
from toolkit.ops import OPERATORS
from toolkit.plan import Plan, plan_arena, variants_of
from toolkit.targets import Target


def wrong_layer(
    graph: Graph, plan: Plan, target: Target, model: bytes, toolchain: str, case: Case
) -> str:
    """One line that names the first layer whose bytes are not the integer reference's.

    The batch network ``graph`` runs on this workstation with the kernels of ``plan``, every layer
    an output.  Where they all agree, the fault is one of the schedule or of the target's code; the
    line says so.
    """
    computed = [n.outputs[0] for n in graph.nodes if not OPERATORS[n.op].is_alias]
    exposed = prefix_graph(graph, computed)
    try:
        found = _run(exposed, plan, target, model, toolchain, case)
    except ToolkitError as error:
        return f"the layer was not found: on the workstation {error.message}"
    mismatches = find_mismatches(exposed, reference_outputs(exposed, [case]), [found])
    if not mismatches:
        return "every layer agrees on the workstation in batch: look at the schedule or the target"
    first = mismatches[0]
    node = next(n for n in graph.nodes if first.output in n.outputs)
    return (
        f"first wrong layer {node.name!r} ({node.op}): {first.differing_bytes} of "
        f"{first.total_bytes} bytes on the workstation"
    )


def _run(
    graph: Graph, plan: Plan, target: Target, model: bytes, toolchain: str, case: Case
) -> tuple[bytes, ...]:
    arena = plan_arena(graph, variants_of(plan))
    stimulus = harness_input(arena, None, [case])
    with tempfile.TemporaryDirectory(prefix="toolkit-locate-") as scratch:
        folder = Path(scratch)
        write_files(emit_project(graph, arena, target, model), folder)
        _, output = run_on_host(folder, stimulus, toolchain, target, graph, None)
    return output.cases[0].outputs
