"""Float ``.tflite``, as Keras' users have it, to a float graph: it goes the way of an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.errors import UnsupportedError
from toolkit.ir import DType, Graph, QuantParams
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import dequantize
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.functions import FUNCTIONS, Formula, formula
from toolkit.passes.fold_pad import fold_pad
from toolkit.tflite.draft import Draft
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawTensor
from toolkit.tflite.problems import operator_problems, tensor_problems
from toolkit.tflite.read import Assembler, parsed
from toolkit.tflite.write import TENSOR_TYPES

_FLOAT, _HALF = TENSOR_TYPES[DType.FLOAT32], int(schema.TensorType.FLOAT16)

#: Functions of one value, by their TFLite names.
_FUNCTIONS: dict[str, Formula] = {
    **{row.tflite: formula(name) for name, row in FUNCTIONS.items() if row.tflite},
    "ELU": formula("elu", 1.0),
    "RELU_N1_TO_1": formula("clip", -1.0, 1.0),
    "RSQRT": formula("pow", -0.5),
}


def _square(draft: Draft, op: RawOperator) -> bool:
    (x,) = op.inputs
    draft.emit("MUL", [x, x], op.outputs, schema.MulOptionsT())
    return True


def _squared_difference(draft: Draft, op: RawOperator) -> bool:
    difference = draft.like(op.outputs[0], draft.shape(op.outputs[0]))
    draft.emit("SUB", op.inputs, [difference], schema.SubOptionsT())
    draft.emit("MUL", [difference, difference], op.outputs, schema.MulOptionsT())
    return True


_EXPANSIONS: dict[str, Callable[[Draft, RawOperator], bool]] = {
    "SQUARE": _square,
    "SQUARED_DIFFERENCE": _squared_difference,
}


def is_float(data: bytes, name: str) -> bool:
    """Whether all activations of a ``.tflite`` are float32, whatever its weights are stored as;
    raises ModelError."""
    model = parsed(data, name)
    made = {*model.inputs, *model.outputs}
    made.update(index for op in model.operators for index in op.outputs)
    kinds = {model.tensors[i].type_code for i in made if 0 <= i < len(model.tensors)}
    return kinds == {_FLOAT}


def has_hybrid_weights(data: bytes, name: str) -> bool:
    """Whether operators of a float ``.tflite`` read int8 weights, for which an interpreter rounds
    activations too (dynamic range); raises ModelError."""
    model = parsed(data, name)
    read = {i for op in model.operators if op.name != "DEQUANTIZE" for i in op.inputs if i >= 0}
    return any(model.tensors[i].type_code == TENSOR_TYPES[DType.INT8] for i in read)


def read_float_tflite(data: bytes, name: str) -> Graph:
    """The float graph in ``data``, as it came; raises ModelError or UnsupportedError, which lists
    all that the toolkit lacks."""
    model = _expanded(parsed(data, name))
    problems = [p for p in tensor_problems(model) if "float32" not in p]
    problems += operator_problems(model, _FUNCTIONS)
    if problems:
        raise UnsupportedError(f"{name}: {'; '.join(problems[:8])}", "See docs/SUPPORTED_OPS.md.")
    graph = check_graph(Assembler(model, name, _FUNCTIONS).graph(), name)
    if not graph.nodes:
        raise UnsupportedError(
            f"{name}: it has no operators: nothing is computed.", hint="Export the model again."
        )
    for node in graph.nodes:
        if OPERATORS[node.op].custom and node.op != "table":
            raise UnsupportedError(
                f"{name}: {node.op} in a float file.", hint="Build the int8 file it comes of."
            )
    return check_graph(fold_pad(graph), name)


def _expanded(model: RawModel) -> RawModel:
    """The model in operators of ours, its weights float32."""
    draft = Draft(model)
    draft.tensors = [_real(tensor) for tensor in model.tensors]
    for op in model.operators:
        rule = None if op.custom else _EXPANSIONS.get(op.name)
        if op.name == "DEQUANTIZE" and draft.tensors[op.inputs[0]].data is not None:
            stored, output = draft.tensors[op.inputs[0]], op.outputs[0]
            draft.tensors[output] = replace(draft.tensors[output], data=stored.data)
        elif rule is None or not rule(draft, op):
            draft.operators.append(op)
    return draft.finished()


def _real(tensor: RawTensor) -> RawTensor:
    """Weights of 8 bits (dynamic range) or of half precision as float32; others stay."""
    if tensor.data is None:
        return tensor
    if tensor.type_code == _HALF:
        values = tensor.data.view("<f2")
    elif tensor.type_code == TENSOR_TYPES[DType.INT8] and tensor.scale:
        zero = tensor.zero_point or (0,) * len(tensor.scale)
        axis = tensor.axis if len(tensor.scale) > 1 else None
        stored = tensor.data.view(np.int8).reshape(tensor.shape)
        values = dequantize(stored, QuantParams(tensor.scale, zero, axis))
    else:
        return tensor
    data = np.ascontiguousarray(values, "<f4").reshape(-1).view(np.uint8)
    return replace(tensor, type_code=_FLOAT, data=data, scale=(), zero_point=())
