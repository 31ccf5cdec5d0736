"""What an operator is: one subclass in one file states everything the toolkit knows of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from toolkit.ir import DType, Graph, Node, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.parts.channels import Bounds, Ties, any_value, channel_count, thinned

AttrsT = TypeVar("AttrsT")

#: The axis of time in every tensor that has it; a row is one index of it.
TIME_AXIS = 1


class TimeBehaviour(Enum):
    """How an operator treats the time axis, which decides how it streams."""

    ROW_LOCAL = "row-local"  # each time step on its own
    WINDOWED = "windowed"  # a bounded window of time steps (ring buffer)
    REDUCING = "reducing"  # all of time into one value (running accumulator)
    OPAQUE = "opaque"  # mixes time in another way: cannot stream


class OutputRange(Enum):
    """How an operator's output quantisation is chosen."""

    CALIBRATED = "calibrated"  # from observed minimum and maximum
    SAME_AS_INPUT = "same as input"  # TFLite demands (or numerics profit from) input 0's parameters
    FIXED = "fixed"  # given by the operator, `Operator.fixed_quant`


@dataclass(frozen=True)
class NodeView(Generic[AttrsT]):
    """A node with its tensors resolved: all an operator's methods ever see."""

    node: Node
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    attrs: AttrsT

    def input(self, index: int) -> Tensor:
        tensor = self.inputs[index]
        assert tensor is not None, f"{self.node.name}: input {index} is absent"
        return tensor

    def optional(self, index: int) -> Tensor | None:
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        return self.outputs[0]


def view(graph: Graph, node: Node) -> NodeView[Any]:
    return NodeView(node, graph.input_tensors(node), graph.output_tensors(node), node.attrs)


@dataclass(frozen=True)
class Work:
    """What one inference of a node costs in principle; targets turn it into cycles."""

    macs: int = 0
    accumulators: int = 0  # results finished: rounded, clamped and stored; runs of values begun
    elementwise: int = 0  # simple per-element operations other than MACs


@dataclass(frozen=True)
class LinkedFunction:
    """A C function that a layer links from a kernel file which is linked function by function.

    Its code depends on the ``pairs`` of products that it sums up.  ``stack_apart``: a core's code
    table states the layer's stack without this one's.
    """

    symbol: str
    stem: str
    pairs: int
    stack_apart: bool = False


@dataclass(frozen=True)
class CodeFacts:
    """What a kernel's code depends on, besides its name and variant, and what it links.

    ``size`` decides which loops an inlined kernel unrolls, ``form`` names a further difference of
    its code; a core's code table has rows by both.  One that ``divides`` links the compiler's
    division of 64 bits.
    """

    form: str = ""
    size: int | None = None
    functions: tuple[LinkedFunction, ...] = ()
    divides: bool = False


@dataclass(frozen=True)
class KernelCall:
    """How generated code runs a node.

    ``kernel`` is the stem of ``firmware_templates/kernels/<kernel>.{c,h}``, the function's name and
    the prefix of its parameter struct ``<kernel>_params``.  ``params`` are that struct's fields in
    declaration order: an int, or an array placed in flash.  The call is
    ``kernel(&params, inputs..., outputs..., [scratch])`` with activation tensors only.  A kernel
    with the parameter ``element_bytes`` works on either element type and takes pointers to void.

    A streamed WINDOWED kernel that makes several ``rows`` of output a call is named
    ``<kernel>_rows`` and takes a pointer for each, NULL for one that the clip does not have.
    One that is ``inlined`` is a header alone, folded into the layer with constant parameters.
    ``work`` is what it executes where that is not the operator's work: ``macs`` are executed
    multiplications, ``elementwise`` the values that it gathers or transforms.  ``code`` is what is
    known of its code in flash.
    """

    kernel: str
    params: Mapping[str, int | Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch_bytes: int = 0
    extra_kernels: tuple[str, ...] = field(default=())  # further kernel files it needs
    variant: str = "portable"
    inlined: bool = False
    rows: int = 1
    work: Work | None = None
    code: CodeFacts = CodeFacts()

    @property
    def files(self) -> tuple[str, ...]:
        """Stems of all kernel files that it needs."""
        return (self.kernel, *self.extra_kernels)

    @property
    def untyped(self) -> bool:
        return "element_bytes" in self.params


#: A constraint returns None, or what was found instead; its docstring states the rule.
Constraint = Callable[[NodeView[Any]], str | None]


class Operator(ABC, Generic[AttrsT]):
    """Base of all operators.  Instances are stateless; register them in ``toolkit/ops``."""

    name: ClassVar[str]
    #: Builtin operator name in the TFLite schema, or a custom code when ``custom``.
    tflite_name: ClassVar[str]
    custom: ClassVar[bool] = False
    #: Options table in the TFLite schema ("" for none).
    tflite_options: ClassVar[str] = ""
    onnx_names: ClassVar[tuple[str, ...]] = ()
    #: What the device supports; the first is about element types, the others presume it.
    constraints: ClassVar[tuple[Constraint, ...]] = ()
    output_range: ClassVar[OutputRange] = OutputRange.CALIBRATED
    #: Constant weights and bias: input index of each, and the weights' per-channel axis (None:
    #: one scale).  Weights are symmetric int8; the bias scale is input scale * weight scale.
    weight_input: ClassVar[int | None] = None
    weight_axis: ClassVar[int | None] = None
    bias_input: ClassVar[int | None] = None
    #: Whether it reads int8 activations alone, whatever the type of what it makes.
    reads_int8: ClassVar[bool] = False
    #: Whether the device does nothing: the output is the input's bytes under another shape.
    is_alias: ClassVar[bool] = False
    #: Whether the sums of a REDUCING node over parts of a clip give those of the whole.
    merges: ClassVar[bool] = True
    #: What an OPAQUE node does to time, to complete "cannot stream: ...".
    opaque_reason: ClassVar[str] = "it mixes frames"

    # --- TFLite -------------------------------------------------------------------------------
    @abstractmethod
    def read_options(self, options: Any, inputs: Sequence[Tensor | None], output: Tensor) -> AttrsT:
        """Attributes from a schema options object (``<tflite_options>T``; bytes when custom)."""

    @abstractmethod
    def write_options(self, view: NodeView[AttrsT], options: Any) -> Any:
        """Fill a fresh schema options object (return bytes when custom)."""

    def tflite_constants(self, view: NodeView[AttrsT]) -> tuple[Array, ...]:
        """Trailing TFLite inputs that hold attributes (a permutation, axes).

        The graph keeps them in ``attrs`` alone: the writer appends them, the reader drops them
        once `read_options` has seen them.
        """
        return ()

    def tflite_version(self, view: NodeView[AttrsT]) -> int:
        """Operator version to write; LiteRT refuses some models that state a lower one."""
        return 1

    # --- meaning ------------------------------------------------------------------------------
    @abstractmethod
    def infer_shape(self, view: NodeView[AttrsT]) -> Shape:
        """Shape of the output from the inputs and attributes."""

    @abstractmethod
    def run_float(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> Array:
        """Float32 semantics; inputs are given in full (constants too)."""

    @abstractmethod
    def run_int(self, view: NodeView[AttrsT], inputs: Sequence[Array]) -> Array:
        """The integer reference: TFLM's reference kernel, bit for bit (contract C1)."""

    def fixed_quant(self, view: NodeView[AttrsT], dtype: DType) -> tuple[float, int]:
        """Scale and zero point when ``output_range`` is FIXED."""
        raise NotImplementedError

    # --- channels, the last axis --------------------------------------------------------------
    def channel_bounds(self, view: NodeView[AttrsT], inputs: Sequence[Bounds]) -> Bounds:
        """Bounds of the integer output from those of the inputs that are there; they hold for
        every clip length."""
        return any_value(view.output)

    def channel_ties(self, view: NodeView[AttrsT]) -> Ties | None:
        """Which channels of inputs and output belong together; None: all of them stay."""
        return None

    def channel_weights(self, view: NodeView[AttrsT]) -> Array | None:
        """Weights ``[outputs, taps, channels]`` of an operator that sums over the channels of its
        first input, each alike wherever it stands; None for all others, which have `channel_ties`.
        """
        return None

    def pads(self, view: NodeView[AttrsT]) -> bool:
        """Whether those sums may have the input's zero point in place of a value of a channel."""
        return False

    def with_channels(
        self, view: NodeView[AttrsT], inputs: Sequence[Array | None], output: Array
    ) -> NodeView[AttrsT]:
        """The node with those channels of inputs (None: a constant) and output alone, bool
        ``[channels]`` each: its constants and attributes; activations keep their shapes."""
        constants = (
            thinned(tensor, -1, output)
            if tensor is not None and tensor.is_constant and channel_count(tensor) == len(output)
            else tensor
            for tensor in view.inputs
        )
        return replace(view, inputs=tuple(constants))

    # --- device -------------------------------------------------------------------------------
    @abstractmethod
    def work(self, view: NodeView[AttrsT]) -> Work: ...

    @abstractmethod
    def time_behaviour(self, view: NodeView[AttrsT], time_axis: int) -> TimeBehaviour: ...

    @abstractmethod
    def kernel_call(self, view: NodeView[AttrsT]) -> KernelCall: ...

    def on_whole(self, view: NodeView[AttrsT]) -> NodeView[AttrsT]:
        """The node in the form in which its kernels run it on whole tensors, the same bytes in and
        out."""
        return view

    def dsp_calls(self, view: NodeView[AttrsT]) -> tuple[KernelCall, ...]:
        """Further kernels for cores with the DSP extension that this node is eligible for.

        They have the portable kernel's bits.  ``view`` is the whole node or, for a streamed node,
        its row view; what is eligible does not depend on which.
        """
        return ()

    # --- streaming: time is axis 1, a row is one index of it ----------------------------------
    def row_call(self, row: NodeView[AttrsT], behaviour: TimeBehaviour) -> KernelCall:
        """How generated code runs the node one row at a time; ``row`` is its `rows.row_view`.

        ROW_LOCAL: the kernel itself on one row.  WINDOWED: ``<kernel>_row(&params, rows, out)``
        with a pointer for every row of the kernel, NULL in the padding.  REDUCING:
        ``<kernel>_init(&params, sums)``, ``<kernel>_accumulate_row(&params, inputs..., sums)`` for
        every row, ``<kernel>_finish(&params, sums, output)``, sums being ``scratch_bytes`` of
        state, aligned to 8 bytes; where the operator ``merges``, ``<kernel>_merge(&params, sums,
        block)`` adds other rows' sums.
        """
        return self.kernel_call(row)

    def least_rows(self, view: NodeView[AttrsT], time_axis: int) -> int:
        """Fewest rows that a REDUCING node takes."""
        return 1

    def max_rows(self, row: NodeView[AttrsT]) -> int | None:
        """Most rows a REDUCING node's sums hold; None without a limit."""
        return None

    def grows(self, view: NodeView[AttrsT], time_axis: int) -> bool:
        """Whether the range of the output grows with the extent of time, so that a scale that
        suits one clip length saturates at a longer one."""
        return False
