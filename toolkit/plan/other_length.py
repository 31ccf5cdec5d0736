"""Which nodes of a model hold on to the clip length that its file was read at (contract C10).

Where the file leaves the length open, the network read at another length must be the one that
`retime` makes of it: what differs was made from the length (``x.mean(1) * x.shape[1]``, a slice or
a pool as long as the clip).  Where the file fixes the length, exporters write it as a number: a
product that scales by the number of frames, or behind a reduction by what is usually made of it, is
taken for that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from toolkit.errors import NotStreamableError
from toolkit.ir import Graph, Node
from toolkit.ir.tensor import dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import TimeBehaviour, view
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.plan.time_axis import TimeAxis, find_time_axis, retime

#: Strides along time divide it: padding that follows from the length is as the file has it.  A
#: minute of usual frames, beyond what a slice or pool as long as some clip would leave alone.
LENGTH_STEP = 3840
#: Fewer are numbers that a model may have for other reasons, as the 6 of hard swish.
_FEWEST = 8

Form: TypeAlias = Callable[[int], float]
#: What networks make of a number of frames n to scale what is reduced over time.
_FORMS: dict[str, Form] = {
    "n": lambda n: n,
    "1/n": lambda n: 1 / n,
    "the root of n": math.sqrt,
    "1 over the root of n": lambda n: 1 / math.sqrt(n),
    "n - 1": lambda n: n - 1,
    "1/(n - 1)": lambda n: 1 / (n - 1),
    "n/(n - 1)": lambda n: n / (n - 1),
}
_FORMS_OF_ROWS = {text: _FORMS[text] for text in ("n", "1/n")}

_MADE = "a constant of it is made from the file's clip length"
_LAID_OUT = "it is laid out for the file's clip length only"


def tied_nodes(graph: Graph, other: Graph) -> dict[str, str]:
    """The nodes of ``graph`` that the same file, read at the clip length of ``other``, has
    otherwise, and why; none where the model cannot stream for other reasons.

    The lengths are `LENGTH_STEP` frames apart, or a multiple.
    """
    try:
        time = find_time_axis(graph)
    except NotStreamableError:
        return {}
    frames = other.tensors[other.inputs[0]].shape[TIME_AXIS]
    try:
        theirs = retime(find_time_axis(other), frames)
    except NotStreamableError as error:
        return {name or graph.name: _LAID_OUT for name, _ in error.reasons}
    mine = retime(time, frames)
    found: dict[str, str] = {}
    for ours, read in itertools.zip_longest(mine.nodes, theirs.nodes):
        if ours is None or read is None or (ours.op, ours.inputs) != (read.op, read.inputs):
            return found or {(ours or read).name: _LAID_OUT}
        if _constants(mine, ours) != _constants(theirs, read):
            found[ours.name] = _MADE
        elif (ours.attrs, _shapes(mine, ours)) != (read.attrs, _shapes(theirs, read)):
            found[ours.name] = _LAID_OUT
    return found


def baked_nodes(graph: Graph) -> dict[str, str]:
    """The nodes of a model of one length in which that length seems to be a constant, and why."""
    try:
        time = find_time_axis(graph)
    except NotStreamableError:
        return {}
    found = {}
    for node, count, forms in _lengths(time):
        value = _scalar(time.graph, node)
        text = "" if value is None else _form(abs(value), count, forms)
        if text:
            made = f"{text} of n = {count}"
            found[node.name] = f"its constant {value:g} is made from the file's clip length, {made}"
    return found


def _constants(graph: Graph, node: Node) -> list[bytes]:
    tensors = (t for t in graph.input_tensors(node) if t is not None and t.is_constant)
    return [t.values.tobytes() for t in tensors]


def _shapes(graph: Graph, node: Node) -> list[tuple[int, ...]]:
    tensors = (*graph.input_tensors(node), *graph.output_tensors(node))
    return [t.shape for t in tensors if t is not None]


def _lengths(time: TimeAxis) -> Iterator[tuple[Node, int, Mapping[str, Form]]]:
    """Every product that may scale by a number of frames, that number, and in which forms."""
    graph = time.graph
    for node in graph.nodes:
        behaviour = time.behaviours.get(node.name)
        if behaviour is TimeBehaviour.REDUCING:
            reduced = view(graph, node).input(0)
            frames = reduced.shape[TIME_AXIS]
            values = reduced.elements // view(graph, node).output.elements
            for product in _scalings(graph, node.outputs[0]):
                for count in {frames, values}:
                    yield product, count, _FORMS
        elif behaviour is not None and node.op == "mul":
            yield node, view(graph, node).output.shape[TIME_AXIS], _FORMS_OF_ROWS


def _scalings(graph: Graph, tensor: str) -> Iterator[Node]:
    """The products that read a tensor, or what only moves or converts it."""
    for node in graph.consumers(tensor):
        if node.op == "mul":
            yield node
        elif OPERATORS[node.op].is_alias or node.op in ("transpose", "quantize"):
            yield from _scalings(graph, node.outputs[0])


def _scalar(graph: Graph, node: Node) -> float | None:
    """The real constant that a product multiplies with, where that is one number."""
    for tensor in graph.input_tensors(node):
        if tensor is not None and tensor.data is not None:
            values = (
                tensor.values if tensor.quant is None else dequantize(tensor.values, tensor.quant)
            )
            value = float(values.reshape(-1)[0])
            return value if np.all(values == values.reshape(-1)[0]) else None
    return None


def _form(value: float, count: int, forms: Mapping[str, Form]) -> str:
    """What ``value`` is of ``count``, in words; "" for nothing."""
    if count < _FEWEST:
        return ""
    return next((t for t, f in forms.items() if math.isclose(value, f(count), rel_tol=1e-5)), "")
