"""Brings the axes that a reduction takes beside one another, which kernels need."""

from __future__ import annotations

from dataclasses import replace

from toolkit.ir import Graph, Node
from toolkit.ir.edit import fresh, substitute
from toolkit.ops.parts.base import view
from toolkit.ops.parts.reduction import ReductionAttrs, axes_neighbouring, resolved_axes
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.passes.rewrite import inferred, rewrite
from toolkit.passes.transposes import turned


def gather_axes(graph: Graph) -> Graph:
    """Put a transpose before every reduction over axes that are no neighbours."""
    return rewrite(graph, "gather_axes", _gather)


def _gather(graph: Graph, node: Node) -> Graph | None:
    attrs, source = node.attrs, node.inputs[0]
    if not isinstance(attrs, ReductionAttrs) or source is None:
        return None
    node_view = view(graph, node)
    if axes_neighbouring(node_view) is None:
        return None
    taken, axes = sorted(resolved_axes(node_view)), range(len(node_view.input(0).shape))
    before = [axis for axis in axes if axis < taken[0]]
    behind = [axis for axis in axes if axis > taken[0] and axis not in taken]
    graph, source = turned(graph, node, source, (*before, *taken, *behind))
    (output,) = node.outputs
    flat, shape = fresh(graph, output), graph.tensors[output].shape
    places = tuple(range(len(before), len(before) + len(taken)))
    core = replace(
        node,
        inputs=(source,),
        outputs=(flat,),
        attrs=replace(attrs, axes=places, keep_dims=False),
    )
    result = inferred(graph, node.op, core.inputs, core.attrs, flat)
    shaped = Node(f"{node.name}.shape", "reshape", (flat,), (output,), ReshapeAttrs(shape))
    return substitute(graph, [node], [core, shaped], [result])
