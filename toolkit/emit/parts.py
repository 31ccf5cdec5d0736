"""What batch and streamed models are written with: constants, parameters, tensors in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from toolkit.emit.c_text import (
    Identifier,
    IdentifierPool,
    array_lines,
    c_type,
    comment_text,
    float_literal,
    identifier_stem,
    integer,
)
from toolkit.emit.contexts import Argument, Banner, Constant, Step, TensorText
from toolkit.ir import DType, Graph, Node, Tensor
from toolkit.ir.labels import LABELS_KEY, output_labels
from toolkit.ir.tensor import Array
from toolkit.measurement import Symbol, Symbols
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, view
from toolkit.resources import __version__


def banner(graph: Graph, model_sha256: str, target: str) -> Banner:
    return Banner(__version__, comment_text(graph.name), model_sha256, target)


@dataclass(frozen=True)
class StepPlace:
    """Where a step stands and its tensors lie; ``number`` counts the steps from 1, ``before`` are
    the layers that have functions already."""

    number: int
    before: int
    offsets: Mapping[str, int]
    scratch_offset: int


#: A network of more output values is no list of named scores.
MOST_LABELS = 64


class Parts:
    """Collects constants (each content once) and hands out identifiers (each once), and knows what
    each of them belongs to."""

    def __init__(self) -> None:
        self._pool = IdentifierPool()
        self._symbols: dict[str, Symbol] = {}
        self._constants: dict[tuple[str, bytes], Constant] = {}

    @property
    def constants(self) -> tuple[Constant, ...]:
        return tuple(self._constants.values())

    @property
    def weights_bytes(self) -> int:
        return sum(len(data) for _, data in self._constants)

    @property
    def symbols(self) -> Symbols:
        """What each identifier belongs to; a constant to all layers that use it."""
        return self._symbols

    def identifier(self, node: Node, role: str) -> Identifier:
        """The name of an object of a layer."""
        return self._owned(self._taken(node, role), node, role)

    def function(self, node: Node, role: str, number: int) -> Identifier:
        """The name of a function of the layer of that number, by which its executions are counted
        (`toolkit.simulate.counts`)."""
        return self._owned(Identifier(f"layer_{number}_{self._taken(node, role)}"), node, role)

    def _taken(self, node: Node, role: str) -> Identifier:
        return self._pool.take(identifier_stem(node.name, node.op), role.replace(".", "_"))

    def _owned(self, name: Identifier, node: Node, role: str) -> Identifier:
        known = self._symbols.get(name, Symbol(role))
        if node.name not in known.layers:
            self._symbols[name] = replace(known, layers=(*known.layers, node.name))
        return name

    def fields(self, node: Node, call: KernelCall) -> tuple[tuple[str, str], ...]:
        """Initialisers of a call's parameter struct; its arrays become constants."""
        return tuple(
            (
                field,
                self.constant(value, node, field)
                if isinstance(value, np.ndarray)
                else integer(int(value)),
            )
            for field, value in call.params.items()
        )

    def constant(self, values: Array, node: Node, field: str) -> Identifier:
        owner = comment_text(node.name)
        kind = c_type(DType(values.dtype.name), f"constant {field!r} of {owner!r}")
        key = (kind, np.ascontiguousarray(values).tobytes())
        if key not in self._constants:
            name, lines = self._taken(node, field), array_lines(values)
            self._constants[key] = Constant(name, kind, values.size, owner, lines)
        return self._owned(self._constants[key].name, node, field)

    def step(self, graph: Graph, node: Node, call: KernelCall, place: StepPlace) -> Step:
        """A kernel call on whole tensors."""
        stem, offsets = self.identifier(node, "params"), place.offsets
        fields = self.fields(node, call)
        reads = tuple(graph.tensors[name] for name in call.inputs)
        writes = tuple(graph.tensors[name] for name in call.outputs)
        arguments = [self._argument(t, node, offsets, const=True) for t in reads]
        arguments += [self._argument(t, node, offsets, const=False) for t in writes]
        if call.scratch_bytes:
            arguments.append(Argument("void *", place.scratch_offset))
        return Step(
            number=place.number,
            name=comment_text(node.name),
            function=self.function(node, "step", place.before + place.number),
            op=node.op,
            kernel=call.kernel,
            call=call.kernel,
            params=stem,
            fields=fields,
            arrays=array_fields(call),
            reads=tuple(
                tensor_text(t, offsets[t.name]) for t in dict.fromkeys(reads) if not t.is_constant
            ),
            writes=tuple(tensor_text(t, offsets[t.name]) for t in writes),
            macs=OPERATORS[node.op].work(view(graph, node)).macs,
            scratch_bytes=call.scratch_bytes,
            arguments=tuple(arguments),
        )

    def _argument(
        self, tensor: Tensor, node: Node, offsets: Mapping[str, int], *, const: bool
    ) -> Argument:
        kind = c_type(tensor.dtype, f"tensor {tensor.name!r}")
        if tensor.is_constant:
            return Argument(kind, 0, self.constant(tensor.values, node, "operand"))
        return Argument(f"const {kind} *" if const else f"{kind} *", offsets[tensor.name])


def array_fields(call: KernelCall) -> frozenset[str]:
    """The fields of a call's parameter struct that point to constants."""
    return frozenset(f for f, value in call.params.items() if isinstance(value, np.ndarray))


def tensor_text(tensor: Tensor, offset_bytes: int) -> TensorText:
    """An activation in words."""
    quant = tensor.quant
    text, scale, zero_point = "", "", 0
    if quant is not None and quant.axis is None:
        step, zero_point = np.float32(quant.tensor_scale), quant.tensor_zero_point
        text = f"real = {step!s} * (q - ({zero_point}))"
        scale = float_literal(step)
    return TensorText(
        name=comment_text(tensor.name),
        c_type=c_type(tensor.dtype, f"tensor {tensor.name!r}"),
        shape="x".join(str(d) for d in tensor.shape) or "scalar",
        offset_bytes=offset_bytes,
        size_bytes=tensor.size_bytes,
        quantisation=text,
        elements=tensor.elements,
        scale=scale,
        zero_point=zero_point,
    )


def label_macros(graph: Graph) -> tuple[str, ...]:
    """What the values of the only output are called, as ends of macros; none without labels, or
    where two would be the same."""
    if LABELS_KEY not in graph.metadata or len(graph.outputs) != 1:
        return ()
    names = [re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_") for label in output_labels(graph)]
    taken = {"", "ELEMENTS", "SCALE", "ZERO_POINT"}
    return tuple(names) if len(set(names) - taken) == len(names) <= MOST_LABELS else ()
