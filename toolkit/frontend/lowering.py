"""State and helpers that the lowering functions of the operator table share.

Every lowering emits legal NHWC nodes at once: spatial operators stand between transposes from and
to ONNX's channel-first layout, which a pass cancels afterwards.  Tensors keep their ONNX names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import numpy as np

from toolkit.errors import ModelError, UnsupportedError
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.reader import MAX_ELEMENTS, RANGES_KEY, OnnxModel
from toolkit.ir import GraphBuilder, Node, QuantParams, Shape
from toolkit.ir.tensor import Array
from toolkit.ops.append import append
from toolkit.ops.concatenation import MAX_INPUTS, ConcatenationAttrs
from toolkit.ops.parts.arithmetic import ArithmeticAttrs
from toolkit.ops.reshape import ReshapeAttrs
from toolkit.ops.transpose import TransposeAttrs

T = TypeVar("T")


class Lowering:
    """Turns one ONNX model into graph nodes, value by value.

    ``values`` maps ONNX names to graph tensors, ``constants`` to what is known before running,
    ``quants`` those constants that the model has quantised to their int8 parameters.
    ``from_shapes`` are constants made from the shapes of computed values,
    ``unexpanded`` are values whose tensor is left to broadcast in the arithmetic that reads them.
    """

    def __init__(self, model: OnnxModel) -> None:
        self.opset = model.opset
        about = {key: text for key, text in model.metadata.items() if key != RANGES_KEY}
        self.builder = GraphBuilder(model.name, about)
        self.values: dict[str, str] = {}
        self.constants: dict[str, Array] = dict(model.constants)
        self.quants: dict[str, QuantParams] = {}
        self.from_shapes: set[str] = set()
        self.unexpanded: set[str] = set()
        self.outputs = frozenset(model.outputs)
        self.model = model
        self.folded_elements = 0

    def fold(self, values: Mapping[str, Array]) -> None:
        """File values as constants; raises ModelError where all of them together are too many."""
        self.folded_elements += sum(value.size for value in values.values())
        if self.folded_elements > MAX_ELEMENTS:
            raise ModelError(
                f"its constants are computed from each other until they have more than "
                f"{MAX_ELEMENTS:,} elements.",
                hint="No network for a microcontroller needs that; export it again.",
            )
        self.constants.update(values)

    # --- looking at values --------------------------------------------------------------------
    def shape(self, name: str) -> Shape:
        """Shape of an ONNX value."""
        if name in self.constants:
            return tuple(self.constants[name].shape)
        return self.builder.tensors[self.values[name]].shape

    def constant(self, node: OnnxNode, index: int) -> Array:
        """Values of an input that must be known beforehand."""
        name = node.inputs[index]
        if name not in self.constants:
            raise UnsupportedError(
                f"node {node.name!r} ({node.op}): input {index} must be a constant; it is computed."
            )
        return self.constants[name]

    def optional(self, node: OnnxNode, index: int) -> Array | None:
        """Like `constant`, None when the input is absent."""
        return self.constant(node, index) if has_input(node, index) else None

    def integers(self, node: OnnxNode, attr: str, index: int) -> tuple[int, ...] | None:
        """A list of integers that newer operator sets give as input ``index``."""
        if (values := self.optional(node, index)) is not None:
            return tuple(int(v) for v in values.reshape(-1))
        given: tuple[int, ...] | None = attribute(node, attr, tuple, None)
        return given

    def value(self, name: str) -> str:
        """Graph tensor of an ONNX value; constants become graph constants."""
        if name not in self.values:
            data = self.floats(name)
            self.values[name] = self.builder.constant(name, data, self.quants.get(name))
        return self.values[name]

    def floats(self, name: str) -> Array:
        """A constant that arithmetic on floats reads; ModelError for one of integers."""
        data = self.constants[name]
        if data.dtype != np.float32:
            raise ModelError(f"constant {name!r} must be floating point; it is {data.dtype.name}.")
        return data

    def readers(self, name: str) -> tuple[OnnxNode, ...]:
        """The nodes that read an ONNX value."""
        return tuple(node for node in self.model.nodes if name in node.inputs)

    def is_used(self, name: str) -> bool:
        """Whether a node reads an ONNX value, or it is an output of the model."""
        return name in self.outputs or bool(self.readers(name))

    def source(self, tensor: str) -> str:
        """What ``tensor`` was before transposes and reshapes moved it."""
        while (node := self.maker(tensor)) and node.op in ("transpose", "reshape"):
            tensor = node.inputs[0] or ""
        return tensor

    def maker(self, tensor: str) -> Node | None:
        return next((n for n in self.builder.nodes if tensor in n.outputs), None)

    def set_quant(self, tensor: str, quant: QuantParams) -> None:
        """File what the model quantised a tensor with, there and on what it was before it was
        moved; what has parameters keeps them."""
        tensors = self.builder.tensors
        while tensors[tensor].quant is None:
            tensors[tensor] = replace(tensors[tensor], quant=quant)
            node = self.maker(tensor)
            if node is not None and node.op in ("transpose", "reshape"):
                tensor = node.inputs[0] or ""

    def tensor_shape(self, tensor: str) -> Shape:
        return self.builder.tensors[tensor].shape

    # --- adding nodes -------------------------------------------------------------------------
    def append(self, op: str, inputs: Sequence[str | None], attrs: object, node: OnnxNode) -> str:
        result = append(self.builder, op, inputs, attrs, node.outputs[0], node.name)
        shape = self.tensor_shape(result)
        if not shape:
            raise scalar(f"node {node.name!r} ({node.op})")
        if min(shape) < 1 or math.prod(shape) > MAX_ELEMENTS:
            raise ModelError(f"node {node.name!r} ({node.op}): impossible shape {list(shape)}.")
        return result

    def join(self, tensors: Sequence[str], axis: int, node: OnnxNode) -> str:
        """Tensors one after the other along ``axis``; a concatenation takes a few at a time."""
        attrs, rest = ConcatenationAttrs(axis), list(tensors)
        while len(rest) > 1:
            some = [rest[i : i + MAX_INPUTS] for i in range(0, len(rest), MAX_INPUTS)]
            rest = [
                self.append("concatenation", few, attrs, node) if len(few) > 1 else few[0]
                for few in some
            ]
        return rest[0]

    def expand(self, tensor: str, shape: Shape, node: OnnxNode) -> str:
        """``tensor`` repeated to ``shape``, as a product with ones."""
        have = self.tensor_shape(tensor)
        tensor = self.reshape(tensor, (1,) * (len(shape) - len(have)) + have)
        if (have := self.tensor_shape(tensor)) == shape:
            return tensor
        ones = [want if size == 1 else 1 for size, want in zip(have, shape, strict=True)]
        return self.multiply(tensor, np.ones(ones, np.float32), node)

    def multiply(
        self, tensor: str, factor: Array, node: OnnxNode, quant: QuantParams | None = None
    ) -> str:
        """``tensor * factor``, the constant broadcasting to the tensor."""
        return self.append(
            "mul", [tensor, self._operand(tensor, factor, node, quant)], ArithmeticAttrs(), node
        )

    def add(
        self, tensor: str, addend: Array, node: OnnxNode, quant: QuantParams | None = None
    ) -> str:
        """``tensor + addend``, the constant broadcasting to the tensor."""
        return self.append(
            "add", [tensor, self._operand(tensor, addend, node, quant)], ArithmeticAttrs(), node
        )

    def _operand(
        self, tensor: str, values: Array, node: OnnxNode, quant: QuantParams | None
    ) -> str:
        rank = len(self.tensor_shape(tensor))
        padded = np.asarray(values, np.float32).reshape((1,) * (rank - values.ndim) + values.shape)
        per_tensor = quant if quant is not None and quant.axis is None else None
        return self.builder.constant(f"{node.outputs[0]}@constant", padded, per_tensor)

    def weights(self, name: str, values: Array, axis: int, rows: slice = slice(None)) -> str:
        """Constant ``values``, the ONNX constant ``name`` (or some ``rows`` of it) in another
        layout, whose ``axis`` is the one it is quantised along, if it is quantised per channel."""
        quant = self.quants.get(name)
        if quant is not None and quant.axis is not None:
            quant = QuantParams(quant.scale[rows], quant.zero_point[rows], axis)
        return self.builder.constant(name, values, quant)

    def transpose(self, tensor: str, perm: Sequence[int]) -> str:
        if tuple(perm) == tuple(range(len(perm))):
            return tensor
        return self._moved("transpose", tensor, TransposeAttrs(tuple(perm)), "transposed")

    def reshape(self, tensor: str, shape: Sequence[int]) -> str:
        if self.tensor_shape(tensor) == tuple(shape):
            return tensor
        before = self.maker(tensor)
        source = before.inputs[0] if before is not None and before.op == "reshape" else None
        if source is not None and self.tensor_shape(source) == tuple(shape):  # there and back
            return source
        return self._moved("reshape", tensor, ReshapeAttrs(tuple(shape)), "reshaped")

    def copy(self, tensor: str) -> str:
        """The same values as a tensor of their own."""
        return self._moved("reshape", tensor, ReshapeAttrs(self.tensor_shape(tensor)), "copy")

    def _moved(self, op: str, tensor: str, attrs: object, suffix: str) -> str:
        """The same values in another order or shape, quantised alike."""
        moved = append(self.builder, op, [tensor], attrs, f"{tensor}@{suffix}")
        tensors = self.builder.tensors
        if not tensors[moved].shape:
            raise scalar(f"{op} of {tensor!r}")
        tensors[moved] = replace(tensors[moved], quant=tensors[tensor].quant)
        return moved

    def spatial(self, tensor: str, node: OnnxNode, emit: Callable[[str], str]) -> str:
        """Run ``emit`` on the NHWC form of a channel-first tensor, and bring its result back.

        One-dimensional signals ``[N, C, L]`` become ``[N, L, 1, C]``: time runs along the height.
        """
        rank = len(self.tensor_shape(tensor))
        if rank == 4:
            return self.transpose(emit(self.transpose(tensor, (0, 2, 3, 1))), (0, 3, 1, 2))
        if rank != 3:
            raise UnsupportedError(
                f"node {node.name!r} ({node.op}): input must have 3 or 4 dimensions; got {rank}."
            )
        rows_last = self.transpose(tensor, (0, 2, 1))
        n, length, channels = self.tensor_shape(rows_last)
        result = emit(self.reshape(rows_last, (n, length, 1, channels)))
        n, length, _, channels = self.tensor_shape(result)
        return self.transpose(self.reshape(result, (n, length, channels)), (0, 2, 1))


Lower: TypeAlias = Callable[[Lowering, OnnxNode], str]


def has_input(node: OnnxNode, index: int) -> bool:
    return node.inputs.has(index)


def attribute(node: OnnxNode, name: str, kind: type[T], default: Any) -> Any:
    """An attribute of the stated type; ModelError when the file gives it another."""
    if name not in node.attrs:
        return default
    value = node.attrs[name]
    if not isinstance(value, kind):
        raise ModelError(
            f"node {node.name!r} ({node.op}): attribute {name!r} must be {kind.__name__}; "
            f"got {type(value).__name__}."
        )
    return value


def no_effect(node: OnnxNode, *names: str) -> None:
    """Account for attributes that do not change the one output that is made."""
    for name in names:
        node.attrs.get(name)


def scalar(where: str) -> UnsupportedError:
    """The error for a computed value without dimensions."""
    return UnsupportedError(
        f"{where}: the result is a scalar; a computed value must have a dimension.",
        hint="Keep one dimension of size 1 (keepdims=1).",
    )


def unsupported(node: OnnxNode, what: str, hint: str = "") -> UnsupportedError:
    """An UnsupportedError that names the node."""
    return UnsupportedError(f"node {node.name!r} ({node.op}): {what}.", hint=hint)


def axis_of(node: OnnxNode, axis: int, rank: int) -> int:
    """``axis`` counted from the front."""
    if not -rank <= axis < rank:
        raise ModelError(f"node {node.name!r} ({node.op}): axis {axis} of {rank} dimensions.")
    return axis % rank
