"""Removes what layout changes are left: at the graph's inputs, before dense layers, of size 1."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.ir import Graph, Node, Shape, Tensor
from toolkit.ir.edit import fresh, fresh_node, rename_tensors, substitute
from toolkit.ir.tensor import Array
from toolkit.ops import OPERATORS
from toolkit.ops.fully_connected import FullyConnectedAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.strided_slice import MAX_RANK
from toolkit.ops.transpose import TransposeAttrs
from toolkit.passes.cancel_transposes import cancel_transposes
from toolkit.passes.rewrite import (
    drop_identity_reshape,
    inferred,
    producer_of,
    rewrite,
)
from toolkit.passes.transposes import Perm, inverse, is_elementwise, is_indifferent, perm_of

#: Graph metadata: input name to the axes of the exported model's input, in the graph's order.
INPUT_AXES_KEY = "toolkit.input_axes"


def absorb_layout(graph: Graph) -> Graph:
    """Take transposes into graph inputs and dense weights; make the trivial ones reshapes, which
    cost nothing, move these behind element-wise operators, and merge them."""
    graph = rewrite(cancel_transposes(_turn_inputs(graph)), "absorb_layout", _into_dense)
    return rewrite(
        graph,
        "absorb_layout",
        _trivial_transpose,
        _merge_reshapes,
        drop_identity_reshape,
        _reshape_through,
        _dense_on_rows,
    )


def input_axes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """For each graph input whose layout a pass changed, which original axis each axis was.

    Raises ModelError where the metadata, which comes from a file, does not say that.
    """
    try:
        stored = json.loads(graph.metadata.get(INPUT_AXES_KEY, "{}"))
        axes = {name: tuple(stored[name]) for name in stored}
        ranks = {name: len(graph.tensors[name].shape) for name in axes if name in graph.inputs}
        if all(sorted(axes[name]) == list(range(ranks[name])) for name in axes):
            return axes
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise ModelError(f"{graph.name}: the metadata {INPUT_AXES_KEY!r} is damaged.")


def to_graph_layout(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Inputs of the exported model, brought to the layout that ``graph`` takes."""
    axes = input_axes(graph)
    return {
        name: np.ascontiguousarray(values.transpose(axes[name])) if name in axes else values
        for name, values in inputs.items()
    }


def to_exported_layout(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Inputs of ``graph``, brought to the layout of the model as it was exported."""
    axes = input_axes(graph)
    return {
        name: np.ascontiguousarray(values.transpose(np.argsort(axes[name])))
        if name in axes
        else values
        for name, values in inputs.items()
    }


def _turn_inputs(graph: Graph) -> Graph:
    """Give each input the layout in which the model's first layers read it, where they agree: those
    behind operators that mind no order of axes, which then turn back what is not wanted turned."""
    for name in graph.free_inputs:  # a state has the layout of what it becomes
        perm = None if name in input_axes(graph) else _wanted_layout(graph, name)
        if perm is not None:
            graph = turn_input(graph, name, perm)
    return graph


def turn_input(graph: Graph, name: str, perm: Perm) -> Graph:
    """The graph whose input has its axes in the order ``perm``, and turns them back at once."""
    axes = input_axes(graph)
    before = axes.get(name, tuple(range(len(perm))))
    old, given = graph.tensors[name], fresh(graph, name)
    turned = replace(old, shape=tuple(old.shape[axis] for axis in perm))
    graph = rename_tensors(graph, {name: given})
    back = TransposeAttrs(inverse(perm))
    turn = Node(fresh_node(graph, given), "transpose", (name,), (given,), back)
    graph = replace(
        graph,
        nodes=(turn, *graph.nodes),
        tensors={**graph.tensors, name: turned},
        inputs=tuple(name if i == given else i for i in graph.inputs),
    )
    axes = {**axes, name: tuple(before[axis] for axis in perm)}
    return graph.with_metadata(**{INPUT_AXES_KEY: json.dumps(axes, sort_keys=True)})


def _wanted_layout(graph: Graph, name: str) -> Perm | None:
    """The order of axes in which all of an input is read in the end, None where there is none."""
    perms, seen, ahead = set(), {name}, [name]
    while ahead:
        tensor = ahead.pop()
        if tensor in graph.outputs or len(graph.tensors[tensor].shape) != len(
            graph.tensors[name].shape
        ):
            return None
        for reader in graph.consumers(tensor):
            if reader.op == "transpose":
                perms.add(perm_of(reader))
            elif is_indifferent(reader) or reader.op == "concatenation":
                ahead += {*reader.outputs} - seen
                seen.update(reader.outputs)
            else:
                return None
    computed = {
        read
        for node in graph.nodes
        if not seen.isdisjoint(node.outputs)
        for read in node.inputs
        if read is not None and not graph.tensors[read].is_constant
    }
    return perms.pop() if len(perms) == 1 and computed <= seen else None


def _into_dense(graph: Graph, node: Node) -> Graph | None:
    """``dense(flatten(transpose(x)))``: reorder the columns of the weights instead."""
    if node.op != "fully_connected":
        return None
    flatten = producer_of(graph, node.inputs[0], "reshape")
    transpose = None if flatten is None else producer_of(graph, flatten.inputs[0], "transpose")
    if flatten is None or transpose is None:
        return None
    source, weights = transpose.inputs[0], node.inputs[1]
    assert source is not None and weights is not None
    shape, perm = graph.tensors[source].shape, perm_of(transpose)
    columns = graph.tensors[weights].shape[1]
    flat = graph.tensors[flatten.outputs[0]].shape
    if perm[0] != 0 or flat != (shape[0], columns):
        return None
    items = shape[1:]
    order = np.arange(columns).reshape(items).transpose([axis - 1 for axis in perm[1:]])
    moved = np.empty_like(graph.tensors[weights].values)
    moved[:, order.reshape(-1)] = graph.tensors[weights].values
    new_weights = Tensor.constant(fresh(graph, weights), moved, graph.tensors[weights].quant)
    name = fresh(graph, flatten.outputs[0])
    new_flatten = replace(flatten, name=name, inputs=(source,), outputs=(name,))
    dense = replace(node, inputs=(name, new_weights.name, *node.inputs[2:]))
    flat_tensor = replace(graph.tensors[flatten.outputs[0]], name=name)
    return substitute(graph, [node], [new_flatten, dense], [new_weights, flat_tensor])


def _trivial_transpose(graph: Graph, node: Node) -> Graph | None:
    """A transpose that only moves axes of size 1 is a reshape."""
    if node.op != "transpose":
        return None
    source, output = node.inputs[0], node.outputs[0]
    assert source is not None
    moving = [axis for axis in perm_of(node) if graph.tensors[source].shape[axis] != 1]
    if moving != sorted(moving):
        return None
    reshape = replace(node, op="reshape", attrs=ReshapeAttrs(graph.tensors[output].shape))
    return substitute(graph, [node], [reshape])


def _merge_reshapes(graph: Graph, node: Node) -> Graph | None:
    if node.op != "reshape":
        return None
    before = producer_of(graph, node.inputs[0], "reshape")
    if before is None:
        return None
    return substitute(graph, [node], [replace(node, inputs=before.inputs)])


def _reshape_through(graph: Graph, node: Node) -> Graph | None:
    """``f(reshape(x))`` becomes ``reshape(f(x))`` where the reshape drops one axis of size 1, as
    behind one-dimensional convolutions, so that ``f`` can be fused, or keeps rows, which are so
    one axis of time."""
    if not is_indifferent(node):
        return None
    (output,) = node.outputs
    before = _before_reshapes(graph, node)
    if before is None:
        return None
    inputs, wide, narrow = before
    dropped = _dropped_axis(wide, narrow)
    attrs, constants = node.attrs, []
    if is_elementwise(node):
        drops = dropped is not None and narrow == graph.tensors[output].shape
        if not drops and (dropped is not None or not _keeps_rows(wide, narrow)):
            return None
    elif dropped is None or len(wide) > MAX_RANK:
        return None
    else:
        order = [*range(dropped), None, *range(dropped, len(narrow))]
        attrs = OPERATORS[node.op].reordered(attrs, order)
    for index, name in enumerate(inputs):
        data = graph.tensors[name or ""].data
        if data is not None and data.ndim:
            moved = _moved_constant(data, wide, dropped)
            if moved is None:
                return None
            quant = graph.tensors[name or ""].quant
            constants.append(Tensor.constant(fresh(graph, name or ""), moved, quant))
            inputs[index] = constants[-1].name
    return _reshaped_behind(graph, node, inputs, attrs, constants)


def _before_reshapes(graph: Graph, node: Node) -> tuple[list[str | None], Shape, Shape] | None:
    """Inputs as they were before reshapes, constants as they are, and the one shape that all had
    before and have behind; None where an input is neither, or shapes differ."""
    inputs, shapes = list(node.inputs), set()
    for index, name in enumerate(node.inputs):
        assert name is not None
        before = producer_of(graph, name, "reshape")
        if before is not None and before.inputs[0] is not None:
            inputs[index] = before.inputs[0]
            shapes.add((graph.tensors[before.inputs[0]].shape, graph.tensors[name].shape))
        elif not graph.tensors[name].is_constant:
            return None
    return (inputs, *shapes.pop()) if len(shapes) == 1 else None


def _dropped_axis(wide: Shape, narrow: Shape) -> int | None:
    """The one axis of size 1 that ``wide`` has and ``narrow`` has not."""
    axes = range(len(wide))
    return next((i for i in axes if wide[i] == 1 and (*wide[:i], *wide[i + 1 :]) == narrow), None)


def _keeps_rows(a: Shape, b: Shape) -> bool:
    """Whether both shapes are several rows of the same values."""
    return bool(a and b) and a[-1] == b[-1] and math.prod(a) > a[-1]


def _moved_constant(data: Array, wide: Shape, dropped: int | None) -> Array | None:
    """A constant operand of a narrow tensor as that of the wide one."""
    if dropped is not None:
        return np.expand_dims(data, dropped)
    if data.size != data.shape[-1]:
        return None
    return data.reshape((1,) * (len(wide) - 1) + (-1,))


def _dense_on_rows(graph: Graph, node: Node) -> Graph | None:
    """A dense layer on rows that a reshape lists is one on the rows where they were."""
    if node.op != "fully_connected" or not isinstance(node.attrs, FullyConnectedAttrs):
        return None
    before = producer_of(graph, node.inputs[0], "reshape")
    if before is None or before.inputs[0] is None:
        return None
    wide = graph.tensors[before.inputs[0]].shape
    if not _keeps_rows(wide, graph.tensors[before.outputs[0]].shape):
        return None
    if wide[-1] != graph.tensors[node.inputs[1] or ""].shape[1]:
        return None
    inputs = [before.inputs[0], *node.inputs[1:]]
    return _reshaped_behind(graph, node, inputs, replace(node.attrs, keep_num_dims=True))


def _reshaped_behind(
    graph: Graph,
    node: Node,
    inputs: Sequence[str | None],
    attrs: object,
    constants: Sequence[Tensor] = (),
) -> Graph:
    """``node`` on ``inputs`` before they are reshaped, and a reshape behind it."""
    (output,) = node.outputs
    shape = graph.tensors[output].shape
    spare = fresh(graph, output)
    inner, outer = (spare, output) if output in graph.outputs else (output, spare)
    core = replace(node, inputs=tuple(inputs), outputs=(inner,), attrs=attrs)
    result = inferred(graph, node.op, inputs, attrs, inner, *constants)
    name = fresh_node(graph, f"{node.name}.reshape")
    back = Node(name, "reshape", (inner,), (outer,), ReshapeAttrs(shape))
    tensors = [*constants, result, Tensor(outer, shape, result.dtype)]
    return substitute(graph, [node], [core, back], tensors, {output: outer})
