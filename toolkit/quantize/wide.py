"""Which activations are worth 16 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from toolkit.errors import InputError
from toolkit.ir import DType, Graph, Node, QuantParams, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import NodeView, OutputRange, view
from toolkit.ops.parts.recurrent import Recurrent
from toolkit.plan.row_outputs import layout_nodes

_ANY_SCALE = QuantParams.per_tensor(1.0, 0)


def head_tensors(graph: Graph) -> frozenset[str]:
    """The pooled result of an attention and the small head behind it: a few hundred bytes that
    set the noise floor of the whole network (contract C2).

    Also softmax weights that are computed with, as in the builtin form of attention pooling.
    """
    wide: set[str] = set()
    answers = _answers(graph)
    for node in graph.nodes:
        (output,) = node.outputs
        is_pool = node.op == "attention_pool"
        is_weights = node.op == "softmax" and output not in answers
        follows = OPERATORS[node.op].int16_follows and wide.intersection(node.inputs)
        if is_pool or is_weights or follows:
            wide.add(output)
    return frozenset(wide)


def is_binary16(op: str) -> bool:
    """Whether an operator's output is int16 of a scale that is a power of two, in any case."""
    operator = OPERATORS[op]
    return isinstance(operator, Recurrent) and operator.binary16


def begun_tensors(graph: Graph) -> frozenset[str]:
    """Outputs of recurrent layers that begin from computed states: these go round, and 8 bits
    would be lost in every round."""
    return frozenset(
        node.outputs[0]
        for node in graph.nodes
        if isinstance(operator := OPERATORS[node.op], Recurrent)
        and operator.computed_states(view(graph, node))
    )


def int16_activations(quantized: Graph) -> tuple[str, ...]:
    """Names of the activations of an integer graph that have 16 bits."""
    return tuple(tensor.name for tensor in quantized.activations if tensor.dtype is DType.INT16)


def wide_tensors(graph: Graph, chosen: Iterable[str]) -> frozenset[str]:
    """``chosen`` completed to what the integer graph can be.

    Operators that only move or select values follow their input; softmax weights that are
    computed with, and their product with what they weigh, are int16 in any case: int8 lies below
    the resolution that hundreds of nearly equal weights need.
    """
    binary = {node.outputs[0] for node in graph.nodes if is_binary16(node.op)}
    wide = set(chosen) | binary | _weights_and_products(graph)
    _follow(graph, wide)
    wide |= {state.read for state in graph.states if state.write in wide}
    _follow(graph, wide)
    return frozenset(wide)


def _follow(graph: Graph, wide: set[str]) -> None:
    """Make what only moves values as wide as what it moves."""
    for node in graph.nodes:
        (output,) = node.outputs
        if OPERATORS[node.op].output_range is OutputRange.SAME_AS_INPUT:
            follows = node.inputs[0] in wide and has_int16_form(graph, node)
            (wide.add if follows else wide.discard)(output)


def candidates(graph: Graph) -> tuple[str, ...]:
    """Activations that int16 can be chosen for, in the order in which they are computed."""
    return tuple(
        node.outputs[0]
        for node in graph.nodes
        if OPERATORS[node.op].output_range is not OutputRange.SAME_AS_INPUT
        and has_int16_form(graph, node)
    )


def named_tensors(graph: Graph, names: Iterable[str]) -> frozenset[str]:
    """``names`` as given by a user; InputError when one is no activation that int16 can take."""
    possible = candidates(graph)
    for name in names:
        if name not in possible:
            known = any(name in node.outputs for node in graph.nodes)
            why = "its operator has no int16 form" if known else "the model computes no such tensor"
            raise InputError(
                f"--mixed: {name!r}: {why}.", hint=f"Choose among {', '.join(possible)}."
            )
    return frozenset(names)


def has_int16_form(graph: Graph, node: Node) -> bool:
    """Whether the device has an int16 kernel for ``node``."""
    operator = OPERATORS[node.op]
    if operator.reads_int8 or operator.int16_by_others:
        return True  # by a kernel of its own, by those of what it is made of
    types_rule = operator.constraints[0] if operator.constraints else None
    return types_rule is None or types_rule(int16_view(graph, node)) is None


def int16_view(graph: Graph, node: Node) -> NodeView[Any]:
    """``node`` as if all its activations were int16, of any scale."""
    operator, inputs = OPERATORS[node.op], []
    for index, name in enumerate(node.inputs):
        weighted = operator.weight_input is not None and index >= operator.weight_input
        dtype = DType.INT16
        if weighted:
            dtype = DType.INT8 if index == operator.weight_input else DType.INT64
        tensor = None if name is None else graph.tensors[name]
        if tensor is not None and tensor.is_constant and operator.int8_constants:
            dtype = DType.INT8
        inputs.append(None if tensor is None else _as(tensor, dtype))
    outputs = tuple(_as(graph.tensors[name], DType.INT16) for name in node.outputs)
    return NodeView(node, tuple(inputs), outputs, node.attrs)


def _as(tensor: Tensor, dtype: DType) -> Tensor:
    return replace(tensor, dtype=dtype, quant=_ANY_SCALE)


def _answers(graph: Graph) -> set[str]:
    """The outputs, in every layout on their way out."""
    names, moves = set(graph.outputs), layout_nodes(graph)
    for node in reversed(graph.nodes):
        if node.name in moves:
            names.update(name for name in node.inputs if name is not None)
    return names


def _weights_and_products(graph: Graph) -> set[str]:
    """Softmax weights in the inside of the network, and what they are first multiplied with."""
    carriers: set[str] = set()
    products: set[str] = set()
    answers = _answers(graph)
    for node in graph.nodes:
        (output,) = node.outputs
        if node.op == "softmax" and output not in answers:
            carriers.add(output)
        elif carriers.intersection(n for n in node.inputs if n is not None):
            if OPERATORS[node.op].output_range is OutputRange.SAME_AS_INPUT:
                carriers.add(output)
            elif node.op == "batch_matmul":
                products.add(output)
    return carriers | products
