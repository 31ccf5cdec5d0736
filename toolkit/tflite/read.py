"""``.tflite`` to graph, from files that anyone may have made.

A damaged file is a `ModelError`; what the toolkit does not support is an `UnsupportedError` that
lists all of it at once.  Nothing else is raised, whatever the bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.errors import InputError, ModelError, UnsupportedError
from toolkit.ir import DType, Graph, GraphBuilder, Node, QuantParams, Shape, State, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.tensor import MAX_RANK, Array
from toolkit.ops import OPERATORS
from toolkit.ops.check import check_operators
from toolkit.ops.numerics.functions import Formula
from toolkit.ops.parts.base import Operator, view
from toolkit.ops.table import Table, TableAttrs
from toolkit.passes.fold_pad import fold_pad
from toolkit.tflite.expand import OPTIONS as EXPANDED_OPTIONS
from toolkit.tflite.expand import expand
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawState, RawTensor, parse
from toolkit.tflite.float_ends import strip_float_ends
from toolkit.tflite.variables import OPTIONS as VARIABLE_OPTIONS
from toolkit.tflite.variables import resolve_variables
from toolkit.tflite.write import TENSOR_TYPES

MAX_TENSOR_BYTES = (1 << 31) - 1

_DTYPES = {code: dtype for dtype, code in TENSOR_TYPES.items()}
_TYPE_NAMES = {v: k for k, v in vars(schema.TensorType).items() if not k.startswith("_")}
_NO_FUNCTIONS: Mapping[str, Formula] = {}
_BY_TFLITE_NAME = {(op.tflite_name, op.custom): op for op in OPERATORS.values()}
_HINT_QUANTIZE = (
    "Convert the ONNX with `toolkit convert`, or quantise to full int8 with int8 inputs and"
    " outputs."
)


def load_tflite(path: Path) -> Graph:
    """Read a ``.tflite`` file; raises `InputError` (or a subclass) with one line."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}", hint="Check the path and its permissions."
        ) from error
    return read_tflite(data, path.stem)


def read_tflite(data: bytes, name: str) -> Graph:
    """The quantised graph in ``data``, with padding operators folded into their consumers, and
    int8 at the ends where the file has float or uint8 (`stripped_ends`)."""
    model, _ = strip_float_ends(parsed(data, name))
    problems = [*tensor_problems(model), *operator_problems(model)]
    if problems:
        listed = "; ".join(problems[:8])
        more = f"; and {len(problems) - 8} more" if len(problems) > 8 else ""
        raise UnsupportedError(f"{name}: {listed}{more}", _hint(problems))
    graph = check_graph(Assembler(model, name).graph(), name)
    if not graph.nodes:
        raise UnsupportedError(
            f"{name}: it has no operators: nothing is computed.", hint="Export the model again."
        )
    check_operators(graph)
    return check_graph(fold_pad(graph), name)


def stripped_ends(data: bytes, name: str) -> tuple[str, ...]:
    """Inputs and outputs that are float or uint8 in the file, and int8 in the graph."""
    return strip_float_ends(parsed(data, name))[1]


def parsed(data: bytes, name: str) -> RawModel:
    """The model in operators of ours, as far as there are rules; raises ModelError."""
    wanted = frozenset(op.tflite_options for op in OPERATORS.values() if op.tflite_options)
    model = parse(data, name, wanted | VARIABLE_OPTIONS | EXPANDED_OPTIONS)
    return expand(resolve_variables(model, name), name)


# --- what is not supported ----------------------------------------------------------------------
def operator_problems(
    model: RawModel, functions: Mapping[str, Formula] = _NO_FUNCTIONS
) -> Iterator[str]:
    """What there is no operator for, nor one of ``functions``."""
    for index, op in enumerate(model.operators):
        known = not op.custom and op.name in functions
        if not known and (op.name, op.custom) not in _BY_TFLITE_NAME:
            kind = "custom operator" if op.custom else "operator"
            yield f"unsupported {kind} {op.name!r} at node {index} (output {_output(model, op)!r})"


def tensor_problems(model: RawModel) -> Iterator[str]:
    """Tensors that no int8 model has."""
    floats = []
    for tensor in _used(model):
        dtype = _DTYPES.get(tensor.type_code)
        label = f"tensor {tensor.name!r}"
        if tensor.unsupported:
            yield f"{label} uses {tensor.unsupported}"
        elif dtype is None or dtype is DType.BOOL:
            type_name = _TYPE_NAMES.get(tensor.type_code, str(tensor.type_code))
            yield f"{label} has the unsupported type {type_name}"
        elif dtype is DType.FLOAT32:
            floats.append(tensor)
        elif dtype is DType.UINT8 and tensor.scale:
            yield f"{label} is quantised to the legacy uint8 scheme; only int8 is supported"
    if floats:
        # A dynamic-range ("hybrid") model keeps int8 weights between float activations.
        hybrid = any(_DTYPES.get(t.type_code) is DType.INT8 for t in _used(model))
        kind = "is only partly quantised (float32 activations)" if hybrid else "is float32"
        yield f"the model {kind}: tensor {floats[0].name!r} and {len(floats) - 1} others"


def _hint(problems: list[str]) -> str:
    if any("float32" in p or "uint8" in p for p in problems):
        return _HINT_QUANTIZE
    return "See docs/SUPPORTED_OPS.md."


def _used(model: RawModel) -> Iterator[RawTensor]:
    used = {
        *model.inputs,
        *model.outputs,
        *(end for s in model.states for end in (s.read, s.write)),
    }
    used.update(i for op in model.operators for i in (*op.inputs, *op.outputs))
    return (model.tensors[i] for i in sorted(used) if 0 <= i < len(model.tensors))


def _output(model: RawModel, op: RawOperator) -> str:
    index = op.outputs[0] if op.outputs else -1
    return model.tensors[index].name if 0 <= index < len(model.tensors) else "?"


# --- assembly -----------------------------------------------------------------------------------
class Assembler:
    """Turns a parsed model into a graph, checking everything on the way; ``functions`` of one
    value, by their TFLite names, become tables."""

    def __init__(
        self, model: RawModel, name: str, functions: Mapping[str, Formula] = _NO_FUNCTIONS
    ) -> None:
        self._model, self._functions = model, functions
        self._name = name
        self._builder = GraphBuilder(name, model.metadata)
        self._names: dict[int, str] = {}
        self._inputs = frozenset((*model.inputs, *(state.read for state in model.states)))

    def graph(self) -> Graph:
        """The graph; raises ModelError."""
        model, builder = self._model, self._builder
        if len(self._inputs) != len(model.inputs) + len(model.states):
            raise self._error("an input is listed twice")
        builder.inputs = [self._declare(i, "graph input") for i in model.inputs]
        reads = [self._declare(state.read, "variable") for state in model.states]
        builder.inputs += reads
        for index, operator in enumerate(model.operators):
            builder.nodes.append(self._node(index, operator))
        builder.outputs = [self._declare(i, "graph output") for i in model.outputs]
        for read, state in zip(reads, model.states, strict=True):
            write = self._declare(state.write, "variable")
            initial = self._initial(builder.tensors[read], state)
            builder.states.append(State(read, write, initial))
            builder.outputs.append(write)
        return builder.build()

    def _initial(self, tensor: Tensor, state: RawState) -> Array:
        """What a state begins as."""
        numpy_type = tensor.dtype.numpy
        if state.initial is None or state.initial.data is None:
            zero = 0
            if tensor.quant is not None:
                zero = int(np.clip(tensor.zero_point, *tensor.dtype.limits))
            return np.full(tensor.shape, zero, numpy_type)
        data = state.initial.data
        if data.size != tensor.size_bytes:
            raise self._error(f"variable {tensor.name!r} begins as {data.size} bytes")
        values: Array = data.view(numpy_type.newbyteorder("<")).reshape(tensor.shape)
        return values.astype(numpy_type, copy=False)

    def _node(self, index: int, raw: RawOperator) -> Node:
        label = f"node {index} ({raw.name}, output {_output(self._model, raw)!r})"
        function = None if raw.custom else self._functions.get(raw.name)
        operator = _BY_TFLITE_NAME.get((raw.name, raw.custom), OPERATORS[Table.name])
        inputs = tuple(None if i == -1 else self._declare(i, label) for i in raw.inputs)
        if len(raw.outputs) != 1:
            raise self._error(f"{label}: one output expected; got {len(raw.outputs)}")
        output = self._declare(raw.outputs[0], label)
        tensors = self._builder.tensors
        if tensors[output].is_constant:
            raise self._error(f"{label}: its output is a constant")
        try:
            resolved = [None if n is None else tensors[n] for n in inputs]
            if function is None:
                attrs = operator.read_options(_options(operator, raw), resolved, tensors[output])
            else:
                operator, attrs = OPERATORS[Table.name], TableAttrs(function)
            node = Node(output, operator.name, inputs, (output,), attrs)
            node_view = view(Graph(self._name, tensors, (node,), (), (output,)), node)
            shape = operator.infer_shape(node_view)
            problem = _constants_problem(operator, resolved, shape)
            attached = 0 if function else len(operator.tflite_constants(node_view))
            kept = max(1, len(inputs) - attached)
        except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = f": {error}" if isinstance(error, ValueError) else ""
            raise self._error(f"{label}: its inputs or options are malformed{reason}") from error
        if not problem and shape != tensors[output].shape:
            problem = f"output shape must be {list(shape)}; got {list(tensors[output].shape)}"
        if problem:
            raise self._error(f"{label}: {problem}")
        return replace(node, inputs=inputs[:kept])

    def _declare(self, index: int, where: str) -> str:
        if not 0 <= index < len(self._model.tensors):
            raise self._error(f"{where}: tensor {index} of {len(self._model.tensors)}")
        if index not in self._names:
            raw = self._model.tensors[index]
            name = raw.name or "tensor"
            if name in self._builder.tensors:
                name = f"{name}_{index}"
            self._names[index] = self._builder.add_tensor(self._tensor(raw, name, index))
        return self._names[index]

    def _tensor(self, raw: RawTensor, name: str, index: int) -> Tensor:
        dtype = _DTYPES[raw.type_code]
        if len(raw.shape) > MAX_RANK or any(d <= 0 for d in raw.shape):
            raise self._error(
                f"tensor {name!r}: shape must be fixed, positive and of rank at most {MAX_RANK};"
                f" got {list(raw.shape)}"
            )
        size = math.prod(raw.shape) * dtype.size_bytes
        if size > MAX_TENSOR_BYTES:
            raise self._error(f"tensor {name!r}: {size} bytes is beyond any device")
        data = None
        if raw.data is not None and index not in self._inputs:
            if raw.data.size != size:
                raise self._error(f"tensor {name!r}: {raw.data.size} bytes of data, not {size}")
            data = raw.data.view(dtype.numpy.newbyteorder("<")).reshape(raw.shape)
            data = data.astype(dtype.numpy, copy=False)
        return Tensor(name, raw.shape, dtype, self._quant(raw, name, dtype, data is not None), data)

    def _quant(self, raw: RawTensor, name: str, dtype: DType, constant: bool) -> QuantParams | None:
        label = f"tensor {name!r}"
        if not raw.scale:
            if dtype in (DType.INT8, DType.INT16):
                raise self._error(f"{label}: {dtype.value} without quantisation parameters")
            return None
        zero_point = raw.zero_point or (0,) * len(raw.scale)
        if len(zero_point) != len(raw.scale):
            raise self._error(f"{label}: {len(raw.scale)} scales, {len(zero_point)} zero points")
        axis = None
        if len(raw.scale) > 1:
            # Some converters give a bias the axis of its weights.
            axis = raw.axis if len(raw.shape) > 1 else 0
            if not constant:
                raise self._error(f"{label}: only constants may be quantised per channel")
            if not 0 <= axis < len(raw.shape):
                raise self._error(f"{label}: quantised dimension {axis}, rank {len(raw.shape)}")
        if not np.all(np.isfinite(raw.scale)) or min(raw.scale) <= 0:
            raise self._error(f"{label}: scales must be positive and finite")
        return QuantParams(raw.scale, zero_point, axis)

    def _error(self, problem: str) -> ModelError:
        return ModelError(f"{self._name}: {problem}", "The model is malformed; export it again.")


def _constants_problem(
    operator: Operator[Any], inputs: Sequence[Tensor | None], output_shape: Shape
) -> str:
    """What is wrong with the form of the constants, "" for nothing."""
    axes = [None if t is None or t.quant is None else t.quant.axis for t in inputs]
    for index, axis in enumerate(axes):
        if axis is None or index == operator.bias_input:
            continue
        if index != operator.weight_input:
            return f"input {index} must not be quantised per channel"
        if operator.weight_axis not in (None, axis):
            return f"weights must be quantised along dimension {operator.weight_axis}; got {axis}"
    if operator.bias_input is not None and len(inputs) > operator.bias_input:
        bias = inputs[operator.bias_input]
        if bias is not None and bias.shape != output_shape[-1:]:
            return f"bias must have shape {list(output_shape[-1:])}; got {list(bias.shape)}"
    return ""


def _options(operator: Operator[Any], raw: RawOperator) -> Any:
    if operator.custom or not operator.tflite_options:
        return raw.options
    if raw.options_name and raw.options_name != operator.tflite_options:
        raise ValueError(f"options are {raw.options_name}")
    return raw.options or getattr(schema, f"{operator.tflite_options}T")()
