"""Pairs of an input and an output of a network become states: see `ir.State`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from toolkit.errors import InputError
from toolkit.ir import DType, Graph, Node, State, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.edit import fresh, fresh_node, rename_tensors
from toolkit.ir.tensor import Array, quantize
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.absorb_layout import INPUT_AXES_KEY, input_axes
from toolkit.passes.optimize import optimize

#: Axes of an input in the order that convolutions take, by rank.
_CHANNELS_LAST = {3: (0, 2, 1), 4: (0, 2, 3, 1)}


@dataclass(frozen=True, eq=False)
class StatePair:
    """The input ``read`` finds what the step before left in the output ``write``, and at first
    ``initial``: real values in the layout of the model's file (None: zeros)."""

    read: str
    write: str
    initial: Array | None = field(default=None, repr=False)

    @property
    def words(self) -> str:
        """As the user states it."""
        return f"--state {self.read}={self.write}"


def with_states(graph: Graph, pairs: Sequence[StatePair]) -> Graph:
    """``graph``, an integer network or a float one as it was imported, which is optimised, with
    ``pairs`` as its states, after those that it has.

    They are no inputs and outputs of the caller's any more; but outputs that would all be states
    stay outputs too.  Layout and scale of an output become those of its input.  The inputs of a
    float network change their layout where that leaves fewer values to transpose in each step, as
    for rings that the convolutions of a ``[1, channels, time]`` network read.  Raises InputError
    for pairs that are none.
    """
    if not pairs:
        return graph
    _require(graph, pairs)
    found = _paired(graph, pairs)
    if found.tensors[pairs[0].read].dtype is not DType.FLOAT32:
        return found
    ways = optimize(found), optimize(_paired(_channels_last(graph), pairs))
    return min(ways, key=_transposed_values)


def _paired(graph: Graph, pairs: Sequence[StatePair]) -> Graph:
    reads, writes = [pair.read for pair in pairs], [pair.write for pair in pairs]
    free = [name for name in graph.free_outputs if name not in writes] or [*graph.free_outputs]
    kept = [*free, *(state.write for state in graph.states)]
    inputs = [name for name in graph.inputs if name not in reads]
    graph = replace(graph, inputs=(*inputs, *reads), outputs=(*kept, *writes))
    for place, pair in enumerate(pairs, start=len(kept)):
        graph = _turned(graph, pair, place)
    states = tuple(
        State(pair.read, write, _initial(graph, pair))
        for pair, write in zip(pairs, graph.outputs[len(kept) :], strict=True)
    )
    return check_graph(replace(graph, states=(*graph.states, *states)), "states")


def _channels_last(graph: Graph) -> Graph:
    """The graph with channels last in its inputs, and transposes behind them."""
    axes = input_axes(graph)
    for name in graph.inputs:
        tensor, order = graph.tensors[name], _CHANNELS_LAST.get(len(graph.tensors[name].shape))
        if order is None or name in axes or name in graph.outputs:
            continue
        back = replace(tensor, name=fresh(graph, name))
        turned = replace(tensor, shape=tuple(tensor.shape[axis] for axis in order))
        attrs = TransposeAttrs(tuple(order.index(axis) for axis in range(len(order))))
        label = fresh_node(graph, f"{name}/layout")
        node = Node(label, "transpose", (name,), (back.name,), attrs)
        nodes = tuple(
            replace(n, inputs=tuple(back.name if i == name else i for i in n.inputs))
            for n in graph.nodes
        )
        tensors = {**graph.tensors, name: turned, back.name: back}
        graph = replace(graph, nodes=(node, *nodes), tensors=tensors)
        axes[name] = order
    return graph.with_metadata(**{INPUT_AXES_KEY: json.dumps(axes, sort_keys=True)})


def _transposed_values(graph: Graph) -> int:
    """Values that transposes move in a step."""
    moved = (node.outputs[0] for node in graph.nodes if node.op == "transpose")
    return sum(graph.tensors[name].elements for name in moved)


def _require(graph: Graph, pairs: Sequence[StatePair]) -> None:
    for pair in pairs:
        for end, name, there in (("input", pair.read, graph.free_inputs),
                                 ("output", pair.write, graph.free_outputs)):  # fmt: skip
            if name not in there:
                known = ", ".join(map(repr, there))
                raise InputError(
                    f"{pair.words}: the model has no {end} {name!r}; it has {known}.",
                    hint="`toolkit inspect` lists inputs and outputs.",
                )
        shapes = _exported_shape(graph, pair.read), graph.tensors[pair.write].shape
        if shapes[0] != shapes[1]:
            raise InputError(
                f"{pair.words}: they must have one shape; got {list(shapes[0])} and "
                f"{list(shapes[1])}."
            )
    for names in ([pair.read for pair in pairs], [pair.write for pair in pairs]):
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"--state: {name!r} is named twice.", hint="Name each input and output once."
                )
    if len(pairs) == len(graph.free_inputs):
        raise InputError(
            f"--state: every input of {graph.name} would be state.",
            hint="Leave the input that the device gives.",
        )


def _axes(graph: Graph, name: str) -> tuple[int, ...]:
    """Which axis of the file's input each axis of the graph's is."""
    return input_axes(graph).get(name, tuple(range(len(graph.tensors[name].shape))))


def _exported_shape(graph: Graph, name: str) -> tuple[int, ...]:
    shape, axes = graph.tensors[name].shape, _axes(graph, name)
    return tuple(shape[axes.index(axis)] for axis in range(len(axes)))


def _turned(graph: Graph, pair: StatePair, place: int) -> Graph:
    """The graph whose output number ``place`` has the layout and scale of the state's input; it
    keeps the name where the caller does not get the output as well."""
    read, write = graph.tensors[pair.read], graph.tensors[pair.write]
    axes = input_axes(graph).get(pair.read)
    if axes is not None:
        graph, name = _behind(graph, pair, "transpose", replace(read, data=None), axes)
    elif read.dtype is not DType.FLOAT32 and (read.dtype, read.quant) != (write.dtype, write.quant):
        graph, name = _behind(graph, pair, "quantize", replace(read, data=None))
    else:
        return graph
    outputs = (*graph.outputs[:place], name, *graph.outputs[place + 1 :])
    graph = replace(graph, outputs=outputs)
    if pair.write in graph.outputs:
        return graph
    return rename_tensors(graph, {pair.write: fresh(graph, pair.write), name: pair.write})


def _behind(
    graph: Graph, pair: StatePair, op: str, like: Tensor, axes: Iterable[int] = ()
) -> tuple[Graph, str]:
    """A node on what the state becomes, whose output is ``like`` another tensor; and its name."""
    name = fresh(graph, pair.write)
    attrs = TransposeAttrs(tuple(axes)) if axes else None
    node = Node(fresh_node(graph, f"{pair.write}/state"), op, (pair.write,), (name,), attrs)
    tensors = {**graph.tensors, name: replace(like, name=name)}
    return replace(graph, tensors=tensors, nodes=(*graph.nodes, node)), name


def _initial(graph: Graph, pair: StatePair) -> Array:
    tensor = graph.tensors[pair.read]
    shape = _exported_shape(graph, pair.read)
    given = np.zeros(shape, np.float32) if pair.initial is None else pair.initial
    if given.size != tensor.elements:
        raise InputError(
            f"{pair.words}: it begins as {given.size} values, not {tensor.elements}.",
            hint="Save an array of the state's shape.",
        )
    values = given.astype(np.float32).reshape(shape)
    values = np.ascontiguousarray(values.transpose(_axes(graph, pair.read)))
    if tensor.dtype is DType.FLOAT32:
        return values
    assert tensor.quant is not None
    return quantize(values, tensor.quant, tensor.dtype)
