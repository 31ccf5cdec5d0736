"""Removes what layout changes are left: at the graph's inputs, before dense layers, of size 1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from toolkit.errors import ModelError
from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ir.edit import fresh, substitute
from toolkit.ir.tensor import Array
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.passes.cancel_transposes import ELEMENTWISE, INDIFFERENT, perm_of, with_axes
from toolkit.passes.rewrite import (
    drop_identity_reshape,
    inferred,
    only_reader,
    producer_of,
    rewrite,
)

#: Graph metadata: input name to the axes of the exported model's input, in the graph's order.
INPUT_AXES_KEY = "toolkit.input_axes"


def absorb_layout(graph: Graph) -> Graph:
    """Take transposes into graph inputs and dense weights; make the trivial ones reshapes, which
    cost nothing, move these behind element-wise operators, and merge them."""
    graph = rewrite(graph, "absorb_layout", _towards_input, _into_input, _into_dense)
    return rewrite(
        graph,
        "absorb_layout",
        _trivial_transpose,
        _merge_reshapes,
        drop_identity_reshape,
        _reshape_through_elementwise,
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


def _into_input(graph: Graph, node: Node) -> Graph | None:
    source = node.inputs[0]
    if node.op != "transpose" or source not in graph.free_inputs or source in input_axes(graph):
        return None  # a state has the layout of what it becomes
    assert source is not None
    readers = graph.consumers(source)
    perm = perm_of(node)
    if any(r.op != "transpose" or perm_of(r) != perm for r in readers) or source in graph.outputs:
        return None
    if any(output in graph.outputs for reader in readers for output in reader.outputs):
        return None
    old = graph.tensors[source]
    moved = replace(old, shape=tuple(old.shape[axis] for axis in perm))
    uses = {reader.outputs[0]: source for reader in readers}
    axes = {**input_axes(graph), source: perm}
    return substitute(graph, readers, [], [moved], uses).with_metadata(
        **{INPUT_AXES_KEY: json.dumps(axes, sort_keys=True)}
    )


def _towards_input(graph: Graph, node: Node) -> Graph | None:
    """A transpose behind operators on the graph's input moves before them, to be absorbed."""
    before = None if node.op != "transpose" else graph.producer(_first(node))
    if before is None or not _hangs_on_input(graph, before):
        return None
    perm, source = perm_of(node), _first(before)
    attrs, constants = with_axes(graph, before, perm)
    turned = fresh(graph, source)
    inputs = [constants[i].name if i in constants else n for i, n in enumerate(before.inputs)]
    inputs[0] = turned
    raised = replace(node, inputs=(source,), outputs=(turned,))
    moved = replace(before, inputs=tuple(inputs), outputs=node.outputs, attrs=attrs)
    shape = tuple(graph.tensors[source].shape[axis] for axis in perm)
    tensors = [*constants.values(), Tensor(turned, shape, DType.FLOAT32)]
    return substitute(graph, [before, node], [raised, moved], tensors)


def _hangs_on_input(graph: Graph, node: Node) -> bool:
    """Whether only operators indifferent to layout, none read elsewhere, lie between ``node``'s
    output and a graph input."""
    current: Node | None = node
    while current is not None:
        computed = [n for n in current.inputs if n and not graph.tensors[n].is_constant]
        alone = only_reader(graph, current.outputs[0]) is not None
        if current.op not in INDIFFERENT or computed != [current.inputs[0]] or not alone:
            return False
        if computed[0] in graph.inputs:
            return len(graph.tensors[computed[0]].shape) == len(
                graph.tensors[node.outputs[0]].shape
            )
        current = graph.producer(computed[0])
    return False


def _first(node: Node) -> str:
    name = node.inputs[0]
    assert name is not None
    return name


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


def _reshape_through_elementwise(graph: Graph, node: Node) -> Graph | None:
    """``f(reshape(x))`` becomes ``reshape(f(x))`` where the reshape drops one axis of size 1, as
    behind one-dimensional convolutions, so that ``f`` can be fused."""
    if node.op not in ELEMENTWISE:
        return None
    (output,) = node.outputs
    shape = graph.tensors[output].shape
    inputs, tensors, sources = list(node.inputs), [], set()
    for index, name in enumerate(node.inputs):
        assert name is not None
        before = producer_of(graph, name, "reshape")
        if before is not None and before.inputs[0] is not None:
            inputs[index] = before.inputs[0]
            sources.add(graph.tensors[before.inputs[0]].shape)
        elif not graph.tensors[name].is_constant:
            return None
    (wide,) = sources if len(sources) == 1 else [()]
    dropped = [i for i in range(len(wide)) if wide[i] == 1 and (*wide[:i], *wide[i + 1 :]) == shape]
    if not dropped:
        return None
    for index, name in enumerate(inputs):
        assert name is not None
        if (data := graph.tensors[name].data) is not None and data.ndim:
            moved = np.expand_dims(data, dropped[0])
            quant = graph.tensors[name].quant
            tensors.append(Tensor.constant(fresh(graph, name), moved, quant))
            inputs[index] = tensors[-1].name
    spare = fresh(graph, output)
    inner, outer = (spare, output) if output in graph.outputs else (output, spare)
    core = replace(node, inputs=tuple(inputs), outputs=(inner,))
    result = inferred(graph, node.op, inputs, node.attrs, inner, *tensors)
    back = Node(f"{node.name}.reshape", "reshape", (inner,), (outer,), ReshapeAttrs(shape))
    added = [*tensors, result, Tensor(outer, shape, result.dtype)]
    return substitute(graph, [node], [core, back], added, {output: outer})
