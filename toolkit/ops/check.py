"""Checks a quantised graph against what each operator supports, all violations at once."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

from toolkit.errors import ModelError, UnsupportedError
from toolkit.ir import Graph, Node
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import Constraint, view

DOCUMENT = "docs/SUPPORTED_OPS.md"


def check_operators(graph: Graph) -> None:
    """Raise `ModelError` when a declared shape is wrong, `UnsupportedError` with every constraint
    that any node violates, one line a violation."""
    for node in graph.nodes:
        _check_shape(graph, node)
    violations = [text for node in graph.nodes for text in _violations(graph, node)]
    if violations:
        raise UnsupportedError("\n".join(violations))


def custom_operators(graph: Graph) -> tuple[str, ...]:
    """Names in a ``.tflite`` of the operators that TFLM does not bring; none: its own suffice."""
    operators = {OPERATORS[node.op] for node in graph.nodes}
    return tuple(sorted(operator.tflite_name for operator in operators if operator.custom))


def rule_and_remedy(constraint: Constraint) -> tuple[str, str]:
    """The two parts of a constraint's docstring; the remedy may be empty."""
    text = " ".join(cleandoc(constraint.__doc__ or "").split())
    rule, _, remedy = text.partition(". ")
    return rule, remedy


def _check_shape(graph: Graph, node: Node) -> None:
    operator, node_view = OPERATORS[node.op], view(graph, node)
    where = f"node {node.name!r} ({operator.tflite_name})"
    try:
        shape = operator.infer_shape(node_view)
    except (LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{where}: its input shapes do not fit: {error}") from error
    if shape != node_view.output.shape:
        raise ModelError(
            f"{where}: output shape must be {list(shape)}; got {list(node_view.output.shape)}"
        )


def _violations(graph: Graph, node: Node) -> Iterator[str]:
    operator, node_view = OPERATORS[node.op], view(graph, node)
    for constraint in operator.constraints:
        found = constraint(node_view)
        if found is not None:
            rule, remedy = rule_and_remedy(constraint)
            advice = f"{remedy}, see" if remedy else "See"
            yield (
                f"node {node.name!r} ({operator.tflite_name}): {rule}; got {found}. "
                f"{advice} {DOCUMENT}#{operator.name}"
            )
            if constraint is operator.constraints[0]:
                return  # the first rule is about types; the others presume it
