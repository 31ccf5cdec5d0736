"""Spells attention pooling out in builtin operators, for stock TFLM (contract C2).

Everything up to the logits is int8; softmax and weighted sum are meant for int16: int8 softmax
lies below the resolution that hundreds of nearly equal steps need.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from toolkit.errors import UnsupportedError
from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ops.append import append
from toolkit.ops.attention_pool import AttentionPoolAttrs
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import rewrite


def expand_attention_builtin(graph: Graph) -> Graph:
    """Replace `attention_pool` by transposes, softmax and a batch of products over time.

    Raises UnsupportedError for weights that are no softmax.
    """
    return rewrite(graph, "expand_attention_builtin", _expand)


def _expand(graph: Graph, node: Node) -> Graph | None:
    if node.op != "attention_pool":
        return None
    assert isinstance(node.attrs, AttentionPoolAttrs)
    if node.attrs.weights != "softmax":
        raise UnsupportedError(
            f"node {node.name!r}: weights that are no softmax have no builtin form that int8 "
            "survives.",
            hint="Leave --attention builtin out.",
        )
    builder = GraphBuilder.from_graph(graph)
    position = builder.nodes.index(node)
    after = builder.nodes[position + 1 :]
    del builder.nodes[position:]
    lin, logits = (name for name in node.inputs if name is not None)
    shapes = [builder.tensors[name].shape for name in (lin, logits)]
    both = [axis for axis in (2, 3) if shapes[0][axis] > 1 and shapes[1][axis] > 1]
    alone = [[a for a in (2, 3) if shape[a] > 1 and a not in both] for shape in shapes]
    x = _time_last(builder, lin, both, alone[0])
    s = _time_last(builder, logits, both, alone[1])
    name = node.name
    weights = append(builder, "softmax", [s], SoftmaxAttrs(), f"{name}.weights")
    # A transposed right factor is the one TFLM multiplies without a copy.
    product = BatchMatmulAttrs(adj_x=False, adj_y=True)
    pooled = append(builder, "batch_matmul", [x, weights], product, f"{name}.product")
    out = graph.tensors[node.outputs[0]].shape
    order = [*both, *alone[0], *alone[1]]
    if order != sorted(order):
        shape = ReshapeAttrs((1, *(out[axis] for axis in order)))
        pooled = append(builder, "reshape", [pooled], shape, f"{name}.axes")
        pooled = append(builder, "transpose", [pooled], TransposeAttrs((0, 2, 1)), f"{name}.turned")
    builder.nodes += [Node(name, "reshape", (pooled,), node.outputs, ReshapeAttrs(out)), *after]
    return builder.build()


def _time_last(
    builder: GraphBuilder, tensor: str, both: Sequence[int], alone: Sequence[int]
) -> str:
    """``[1, T, F, C]`` as a batch of the axes that lin and logits share, the others as rows."""
    shape = builder.tensors[tensor].shape
    ones = [axis for axis in (2, 3) if axis not in both and axis not in alone]
    order = TransposeAttrs((0, *both, *alone, *ones, 1))
    moved = append(builder, "transpose", [tensor], order, f"{tensor}.time_last")
    sizes = (math.prod(shape[axis] for axis in axes) for axes in (both, alone))
    flat = ReshapeAttrs((*sizes, shape[1]))
    return append(builder, "reshape", [moved], flat, f"{tensor}.flat")
