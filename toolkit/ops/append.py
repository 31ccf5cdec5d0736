"""Adds nodes to a graph under construction, their output shape inferred by the operator."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.ir import DType, GraphBuilder, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import NodeView


def append(
    builder: GraphBuilder,
    op: str,
    inputs: Sequence[str | None],
    attrs: object = None,
    output: str = "",
    name: str = "",
) -> str:
    """Append a float node and return the name of its output, ``output`` where it is free."""
    tensors = tuple(None if i is None else builder.tensors[i] for i in inputs)
    label = name or output or op
    bare = NodeView(Node(label, op, tuple(inputs), (), attrs), tensors, (), attrs)
    shape = OPERATORS[op].infer_shape(bare)
    return builder.add_node(op, inputs, Tensor(output or label, shape, DType.FLOAT32), attrs, label)
