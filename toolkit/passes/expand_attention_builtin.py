"""Spells attention pooling out in builtin operators, for stock TFLM (contract C2).

Everything up to the logits is int8; softmax and weighted sum are meant for int16: int8 softmax
lies below the resolution that hundreds of nearly equal steps need.
"""

from __future__ import annotations

from toolkit.ir import Graph, GraphBuilder, Node
from toolkit.ops.append import append
from toolkit.ops.batch_matmul import BatchMatmulAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.softmax import SoftmaxAttrs
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import rewrite


def expand_attention_builtin(graph: Graph) -> Graph:
    """Replace `attention_pool` by transposes, softmax and a batch of dot products over time."""
    return rewrite(graph, "expand_attention_builtin", _expand)


def _expand(graph: Graph, node: Node) -> Graph | None:
    if node.op != "attention_pool":
        return None
    builder = GraphBuilder.from_graph(graph)
    position = builder.nodes.index(node)
    after = builder.nodes[position + 1 :]
    del builder.nodes[position:]
    lin, logits = (_time_last(builder, name) for name in node.inputs if name is not None)
    name = node.name
    weights = append(builder, "softmax", [logits], SoftmaxAttrs(), f"{name}.weights")
    # A transposed right factor is the one TFLM multiplies without a copy.
    product = BatchMatmulAttrs(adj_x=False, adj_y=True)
    pooled = append(builder, "batch_matmul", [lin, weights], product, f"{name}.product")
    attrs = ReshapeAttrs(graph.tensors[node.outputs[0]].shape)
    builder.nodes += [Node(name, "reshape", (pooled,), node.outputs, attrs), *after]
    return builder.build()


def _time_last(builder: GraphBuilder, tensor: str) -> str:
    """``[1, T, F, C]`` as ``[F * C, 1, T]``."""
    _, frames, width, channels = builder.tensors[tensor].shape
    moved = append(
        builder, "transpose", [tensor], TransposeAttrs((0, 2, 3, 1)), f"{tensor}.time_last"
    )
    shape = ReshapeAttrs((width * channels, 1, frames))
    return append(builder, "reshape", [moved], shape, f"{tensor}.flat")
