"""Recognises attention pooling, ``sum_t(lin * softmax_t(sof))``, and makes it one operator.

As builtin operators it does not survive int8 (contract C2).  The pass runs on the graph as
imported, where the sum is a mean times the number of elements.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ir.edit import substitute
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import drop_identity_reshape, only_reader, producer_of, rewrite


class _Match(NamedTuple):
    lin: str
    logits: str
    axis: int  # the pooled one, 2 or more
    mean: Node  # bears the name of the sum in the model


def fuse_attention_pool(graph: Graph) -> Graph:
    """Replace every attention pooling over a spatial axis of a channel-first tensor."""
    return rewrite(graph, "fuse_attention_pool", _fuse, drop_identity_reshape)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    match = _matched(graph, node)
    if match is None:
        return None
    builder = GraphBuilder.from_graph(substitute(graph, [match.mean], []))
    del builder.tensors[match.mean.outputs[0]]
    position = builder.nodes.index(node)
    after = builder.nodes[position + 1 :]
    del builder.nodes[position:]
    pooled = _emit(builder, match)
    (output,) = node.outputs
    attrs = ReshapeAttrs(graph.tensors[output].shape)
    builder.nodes += [Node(node.name, "reshape", (pooled,), (output,), attrs), *after]
    return builder.build()


def _emit(builder: GraphBuilder, match: _Match) -> str:
    """Nodes from the channel-first operands to the pooled tensor ``[N, C, width]``."""
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
    name = match.mean.outputs[0]
    pool = AttentionPoolAttrs(time_axis=1)
    pooled = append(builder, "attention_pool", operands, pool, name, match.mean.name)
    n, _, width, channels = builder.tensors[pooled].shape
    flat = append(builder, "reshape", [pooled], ReshapeAttrs((n, width, channels)), f"{name}@flat")
    return append(builder, "transpose", [flat], TransposeAttrs((0, 2, 1)), f"{name}@channels")


def _matched(graph: Graph, node: Node) -> _Match | None:
    if node.op != "mul":
        return None
    mean = producer_of(graph, node.inputs[0], "mean")
    count = None if node.inputs[1] is None else graph.tensors[node.inputs[1]].data
    if mean is None or count is None or count.size != 1:
        return None
    mean_attrs: Any = mean.attrs
    product = producer_of(graph, mean.inputs[0], "mul")
    if product is None or len(mean_attrs.axes) != 1:
        return None
    (axis,) = mean_attrs.axes
    sizes = {graph.tensors[name].shape for name in product.inputs if name is not None}
    (shape,) = sizes if len(sizes) == 1 else [()]
    fits = len(shape) in (3, 4) and axis >= 2 and shape[0] == 1
    if not fits or float(count.reshape(-1)[0]) != shape[axis]:
        return None
    inner = (product, mean)
    if any(only_reader(graph, part.outputs[0]) is None for part in inner):
        return None
    for weights, lin in (product.inputs, product.inputs[::-1]):
        logits = _softmax_source(graph, weights, axis)
        if logits is not None and lin is not None:
            return _Match(lin, logits, axis, mean)
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
