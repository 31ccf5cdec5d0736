"""Recognises attention pooling, ``sum_t(lin * softmax_t(sof))``, and makes it one operator.

As builtin operators it does not survive int8 (contract C2).  The pass runs on the graph as
imported.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ir.edit import fresh, fresh_node, rename_tensors, substitute
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.sum import SumAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import drop_identity_reshape, only_reader, producer_of, rewrite


class _Match(NamedTuple):
    lin: str
    logits: str
    axis: int  # the pooled one, 2 or more


def fuse_attention_pool(graph: Graph) -> Graph:
    """Replace every attention pooling over a spatial axis of a channel-first tensor."""
    return rewrite(graph, "fuse_attention_pool", _fuse, drop_identity_reshape)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    match = _matched(graph, node)
    if match is None:
        return None
    (name,) = node.outputs
    result, pooled = name, fresh(graph, name)
    if name not in graph.outputs:  # the pooled tensor takes the sum's name
        result, pooled = f"{pooled}@sum", name
        graph = rename_tensors(graph, {name: result})
    (total,) = (n for n in graph.nodes if n.name == node.name)
    builder = GraphBuilder.from_graph(substitute(graph, [total], []))
    position = graph.nodes.index(total)
    after = builder.nodes[position:]
    del builder.nodes[position:]
    channels = _emit(builder, match, pooled, node.name)
    attrs = ReshapeAttrs(graph.tensors[result].shape)
    label = fresh_node(graph, node.name)
    builder.nodes += [Node(label, "reshape", (channels,), (result,), attrs), *after]
    return builder.build()


def _emit(builder: GraphBuilder, match: _Match, name: str, label: str) -> str:
    """Nodes from the channel-first operands to the pooled tensor ``[N, C, width]``; the pool is
    called ``label``, what it makes ``name``."""
    shape = builder.tensors[match.lin].shape
    others = [axis for axis in range(2, len(shape)) if axis != match.axis]
    order = TransposeAttrs((0, match.axis, *others, 1))
    operands = []
    for source in (match.lin, match.logits):
        moved = append(builder, "transpose", [source], order, f"{source}@time")
        if len(shape) == 3:
            n, frames, channels = builder.tensors[moved].shape
            rows = ReshapeAttrs((n, frames, 1, channels))
            moved = append(builder, "reshape", [moved], rows, f"{source}@rows")
        operands.append(moved)
    pool = AttentionPoolAttrs(time_axis=1)
    pooled = append(builder, "attention_pool", operands, pool, name, label)
    n, _, width, channels = builder.tensors[pooled].shape
    flat = append(builder, "reshape", [pooled], ReshapeAttrs((n, width, channels)), f"{name}@flat")
    return append(builder, "transpose", [flat], TransposeAttrs((0, 2, 1)), f"{name}@channels")


def _matched(graph: Graph, node: Node) -> _Match | None:
    attrs = node.attrs
    if node.op != "sum" or not isinstance(attrs, SumAttrs) or len(attrs.axes) != 1:
        return None
    product = producer_of(graph, node.inputs[0], "mul")
    if product is None or only_reader(graph, product.outputs[0]) is None:
        return None
    (axis,) = attrs.axes
    sizes = {graph.tensors[name].shape for name in product.inputs if name is not None}
    (shape,) = sizes if len(sizes) == 1 else [()]
    if len(shape) not in (3, 4) or axis < 2 or shape[0] != 1:
        return None
    for weights, lin in (product.inputs, product.inputs[::-1]):
        logits = _softmax_source(graph, weights, axis)
        if logits is not None and lin is not None:
            return _Match(lin, logits, axis)
    return None


def _softmax_source(graph: Graph, name: str | None, axis: int) -> str | None:
    """The logits whose softmax over ``axis`` is tensor ``name``."""
    after = producer_of(graph, name, "transpose")
    softmax = producer_of(graph, after.inputs[0] if after else name, "softmax")
    if softmax is None:
        return None
    softmax_attrs: Any = softmax.attrs
    before = producer_of(graph, softmax.inputs[0], "transpose") if after else None
    source = before.inputs[0] if before else softmax.inputs[0]
    assert source is not None
    rank = len(graph.tensors[source].shape)
    identity = tuple(range(rank))
    to_last = before.attrs.perm if before and isinstance(before.attrs, TransposeAttrs) else identity
    back = after.attrs.perm if after and isinstance(after.attrs, TransposeAttrs) else identity
    restored = tuple(to_last[i] for i in back) == identity
    return source if restored and to_last[-1] == axis and softmax_attrs.beta == 1.0 else None
