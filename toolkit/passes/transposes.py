"""What passes that move transposes share: which operators do not mind them, and how one trades
places with a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ir.edit import fresh, fresh_node, substitute
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import Layout
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.rewrite import inferred, producer_of

#: Axis ``perm[i]`` becomes axis ``i``.
Perm = tuple[int, ...]


def is_elementwise(node: Node) -> bool:
    """Whether the node treats every element alike, with constants that broadcast."""
    return OPERATORS[node.op].layout is Layout.ELEMENTWISE


def is_indifferent(node: Node) -> bool:
    """Whether the order of axes is a matter of the node's attributes and constants."""
    return OPERATORS[node.op].layout is not Layout.FIXED


def perm_of(node: Node) -> Perm:
    assert isinstance(node.attrs, TransposeAttrs)
    return node.attrs.perm


def inverse(perm: Perm) -> Perm:
    return tuple(perm.index(axis) for axis in range(len(perm)))


def transposed(graph: Graph, name: str | None) -> tuple[Perm, str] | None:
    """Permutation and source of a tensor that a transpose makes."""
    node = producer_of(graph, name, "transpose")
    return None if node is None else (perm_of(node), first_input(node))


def sink(
    graph: Graph,
    node: Node,
    inputs: Sequence[str | None],
    attrs: object,
    perm: Perm,
    constants: Sequence[Tensor] = (),
) -> Graph:
    """``node`` on untransposed ``inputs``, and a transpose behind it."""
    (output,) = node.outputs
    spare = fresh(graph, output)
    inner, outer = (spare, output) if output in graph.outputs else (output, spare)
    core = replace(node, inputs=tuple(inputs), outputs=(inner,), attrs=attrs)
    result = inferred(graph, node.op, inputs, attrs, inner, *constants)
    shape = tuple(result.shape[axis] for axis in perm)
    name = fresh_node(graph, f"{node.name}.transpose")
    back = Node(name, "transpose", (inner,), (outer,), TransposeAttrs(perm))
    tensors = [result, Tensor(outer, shape, result.dtype), *constants]
    return substitute(graph, [node], [core, back], tensors, {output: outer})


def turned(graph: Graph, node: Node, source: str, turn: Perm) -> tuple[Graph, str]:
    """The graph with ``source`` transposed in front of ``node``, and what it is called there."""
    if turn == tuple(range(len(turn))):
        return graph, source
    shape = tuple(graph.tensors[source].shape[axis] for axis in turn)
    result = Tensor(fresh(graph, source), shape, DType.FLOAT32)
    label = fresh_node(graph, f"{node.name}.turned")
    before = Node(label, "transpose", (source,), (result.name,), TransposeAttrs(turn))
    return substitute(graph, [node], [before, node], [result]), result.name


def first_input(node: Node) -> str:
    name = node.inputs[0]
    assert name is not None
    return name
