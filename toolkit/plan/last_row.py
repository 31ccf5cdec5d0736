"""Takes the last row of time where windows span the clip, and what follows mixes frames."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from toolkit.ir import Graph, Node
from toolkit.ir.edit import fresh, fresh_node, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.ops.strided_slice import WHOLE, StridedSliceAttrs


def last_row(graph: Graph, node: Node, with_time: Container[str]) -> tuple[Graph, Node] | None:
    """The graph where a node that mixes frames reads the last row of a tensor that has but one at
    the file's clip length, and what takes that; None where the node is not such.

    Windows then span the clip, as in networks that flatten what their convolutions leave: streamed,
    such a network tells of the last frames of a longer clip.
    """
    name = node.inputs[0]
    frames = graph.tensors[graph.inputs[0]].shape[TIME_AXIS]
    if name is None or name not in with_time or frames == 1:
        return None
    old, operator = graph.tensors[name], OPERATORS[node.op]
    alone = [read for read in node.inputs if read in with_time] == [name]
    behaviour = operator.time_behaviour(view(graph, node), TIME_AXIS)
    if not alone or old.shape[TIME_AXIS] != 1 or behaviour is not TimeBehaviour.OPAQUE:
        return None
    ranges = [WHOLE] * len(old.shape)
    ranges[TIME_AXIS] = (-1, None, 1)
    row = replace(old, name=fresh(graph, name))
    label = fresh_node(graph, f"{node.name}.last")
    taken = Node(label, "strided_slice", (name,), (row.name,), StridedSliceAttrs(tuple(ranges)))
    reads = tuple(row.name if read == name else read for read in node.inputs)
    return substitute(graph, [node], [taken, replace(node, inputs=reads)], [row]), taken
