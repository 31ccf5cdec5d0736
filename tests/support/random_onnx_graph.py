"""A random ONNX graph under construction: choices, constants, nodes, shapes.

Shapes are followed because later choices depend on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from toolkit.ir.tensor import Array

#: onnxruntime refuses files of newer versions.
IR_VERSION = 10
MIN_OPSET, MAX_OPSET = 13, 23

Shape: TypeAlias = tuple[int, ...]


class Draft:
    """One random graph: ``values`` are its computed values and their shapes, in order;
    ``live`` are those that depend on an input."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.opset = self.upto(MIN_OPSET, MAX_OPSET)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: dict[str, Shape] = {}
        self.values: dict[str, Shape] = {}
        for index in range(1 + self.chance(0.25)):
            shape = self.input_shape()
            self.inputs[f"x{index}"] = self.values[f"x{index}"] = shape
        self.live = set(self.inputs)

    # --- choices ------------------------------------------------------------------------------
    def upto(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high, endpoint=True))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options: Sequence[Any]) -> Any:
        if not options:
            raise LookupError
        return options[self.upto(0, len(options) - 1)]

    def input_shape(self) -> Shape:
        rank = self.pick((1, 2, 3, 3, 4, 4, 4))
        shape = [self.pick((1, 1, 2, 3, 4, 5, 6, 8)) for _ in range(rank)]
        if rank > 1 and self.chance(0.7):
            shape[0] = 1
        return tuple(shape)

    def axis(self, rank: int) -> int:
        """An axis, counted from either end."""
        return self.upto(-rank, rank - 1)

    def value(self, *ranks: int) -> tuple[str, Shape]:
        """A computed value, a late one rather than an early one; now and then a constant."""
        if self.chance(0.04):
            shape = self.input_shape()
            if ranks and len(shape) not in ranks:
                raise LookupError
            return self.floats(*shape), shape
        fitting = [item for item in self.values.items() if not ranks or len(item[1]) in ranks]
        late: tuple[str, Shape] = self.pick(fitting[-1:] if self.chance(0.5) else fitting)
        return late

    # --- parts of a graph ---------------------------------------------------------------------
    def constant(self, values: Array) -> str:
        """An initialiser, a Constant node, or what a node makes of one."""
        name = f"c{len(self.initializers) + len(self.nodes)}"
        tensor = numpy_helper.from_array(np.array(values, order="C"), name)
        if not self.chance(0.25):
            self.initializers.append(tensor)
            return name
        self.nodes.append(
            helper.make_node("Constant", [], [name], name=f"{name}/node", value=tensor)
        )
        return self.node("Identity", [name]) if self.chance(0.3) else name

    def floats(self, *shape: int) -> str:
        scale = 1.0 / math.sqrt(max(1, math.prod(shape[1:]))) if len(shape) > 1 else 1.0
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def ints(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def node(self, op: str, inputs: Sequence[str], outputs: int = 1, **attrs: Any) -> str:
        """Append a node; the name of its first output."""
        index = len(self.nodes)
        if not self.live.isdisjoint(inputs):
            self.live.update(f"v{index}{end}" for end in ("", "_1", "_2"))
        names = [f"v{index}"] + [f"v{index}_{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"n{index}", **attrs))
        return names[0]

    def windowed(
        self, op: str, inputs: Sequence[tuple[str, Shape]], outputs: int = 1, **attrs: Any
    ) -> None:
        """Append a node of a windowed operator, whose rules for shapes are ONNX's own here."""
        name = self.node(op, [n for n, _ in inputs], outputs, **attrs)
        graph = helper.make_graph([self.nodes[-1]], "one", [info(*i) for i in inputs],
                                  [info(name, None)])  # fmt: skip
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
        (found,) = onnx.shape_inference.infer_shapes(model).graph.output
        shape = [d.dim_value for d in found.type.tensor_type.shape.dim]
        if min(shape, default=0) < 1:
            raise LookupError
        self.made(name, shape)

    def made(self, name: str, shape: Sequence[int]) -> None:
        self.values[name] = tuple(shape)

    def operand(self, shape: Shape) -> str:
        """A constant, nowhere near zero, that broadcasts with ``shape``; some widen it."""
        rank = self.upto(0, len(shape))
        dims = [1 if self.chance(0.4) else size for size in shape[len(shape) - rank :]]
        if self.chance(0.15):
            ends = shape[len(shape) - rank :]
            dims = [
                self.upto(1, 3) if size == 1 else kept
                for size, kept in zip(ends, dims, strict=True)
            ]
        if self.chance(0.05) and len(dims) == len(shape) < 4:
            dims = [self.upto(1, 2), *dims]
        sign = self.rng.choice([-1.0, 1.0], dims)
        return self.constant((self.rng.uniform(0.25, 2, dims) * sign).astype(np.float32))

    def dims(self, name: str) -> Shape:
        """Shape of a constant."""
        made = {node.output[0]: node for node in self.nodes}
        while name in made and made[name].op_type == "Identity":
            name = made[name].input[0]
        if name in made:
            return tuple(made[name].attribute[0].t.dims)
        return next(tuple(t.dims) for t in self.initializers if t.name == name)

    def maybe(self, probability: float, **attrs: Any) -> dict[str, Any]:
        """Each attribute, stated or left out."""
        return {name: value for name, value in attrs.items() if self.chance(probability)}


def info(name: str, shape: Sequence[int] | None) -> onnx.ValueInfoProto:
    """A float input or output, of any shape where that is None."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


#: Adds one operator or a few; LookupError where the graph has no value that it could take.
Step: TypeAlias = Callable[[Draft], None]
