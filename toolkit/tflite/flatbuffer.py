"""Bounded access to the tables of a ``.tflite`` file, which may be damaged or hostile.

FlatBuffers' Python reader verifies nothing: offsets may point anywhere and lengths may be huge.
Reads beyond the file raise; what they raise becomes a `ModelError`.  Tables that share their parts
could still cost time without bound, so every vector, string and table is charged to a budget
proportional to the file's size.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.errors import ModelError
from toolkit.ir import Shape
from toolkit.ir.tensor import Array

#: Larger files use offsets that this reader does not follow.
MAX_FILE_BYTES = (1 << 31) - 1
_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
_TABLE_COST = 32
_MAX_NAME_CHARS = 200
_MAX_METADATA_BYTES = 1 << 16
_HINT = "The file is damaged; export it again."


@dataclass(frozen=True, eq=False)
class RawTensor:
    """A tensor as the file states it; ``data`` is a read-only view of its buffer's bytes."""

    name: str
    shape: Shape
    type_code: int
    data: Array | None
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int
    unsupported: str  # a storage form we refuse, "" for none
    variable: bool = False  # kept by the interpreter from run to run


@dataclass(frozen=True, eq=False)
class RawOperator:
    """An operator as the file states it; absent inputs are -1."""

    name: str  # builtin operator name, or the custom code
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_name: str  # schema table of the options, "" for none
    options: Any  # its object form (``<options_name>T``); bytes for a custom operator


@dataclass(frozen=True, eq=False)
class RawGraph:
    """A subgraph as the file states it."""

    tensors: tuple[RawTensor, ...]
    operators: tuple[RawOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RawState:
    """What a variable becomes (see `variables`): the tensor that a step finds, the one that it
    leaves, and the constant that the first step finds (None: the real value 0)."""

    read: int
    write: int
    initial: RawTensor | None


@dataclass(frozen=True, eq=False)
class RawModel(RawGraph):
    """The subgraph that runs, the ``others`` by their number less 1, and what outlives a run."""

    metadata: dict[str, str]
    others: tuple[RawGraph, ...] = ()
    states: tuple[RawState, ...] = ()


def parse(data: bytes, name: str, wanted_options: frozenset[str]) -> RawModel:
    """Parse a ``.tflite`` file, whose first subgraph is the one that runs; options tables outside
    ``wanted_options`` are left unread.  Raises `ModelError`."""
    if len(data) < 8 or data[4:8] != _IDENTIFIER:
        raise ModelError(f"{name}: not a .tflite file (no TFL3 identifier)")
    if len(data) > MAX_FILE_BYTES:
        raise ModelError(f"{name}: files must be smaller than 2 GiB; got {len(data)} bytes")
    with damaged_means_model_error(name):
        return _Parser(data, name, wanted_options).model()


@contextmanager
def damaged_means_model_error(name: str) -> Iterator[None]:
    """Turn what FlatBuffers and numpy raise on bad offsets into one line."""
    try:
        yield
    except (
        struct.error,
        ValueError,
        TypeError,
        LookupError,
        OverflowError,
        AttributeError,
    ) as error:
        raise ModelError(f"{name}: truncated or damaged .tflite file", _HINT) from error


class _Parser:
    def __init__(self, data: bytes, name: str, wanted_options: frozenset[str]) -> None:
        self._data = data
        self._name = name
        self._wanted_options = wanted_options
        self._budget = 16 * len(data)
        self._root = schema.Model.GetRootAs(data, 0)

    def model(self) -> RawModel:
        root = self._root
        if root.Version() != _SCHEMA_VERSION:
            raise self._error(f"schema version must be {_SCHEMA_VERSION}; got {root.Version()}")
        if not root.SubgraphsLength():
            raise self._error("it has no subgraph")
        codes = self._tables(root.OperatorCodes, root.OperatorCodesLength())
        buffers = self._tables(root.Buffers, root.BuffersLength())
        main, *others = (
            self._graph(graph, codes, buffers)
            for graph in self._tables(root.Subgraphs, root.SubgraphsLength())
        )
        metadata, rest = self._metadata(buffers), tuple(others)
        return RawModel(
            main.tensors, main.operators, main.inputs, main.outputs, metadata, others=rest
        )

    # --- parts --------------------------------------------------------------------------------
    def _graph(self, graph: Any, codes: list[Any], buffers: list[Any]) -> RawGraph:
        tensors = self._tables(graph.Tensors, graph.TensorsLength())
        operators = self._tables(graph.Operators, graph.OperatorsLength())
        return RawGraph(
            tuple(self._tensor(tensor, buffers) for tensor in tensors),
            tuple(self._operator(operator, codes) for operator in operators),
            self._indices(graph, "Inputs"),
            self._indices(graph, "Outputs"),
        )

    def _tensor(self, tensor: Any, buffers: list[Any]) -> RawTensor:
        shape = tuple(int(d) for d in self._vector(tensor, "Shape"))
        scale: tuple[float, ...] = ()
        zero_point: tuple[int, ...] = ()
        axis, unsupported = 0, ""
        quant = tensor.Quantization()
        if quant is not None:
            quant = self._table(quant)
            scale = tuple(float(s) for s in self._vector(quant, "Scale"))
            zero_point = tuple(int(z) for z in self._vector(quant, "ZeroPoint"))
            axis = quant.QuantizedDimension()
            if quant.DetailsType():
                unsupported = "custom quantisation"
        if tensor.Sparsity() is not None:
            unsupported = "sparse storage"
        if tensor.ExternalBuffer():
            unsupported = "external storage"
        buffer = self._buffer(buffers, tensor.Buffer())
        if buffer is not None and buffer.Offset() > 1:
            unsupported = "storage outside the flatbuffer"
        return RawTensor(
            # TensorFlow joins the names of all that it fused by semicolons; the first will do.
            self._text(tensor.Name()).split(";")[0][:_MAX_NAME_CHARS],
            shape,
            tensor.Type(),
            self._bytes(buffer),
            scale,
            zero_point,
            axis,
            unsupported,
            bool(tensor.IsVariable()),
        )

    def _operator(self, operator: Any, codes: list[Any]) -> RawOperator:
        index = operator.OpcodeIndex()
        if index >= len(codes):
            raise self._error(f"operator code {index} of {len(codes)}")
        code = codes[index]
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        custom = builtin == schema.BuiltinOperator.CUSTOM
        options_name = _BUILTIN_OPTIONS.get(operator.BuiltinOptionsType(), "unknown options")
        options: Any = None
        if custom:
            options = self._vector(operator, "CustomOptions").tobytes()
        elif options_name in self._wanted_options and operator.BuiltinOptions() is not None:
            table = operator.BuiltinOptions()
            self._charge(_TABLE_COST)
            options = schema.BuiltinOptionsCreator(operator.BuiltinOptionsType(), table)
        return RawOperator(
            self._text(code.CustomCode())[:_MAX_NAME_CHARS]
            if custom
            else _BUILTIN_OPERATORS.get(builtin, f"operator {builtin}"),
            custom,
            self._indices(operator, "Inputs"),
            self._indices(operator, "Outputs"),
            options_name,
            options,
        )

    def _metadata(self, buffers: list[Any]) -> dict[str, str]:
        """Entries whose value is printable text; others (converter internals) are dropped."""
        entries: dict[str, str] = {}
        for entry in self._tables(self._root.Metadata, self._root.MetadataLength()):
            data = self._bytes(self._buffer(buffers, entry.Buffer()))
            key = self._text(entry.Name())
            if data is None or data.size > _MAX_METADATA_BYTES:
                continue
            self._charge(data.size)
            try:
                text = data.tobytes().rstrip(b"\0").decode()
            except UnicodeDecodeError:
                continue
            if all(c.isprintable() or c in "\n\t" for c in text):
                entries[key] = text
        return entries

    # --- bounded access -----------------------------------------------------------------------
    def _charge(self, cost: int) -> None:
        self._budget -= cost
        if self._budget < 0:
            raise self._error("its tables hold more than the file does")

    def _table(self, table: Any) -> Any:
        self._charge(_TABLE_COST)
        return table

    def _tables(self, get: Callable[[int], Any], count: int) -> list[Any]:
        self._charge(count * _TABLE_COST)
        return [get(i) for i in range(count)]

    def _vector(self, table: Any, field: str) -> Array:
        if getattr(table, f"{field}IsNone")():
            return np.zeros(0, np.uint8)
        vector: Array = getattr(table, f"{field}AsNumpy")()
        self._charge(vector.nbytes)
        return vector

    def _indices(self, table: Any, field: str) -> tuple[int, ...]:
        return tuple(int(i) for i in self._vector(table, field))

    def _text(self, raw: bytes | None) -> str:
        self._charge(len(raw or b""))
        return (raw or b"").decode(errors="replace")

    def _buffer(self, buffers: list[Any], index: int) -> Any:
        if index >= len(buffers):
            raise self._error(f"buffer {index} of {len(buffers)}")
        return buffers[index] if index else None

    @staticmethod
    def _bytes(buffer: Any) -> Array | None:
        if buffer is None or buffer.DataIsNone():
            return None
        data: Array = buffer.DataAsNumpy()
        return data if data.size else None

    def _error(self, problem: str) -> ModelError:
        return ModelError(f"{self._name}: damaged .tflite file: {problem}", _HINT)


def _enum_names(enum: type) -> dict[int, str]:
    return {v: k for k, v in vars(enum).items() if not k.startswith("_")}


_BUILTIN_OPERATORS = _enum_names(schema.BuiltinOperator)
_BUILTIN_OPTIONS = {**_enum_names(schema.BuiltinOptions), 0: ""}
