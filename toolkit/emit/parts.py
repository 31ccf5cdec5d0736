"""What batch and streamed models are written with: constants, parameters, tensors in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from toolkit.emit.c_text import (
    WORD_BYTES,
    Identifier,
    IdentifierPool,
    c_type,
    comment_text,
    float_literal,
    identifier_stem,
    integer,
    word_lines,
    words,
)
from toolkit.emit.contexts import (
    Argument,
    Banner,
    Constant,
    StateText,
    Step,
    TensorText,
    WeightsText,
)
from toolkit.ir import DType, Graph, Node, State, Tensor
from toolkit.ir.labels import LABELS_KEY, output_labels
from toolkit.ir.tensor import Array
from toolkit.measurement import Symbol, Symbols
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import KernelCall, view
from toolkit.ops.parts.rows import TIME_AXIS
from toolkit.plan import Plan
from toolkit.resources import __version__


def banner(graph: Graph, model_sha256: str, target: str) -> Banner:
    return Banner(__version__, comment_text(graph.name), model_sha256, target)


@dataclass(frozen=True)
class StepPlace:
    """Where the tensors of a step lie."""

    offsets: Mapping[str, int]
    scratch_offset: int


#: What the weights are members of.
IMAGE = "model_weights"
_LONGEST_BYTES = 8
#: Ends of macros that every output may have.
_OUTPUT_MACROS = ("ELEMENTS", "SCALE", "ZERO_POINT", "ROW_FRAMES", "DELAY_FRAMES")
#: A network of more output values is no list of named scores.
MOST_LABELS = 64


class Parts:
    """Collects constants (each content once) and hands out identifiers (each once), and knows what
    each of them belongs to."""

    def __init__(self) -> None:
        self._pool, self._members = IdentifierPool("model_"), IdentifierPool()
        self._symbols: dict[str, Symbol] = {}
        self._constants: dict[tuple[str, bytes], tuple[Constant, Array]] = {}

    @property
    def weights(self) -> WeightsText:
        """All constants; those of 64 bits first, so that nothing lies between any two."""
        made = sorted(self._constants.values(), key=lambda one: one[1].itemsize != _LONGEST_BYTES)
        image = [word for _, values in made for word in words(values).tolist()]
        return WeightsText(
            constants=tuple(constant for constant, _ in made),
            words=len(image),
            size_bytes=sum(values.nbytes for _, values in made),
            hash=weights_hash(image),
        )

    @property
    def symbols(self) -> Symbols:
        """What each identifier belongs to; a constant to all layers that use it."""
        return self._symbols

    def identifier(self, node: Node, role: str) -> Identifier:
        """The name of a function or an object of a layer."""
        name = self.label(node, role)
        self._own(name, node, Symbol(role))
        return name

    def label(self, node: Node, role: str) -> Identifier:
        """The name of a constant of the compiler's, which no linker sees."""
        return self._pool.take(identifier_stem(node.name, node.op), role)

    def _own(self, name: str, node: Node, new: Symbol) -> None:
        known = self._symbols.get(name, new)
        if node.name not in known.layers:
            self._symbols[name] = replace(known, layers=(*known.layers, node.name))

    def fields(self, node: Node, call: KernelCall) -> tuple[tuple[str, str], ...]:
        """Initialisers of a call's parameter struct; its arrays become constants."""
        return tuple(
            (
                field,
                self.constant(value, node, call, field)
                if isinstance(value, np.ndarray)
                else integer(int(value)),
            )
            for field, value in call.params.items()
        )

    def constant(self, values: Array, node: Node, call: KernelCall, field: str) -> str:
        """A constant of a layer as an expression; ``field`` says what the kernel takes it for."""
        form = f"{field} of {call.kernel.removeprefix('tk_')}"
        made = self._stored(values, (node.name, node.op), field, form)
        self._own(f"{IMAGE}.{made.name}", node, Symbol(field, size_bytes=WORD_BYTES * made.words))
        return f"{IMAGE}.{made.name}.values"

    def state(self, graph: Graph, state: State, offset_bytes: int) -> StateText:
        """What outlives a step; its first value becomes a constant where its bytes differ."""
        tensor, fill = tensor_text(graph.tensors[state.read], offset_bytes), state.fill
        if fill is not None:
            return StateText(tensor, fill, "")
        made = self._stored(state.initial, (state.read, "state"), "initial", "first value of state")
        symbol = Symbol("initial", size_bytes=WORD_BYTES * made.words)
        self._symbols.setdefault(f"{IMAGE}.{made.name}", symbol)
        return StateText(tensor, 0, f"{IMAGE}.{made.name}.values")

    def _stored(self, values: Array, owner: tuple[str, str], field: str, form: str) -> Constant:
        """The member of the image that holds ``values`` of an owner, by name and kind."""
        where = f"constant {field!r} of {comment_text(owner[0])!r}"
        kind = c_type(DType(values.dtype.name), where)
        key = (kind, np.ascontiguousarray(values).tobytes())
        if key not in self._constants:
            made = Constant(
                name=self._members.take(identifier_stem(*owner), field.replace(".", "_")),
                c_type=kind,
                elements=values.size,
                words=-(-values.nbytes // WORD_BYTES),
                owner=comment_text(owner[0]),
                shape="x".join(map(str, values.shape)) or "scalar",
                form=form,
                lines=word_lines(words(values)),
            )
            self._constants[key] = made, values
        return self._constants[key][0]

    def step(self, graph: Graph, node: Node, call: KernelCall, place: StepPlace) -> Step:
        """A kernel call on whole tensors."""
        stem, offsets = self.identifier(node, "params"), place.offsets
        fields = self.fields(node, call)
        reads = tuple(graph.tensors[name] for name in call.inputs)
        writes = tuple(graph.tensors[name] for name in call.outputs)
        arguments = [self._argument(t, node, call, offsets) for t in reads]
        arguments += [
            Argument(f"{c_type(t.dtype, f'tensor {t.name!r}')} *", offsets[t.name]) for t in writes
        ]
        if call.scratch_bytes:
            arguments.append(Argument("void *", place.scratch_offset))
        return Step(
            name=comment_text(node.name),
            function=self.identifier(node, "step"),
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
        self, tensor: Tensor, node: Node, call: KernelCall, offsets: Mapping[str, int]
    ) -> Argument:
        kind = c_type(tensor.dtype, f"tensor {tensor.name!r}")
        if tensor.is_constant:
            return Argument(kind, 0, self.constant(tensor.values, node, call, "operand"))
        return Argument(f"const {kind} *", offsets[tensor.name])


def weights_hash(image: Iterable[int]) -> int:
    """FNV-1a over words, as in ``tk_weights.c``."""
    value = 2166136261
    for word in image:
        value = (value ^ word) * 16777619 % (1 << 32)
    return value


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


def row_text(tensor: Tensor) -> TensorText:
    """A row of a tensor, which has one, in words."""
    shape = "x".join(str(d) for d in tensor.shape[TIME_AXIS + 1 :])
    return replace(tensor_text(tensor, 0), shape=shape or "1")


def output_texts(plan: Plan) -> tuple[TensorText, ...]:
    """The outputs in words, of those with time how often a row comes and when."""
    texts = [tensor_text(tensor, 0) for tensor in plan.output_tensors]
    for port in () if plan.stream is None else plan.stream.ports:
        row = row_text(plan.output_tensors[port.index]).shape
        every = f"every {port.step_frames} frames" if port.step_frames > 1 else "a frame"
        shape = f"{row}, a row {every}, {port.delay_frames} frames late"
        texts[port.index] = replace(texts[port.index], shape=shape)
    return tuple(texts)


def label_macros(graph: Graph, outputs: Sequence[Tensor]) -> tuple[str, ...]:
    """What the values of the only one of ``outputs`` are called, as ends of macros; ``VALUE_<n>``
    where a label leaves nothing of its own.  None without labels, or for too many."""
    if LABELS_KEY not in graph.metadata or len(outputs) != 1:
        return ()
    labels = output_labels(graph, outputs[0].elements)
    names = [re.sub(r"[^A-Z0-9]+", "_", label.upper()).strip("_") for label in labels]
    if len(names) > MOST_LABELS:
        return ()
    taken = Counter([*names, "", "", *2 * _OUTPUT_MACROS])
    numbered = (f"VALUE_{index}" for index in range(len(names)))
    found = [n if taken[n] == 1 else value for n, value in zip(names, numbered, strict=True)]
    return tuple(found) if len(set(found)) == len(found) else ()
