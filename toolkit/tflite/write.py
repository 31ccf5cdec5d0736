"""Graph to ``.tflite``: deterministic bytes that TFLM, LiteRT and Netron load.

A state is a resource variable, which the interpreter keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ir import DType, Graph, GraphBuilder, Node, Tensor
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import Operator, view
from toolkit.passes.split_pad import split_pad

_SCHEMA_VERSION = 3
_DESCRIPTION = "hearing-aid-toolkit"
_ALIGNMENT_BYTES = 16
_VARIABLE = "state"

#: Operator codes by name, whether custom, and version; in the order of their use.
_Codes: TypeAlias = dict[tuple[str, bool, int], int]


def write_tflite(graph: Graph) -> bytes:
    """The model file of ``graph``; metadata entries travel under their own keys."""
    graph = _with_attribute_inputs(split_pad(graph))
    buffers = _Buffers()
    names = _tensor_order(graph)
    kept = {node.inputs[at] for node in graph.nodes for at in OPERATORS[node.op].variable_inputs}
    index = {name: i for i, name in enumerate(names)}
    codes: _Codes = {}
    variables = [f"{_VARIABLE}{number}" for number in range(len(graph.states))]
    begin, end = _variable_operators(graph, index, codes)
    model = schema.ModelT(
        version=_SCHEMA_VERSION,
        description=_DESCRIPTION,
        subgraphs=[
            schema.SubGraphT(
                name="main",
                tensors=[
                    *(_tensor(graph.tensors[name], buffers, name in kept) for name in names),
                    *map(_handle, variables),
                ],
                inputs=_int32([index[name] for name in graph.free_inputs]),
                outputs=_int32([index[name] for name in graph.free_outputs]),
                operators=[
                    *begin,
                    *(_operator(graph, node, index, codes) for node in graph.nodes),
                    *end,
                ],
            ),
            *([_initial_subgraph(graph, variables, buffers, codes)] if variables else []),
        ],
        operatorCodes=[_operator_code(*key) for key in codes],
        metadata=[
            schema.MetadataT(name=key, buffer=buffers.add(value.encode()))
            for key, value in sorted(graph.metadata.items())
        ],
        buffers=buffers.tables,
    )
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class AlignedBufferT(schema.BufferT):  # type: ignore[misc]
    """A buffer whose data starts at a multiple of 16 bytes in the file."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802
        vector = None
        if self.data:
            builder.Prep(_ALIGNMENT_BYTES, len(self.data))
            vector = builder.CreateByteVector(self.data)
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


class _Buffers:
    """Constant data, each distinct content once; buffer 0 is the empty one of activations."""

    def __init__(self) -> None:
        self.tables: list[Any] = [AlignedBufferT()]
        self._index: dict[bytes, int] = {b"": 0}

    def add(self, data: bytes) -> int:
        if data not in self._index:
            self._index[data] = len(self.tables)
            self.tables.append(AlignedBufferT(data=data))
        return self._index[data]


def _with_attribute_inputs(graph: Graph) -> Graph:
    """The graph with what TFLite takes as further inputs (`Operator.tflite_constants`)."""
    builder = GraphBuilder.from_graph(graph)
    for index, node in enumerate(graph.nodes):
        node_view = view(graph, node)
        names = []
        for i, data in enumerate(OPERATORS[node.op].tflite_constants(node_view)):
            # A value among the activations (PADV2) is quantised as they are; a shape is not.
            like_output = data.dtype == node_view.output.dtype.numpy
            quant = node_view.output.quant if like_output else None
            names.append(builder.constant(f"{node.name}/{i}", data, quant))
        kept = (
            None if tensor is None else builder.add_tensor(tensor)
            for tensor in OPERATORS[node.op].tflite_variables(node_view)
        )
        builder.nodes[index] = replace(node, inputs=(*node.inputs, *names, *kept))
    return builder.build()


def _tensor_order(graph: Graph) -> list[str]:
    names = list(graph.inputs)
    for node in graph.nodes:
        names += [name for name in node.inputs if name is not None]
        names += node.outputs
    return list(dict.fromkeys([*names, *graph.outputs]))


def _tensor(tensor: Tensor, buffers: _Buffers, variable: bool = False) -> Any:
    data = b""
    if tensor.data is not None:
        data = tensor.data.astype(tensor.data.dtype.newbyteorder("<"), order="C").tobytes()
    quant = tensor.quant
    return schema.TensorT(
        name=tensor.name,
        shape=_int32(tensor.shape),
        type=TENSOR_TYPES[tensor.dtype],
        buffer=buffers.add(data),
        quantization=None
        if quant is None
        else schema.QuantizationParametersT(
            scale=np.asarray(quant.scale, np.float32),
            zeroPoint=np.asarray(quant.zero_point, np.int64),
            quantizedDimension=quant.axis or 0,
        ),
        isVariable=variable,
        hasRank=True,
    )


def _operator(graph: Graph, node: Node, index: Mapping[str, int], codes: _Codes) -> Any:
    operator: Operator[Any] = OPERATORS[node.op]
    node_view = view(graph, node)
    key = (operator.tflite_name, operator.custom, operator.tflite_version(node_view))
    table = schema.OperatorT(
        opcodeIndex=codes.setdefault(key, len(codes)),
        inputs=_int32([-1 if name is None else index[name] for name in node.inputs]),
        outputs=_int32([index[name] for name in node.outputs]),
    )
    if operator.custom:
        table.customOptions = np.frombuffer(operator.write_options(node_view, None), np.uint8)
    elif operator.tflite_options:
        options = getattr(schema, f"{operator.tflite_options}T")()
        table.builtinOptionsType = getattr(schema.BuiltinOptions, operator.tflite_options)
        table.builtinOptions = operator.write_options(node_view, options)
    return table


# --- states: a resource variable each, to which a subgraph that runs once assigns ---------------
def _variable_operators(
    graph: Graph, index: Mapping[str, int], codes: _Codes
) -> tuple[list[Any], list[Any]]:
    """What reads the variables before the nodes run, and what assigns to them after that; their
    handles follow the tensors of ``index``."""
    if not graph.states:
        return [], []
    begin = [
        _builtin("CALL_ONCE", codes, [], [], schema.CallOnceOptionsT(initSubgraphIndex=1)),
    ]
    end = []
    for number, state in enumerate(graph.states):
        handle = len(index) + number
        begin.append(_var_handle(number, handle, codes))
        begin.append(_builtin("READ_VARIABLE", codes, [handle], [index[state.read]]))
        end.append(_builtin("ASSIGN_VARIABLE", codes, [handle, index[state.write]], []))
    return begin, end


def _initial_subgraph(
    graph: Graph, variables: Sequence[str], buffers: _Buffers, codes: _Codes
) -> Any:
    operators, constants = [], []
    for number, state in enumerate(graph.states):
        tensor = replace(graph.tensors[state.read], name=f"{state.read}/initial")
        constants.append(_tensor(replace(tensor, data=state.initial), buffers))
        value = len(variables) + number
        operators.append(_var_handle(number, number, codes))
        operators.append(_builtin("ASSIGN_VARIABLE", codes, [number, value], []))
    return schema.SubGraphT(
        name="initial",
        tensors=[*map(_handle, variables), *constants],
        inputs=_int32([]),
        outputs=_int32([]),
        operators=operators,
    )


def _var_handle(number: int, tensor: int, codes: _Codes) -> Any:
    options = schema.VarHandleOptionsT(container="", sharedName=f"{_VARIABLE}{number}")
    return _builtin("VAR_HANDLE", codes, [], [tensor], options)


def _handle(name: str) -> Any:
    return schema.TensorT(
        name=name, shape=_int32([]), type=schema.TensorType.RESOURCE, buffer=0, hasRank=True
    )


def _builtin(
    name: str, codes: _Codes, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
) -> Any:
    table = schema.OperatorT(
        opcodeIndex=codes.setdefault((name, False, 1), len(codes)),
        inputs=_int32(inputs),
        outputs=_int32(outputs),
    )
    if options is not None:
        kind = type(options).__name__.removesuffix("T")
        table.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        table.builtinOptions = options
    return table


def _operator_code(name: str, custom: bool, version: int) -> Any:
    enum = schema.BuiltinOperator
    code = enum.CUSTOM if custom else getattr(enum, name)
    return schema.OperatorCodeT(
        builtinCode=code,
        deprecatedBuiltinCode=min(code, enum.PLACEHOLDER_FOR_GREATER_OP_CODES),
        customCode=name if custom else None,
        version=version,
    )


def _int32(values: Any) -> Any:
    return np.asarray(values, np.int32)


TENSOR_TYPES = {dtype: int(getattr(schema.TensorType, dtype.name)) for dtype in DType}
