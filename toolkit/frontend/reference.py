"""Values of constant nodes that have no rule of ours, by ONNX's own reference implementation.

Only what the file's weights decide is computed so, within a budget that is known beforehand: a node
whose result has no inferred size, draws random numbers or holds a graph is left to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit.frontend.node import OnnxNode
from toolkit.ir.tensor import Array

#: Of the values that one node may make.
MAX_FOLDED_ELEMENTS = 1 << 24
_RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike"}
    | {"RandomUniform", "RandomUniformLike", "Dropout"}
)


def is_foldable(op: str, opset: int) -> bool:
    """Whether an operator may be computed here at all."""
    from onnx import defs

    return op not in _RANDOM and "." not in op and defs.has(op, opset, "")


def evaluate(
    node: OnnxNode, opset: int, constants: Mapping[str, Array]
) -> Mapping[str, Array] | None:
    """The outputs of a node all of whose inputs are in ``constants``, by name; None where it
    cannot be computed."""
    from onnx.reference import ReferenceEvaluator

    if not is_foldable(node.op, opset):
        return None
    model = _model(node, opset, constants)
    if model is None or not _is_bounded(model):
        return None
    names = [name for name in node.outputs if name]
    values = ReferenceEvaluator(model).run(names, {})
    return {n: _plain(np.asarray(value)) for n, value in zip(names, values, strict=True)}


def _model(node: OnnxNode, opset: int, constants: Mapping[str, Array]) -> Any:
    """The node as a model of its own; None where it has what we do not read."""
    from onnx import TensorProto, helper, numpy_helper

    attrs = {name: node.attrs[name] for name in node.attrs}
    if any(value is None for value in attrs.values()):
        return None
    attrs = {n: numpy_helper.from_array(v) if isinstance(v, np.ndarray) else v
             for n, v in attrs.items()}  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node(node.op, list(node.inputs[:]), list(node.outputs), **attrs)],
        "constant",
        [],
        [helper.make_value_info(n, helper.make_tensor_type_proto(TensorProto.UNDEFINED, None))
         for n in node.outputs if n],
        [numpy_helper.from_array(constants[name], name)
         for name in dict.fromkeys(node.inputs.present())],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _is_bounded(model: Any) -> bool:
    """Whether ONNX infers a size for every output, and one within the budget."""
    from onnx import shape_inference

    try:
        inferred = shape_inference.infer_shapes(model, data_prop=True, strict_mode=True)
    except shape_inference.InferenceError:
        return False
    for output in inferred.graph.output:
        kind = output.type.tensor_type
        dims = [dim.dim_value for dim in kind.shape.dim]
        known = kind.HasField("shape") and all(d.HasField("dim_value") for d in kind.shape.dim)
        if not known or math.prod(dims) > MAX_FOLDED_ELEMENTS:
            return False
    return True


def _plain(value: Array) -> Array:
    """A value with the types that the frontend has of constants."""
    if value.dtype.kind == "f":
        return value.astype(np.float32)
    if value.dtype.kind in "iu" and value.dtype.itemsize > 1:
        return value.astype(np.int64)
    return value
