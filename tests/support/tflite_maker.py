"""Builds ``.tflite`` files operator by operator, in forms that the toolkit does not write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from toolkit.ir.tensor import Array

_TYPES = {
    "int8": "INT8",
    "uint8": "UINT8",
    "int16": "INT16",
    "int32": "INT32",
    "float32": "FLOAT32",
}


class Subgraph:
    """Tensors and operators of a subgraph; methods return the numbers of tensors."""

    def __init__(self, maker: TfliteMaker, name: str) -> None:
        self._maker = maker
        self.table = schema.SubGraphT(name=name, tensors=[], operators=[], inputs=[], outputs=[])

    def tensor(
        self,
        shape: Sequence[int],
        kind: str = "int8",
        scale: float = 0.05,
        zero: int = 3,
        data: Array | None = None,
        name: str = "",
    ) -> int:
        """A tensor, with ``data`` a constant; one of int32 or float32 has no quantisation."""
        quant = schema.QuantizationParametersT(
            scale=np.array([scale], np.float32), zeroPoint=np.array([zero], np.int64)
        )
        self.table.tensors.append(
            schema.TensorT(
                name=name or f"t{len(self.table.tensors)}",
                shape=np.array(shape, np.int32),
                type=getattr(schema.TensorType, _TYPES.get(kind, kind)),
                buffer=self._maker.buffer(data),
                quantization=None if kind in ("int32", "float32", "RESOURCE") else quant,
            )
        )
        return len(self.table.tensors) - 1

    def integers(self, *values: int, scalar: bool = False) -> int:
        data = np.array(values, np.int32)
        return self.tensor([] if scalar else [len(values)], "int32", data=data)

    def op(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> None:
        table = schema.OperatorT(
            opcodeIndex=self._maker.code(name),
            inputs=np.array(inputs, np.int32),
            outputs=np.array(outputs, np.int32),
        )
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            table.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            table.builtinOptions = options
        self.table.operators.append(table)

    def handle(self, variable: str) -> int:
        tensor = self.tensor([], "RESOURCE")
        self.op("VAR_HANDLE", [], [tensor], schema.VarHandleOptionsT("", variable))
        return tensor

    def add(self, a: int, b: int, scale: float = 0.05, zero: int = 3) -> int:
        """The sum, in the scale of the variables unless another is given."""
        output = self.tensor(self.table.tensors[a].shape, scale=scale, zero=zero)
        self.op("ADD", [a, b], [output], schema.AddOptionsT())
        return output


class TfliteMaker:
    """A model whose first subgraph is ``main``; ``others`` follow."""

    def __init__(self) -> None:
        self._buffers: list[Any] = [schema.BufferT()]
        self._codes: dict[str, int] = {}
        self.main = Subgraph(self, "main")
        self.others: list[Subgraph] = []

    def subgraph(self, name: str = "other") -> Subgraph:
        self.others.append(Subgraph(self, name))
        return self.others[-1]

    def buffer(self, data: Array | None) -> int:
        if data is None:
            return 0
        self._buffers.append(schema.BufferT(data=np.frombuffer(data.tobytes(), np.uint8)))
        return len(self._buffers) - 1

    def code(self, name: str) -> int:
        return self._codes.setdefault(name, len(self._codes))

    def data(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        self.main.table.inputs = np.array(inputs, np.int32)
        self.main.table.outputs = np.array(outputs, np.int32)
        codes = [getattr(schema.BuiltinOperator, name) for name in self._codes]
        model = schema.ModelT(
            version=3,
            subgraphs=[self.main.table, *(other.table for other in self.others)],
            operatorCodes=[
                schema.OperatorCodeT(builtinCode=c, deprecatedBuiltinCode=min(c, 127), version=1)
                for c in codes
            ],
            buffers=self._buffers,
        )
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def float_ring(kind: str) -> bytes:
    """A ring in a float variable between conversions, as TensorFlow's converter writes it unless it
    is told to quantise variables: x is joined to it, and the middle of both stays."""
    shape, scale, zero = [1, 6], 0.05, 3 if kind == "int8" else 0
    maker = TfliteMaker()
    initial, main = maker.subgraph(), maker.main
    data = np.linspace(-0.2, 0.3, 6, dtype=np.float32).reshape(shape)
    constant = initial.tensor(shape, "float32", data=data)
    initial.op("ASSIGN_VARIABLE", [initial.handle("v"), constant], [])
    main.op("CALL_ONCE", [], [], schema.CallOnceOptionsT(1))
    handle, x = main.handle("v"), main.tensor(shape, kind, scale, zero)
    old, inner = main.tensor(shape, "float32"), main.tensor(shape, kind, scale, zero)
    main.op("READ_VARIABLE", [handle], [old])
    main.op("QUANTIZE", [old], [inner])
    joined = main.tensor([1, 12], kind, scale, zero)
    main.op("CONCATENATION", [inner, x], [joined], schema.ConcatenationOptionsT(axis=1))
    parts = [main.tensor([1, n], kind, scale, zero) for n in (3, 6, 3)]
    sizes = main.integers(3, 6, 3)
    split = [joined, sizes, main.integers(1, scalar=True)]
    main.op("SPLIT_V", split, parts, schema.SplitVOptionsT(3))
    new = main.tensor(shape, "float32")
    main.op("DEQUANTIZE", [parts[1]], [new])
    main.op("ASSIGN_VARIABLE", [handle, new], [])
    return maker.data([x], [joined])
