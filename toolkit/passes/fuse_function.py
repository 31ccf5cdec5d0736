"""What is computed of one value, by one function after the other and numbers between them, becomes
one function: GELU, SiLU, Mish and their kind however they were spelt.

A table computes it at once, exactly; piece by piece every piece would be rounded to 8 bits.  What
operators of TFLM do cheaply stays as it is (`is_worth_a_table`).
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.ir import Graph, Node
from toolkit.ir.edit import substitute
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.numerics.functions import (
    ARGUMENT,
    PLAIN,
    Formula,
    Operand,
    Result,
    Step,
    is_worth_a_table,
)
from toolkit.ops.table import TableAttrs
from toolkit.passes.rewrite import only_reader, rewrite

#: Functions one behind the other that become one at most; what stands before them is its argument.
MOST_DEEP = 24


@dataclass(frozen=True)
class _Made:
    """A tensor as a formula of another; none: it is that one itself."""

    root: str
    formula: Formula | None = None


def fuse_function(graph: Graph) -> Graph:
    """Replace every chain of two and more functions of one value that is worth a table."""
    return rewrite(graph, "fuse_function", _fuse)


def _fuse(graph: Graph, node: Node) -> Graph | None:
    if not _may_be_worth_it(graph, node, MOST_DEEP):
        return None
    found = _of_node(graph, node)
    if found is None or found.formula is None or len(found.formula.steps) < 2:
        return None
    if node.op == "table" and node.inputs[0] == found.root:
        return None  # it is that already
    if not is_worth_a_table(found.formula):
        return None
    shapes = {graph.tensors[name].shape for name in (found.root, node.outputs[0])}
    if len(shapes) != 1:
        return None
    fused = Node(node.name, "table", (found.root,), node.outputs, TableAttrs(found.formula))
    return substitute(graph, [node], [fused])


def _may_be_worth_it(graph: Graph, node: Node, deep: int) -> bool:
    """Whether a function at ``node`` or right before it, at most ``deep`` nodes, is one that makes
    a formula worth a table: a look before formulas are made."""
    function = OPERATORS[node.op].function
    if isinstance(node.attrs, TableAttrs) or (function and function not in PLAIN):
        return True
    if not function or deep == 1:
        return False
    alone = (name for name in node.inputs if name is not None and only_reader(graph, name))
    makers = (graph.producer(name) for name in alone)
    return any(maker and _may_be_worth_it(graph, maker, deep - 1) for maker in makers)


def _of_node(graph: Graph, node: Node, deep: int = MOST_DEEP) -> _Made | None:
    """The output of ``node`` as a formula, at most ``deep`` nodes deep, of a tensor; None where it
    is more or less than that."""
    attrs = node.attrs
    own = attrs.formula if isinstance(attrs, TableAttrs) else None
    function = OPERATORS[node.op].function
    fused = getattr(attrs, "activation", Activation.NONE) is not Activation.NONE
    if fused or (own is None and not function):
        return None
    made = [_operand(graph, node, name, deep - 1) for name in node.inputs]
    roots = {operand.root for operand in made if isinstance(operand, _Made)}
    if len(roots) != 1 or None in made:
        return None
    steps: list[Step] = []
    operands: list[Operand] = []
    for operand in made:
        if isinstance(operand, _Made):
            if operand.formula is not None:
                steps += operand.formula.moved(len(steps), ARGUMENT)
            at = Result(len(steps) - 1) if operand.formula is not None else ARGUMENT
            operands.append(at)
        elif operand is not None:
            operands.append(operand)
    if own is None:
        numbers = OPERATORS[node.op].function_numbers(attrs)
        steps.append(Step(function, (*operands, *numbers)))
    else:
        (argument,) = operands
        assert isinstance(argument, Result)
        steps += own.moved(len(steps), argument)
    return _Made(roots.pop(), Formula(tuple(steps)))


def _operand(graph: Graph, node: Node, name: str | None, deep: int) -> _Made | float | None:
    """An operand: a number, or a formula; None for a constant of several numbers."""
    if name is None:
        return None
    if (data := graph.tensors[name].data) is not None:
        return float(data.reshape(-1)[0]) if data.size == 1 else None
    maker = graph.producer(name)
    alone = only_reader(graph, name) is not None
    found = _of_node(graph, maker, deep) if maker is not None and alone and deep else None
    return _Made(name) if found is None else found
