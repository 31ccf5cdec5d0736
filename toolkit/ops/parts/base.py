"""What an operator is: one subclass in one file states everything the toolkit knows of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from toolkit.ir import DType, Graph, Node, Shape, Tensor
from toolkit.ir.tensor import Array
from toolkit.ops.numerics.activation import Activation
from toolkit.ops.parts.calls import CodeFacts as CodeFacts
from toolkit.ops.parts.calls import KernelCall as KernelCall
from toolkit.ops.parts.calls import LinkedFunction as LinkedFunction
from toolkit.ops.parts.calls import Work as Work
from toolkit.ops.parts.channels import Bounds, Ties, any_value, channel_count, thinned

AttrsT = TypeVar("AttrsT")

#: The axis of time in every tensor that has it; a row is one index of it.
TIME_AXIS = 1


class TimeBehaviour(Enum):
    """How an operator treats the time axis, which decides how it streams."""

    ROW_LOCAL = "row-local"  # each time step on its own
    WINDOWED = "windowed"  # a bounded window of time steps (ring buffer)
    REDUCING = "reducing"  # all of time into one value (running accumulator)
    RECURRENT = "recurrent"  # each time step from itself and what earlier ones left (state)
    OPAQUE = "opaque"  # mixes time in another way: cannot stream


class Layout(Enum):
    """What an operator makes of the order of its activations' axes."""

    FIXED = "fixed"  # axes have a meaning each
    PER_AXIS = "per axis"  # attributes say something of every axis: `Operator.reordered`
    ELEMENTWISE = "elementwise"  # every element is treated alike; constants broadcast


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
    #: Further constants that may have a scale per channel; the operator's constraints say how.
    channel_inputs: ClassVar[tuple[int, ...]] = ()
    #: Indices of the TFLite inputs that an interpreter keeps from run to run (`tflite_variables`).
    variable_inputs: ClassVar[tuple[int, ...]] = ()
    #: Whether it reads int8 activations alone, whatever the type of what it makes.
    reads_int8: ClassVar[bool] = False
    #: What the order of axes is to it.
    layout: ClassVar[Layout] = Layout.FIXED
    #: Whether a positive factor for a channel passes through it unchanged.
    scale_transparent: ClassVar[bool] = False
    #: Whether all activations that it reads are brought to the output's scale.
    one_scale: ClassVar[bool] = False
    #: Whether, behind a value in 16 bits that matters, its result is to have 16 bits too.
    int16_follows: ClassVar[bool] = False
    #: Whether its integer form, which is others', has 16 bits where its own kernel has not.
    int16_by_others: ClassVar[bool] = False
    #: Whether its constants have 8 bits whatever its activations have.
    int8_constants: ClassVar[bool] = False
    #: Whether an activation that its attributes can state is carried out.
    takes_activation: ClassVar[bool] = True
    #: The activation that it is where the operator before it takes one.
    fused_as: ClassVar[Activation | None] = None
    #: Whether each row of the last axis is treated on its own, all alike.
    on_last_axis: ClassVar[bool] = False
    #: Whether its output's values are values of its input, moved.
    moves: ClassVar[bool] = False
    #: The function of `numerics.functions` that it is, "" for none.
    function: ClassVar[str] = ""
    #: Whether its result in 16 bits is made from activations of any width.
    reads_any_width: ClassVar[bool] = False
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

    def tflite_variables(self, view: NodeView[AttrsT]) -> tuple[Tensor | None, ...]:
        """TFLite inputs behind those, which an interpreter keeps from run to run (None: absent)."""
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

    def integer_form(self, view: NodeView[AttrsT]) -> tuple[str, object]:
        """Name of the operator and attributes of the integer form: ``view`` has integer tensors,
        and attributes that state real values where that makes a difference."""
        return self.name, view.attrs

    def function_numbers(self, attrs: AttrsT) -> tuple[float, ...]:
        """What its `function` takes besides its operands."""
        return ()

    def reordered(self, attrs: AttrsT, order: Sequence[int | None]) -> AttrsT:
        """Attributes for activations whose axis ``i`` was axis ``order[i]``, None being a new axis
        of size 1; of operators whose layout is not FIXED."""
        assert self.layout is Layout.ELEMENTWISE, self.name
        return attrs

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
        """The node in the form in which its kernels run it on whole tensors, of the same bytes."""
        return view

    def blocked_calls(self, view: NodeView[AttrsT]) -> tuple[KernelCall, ...]:
        """Further kernels in plain C, for every core; `dsp_calls` says what holds for them."""
        return ()

    def dsp_calls(self, view: NodeView[AttrsT]) -> tuple[KernelCall, ...]:
        """Further kernels for cores with the DSP extension that this node is eligible for.

        They have the portable kernel's bits.  ``view`` is the whole node or, for a streamed node,
        its row view; what is eligible does not depend on which.
        """
        return ()

    def fast_problem(self, view: NodeView[AttrsT]) -> str | None:
        """What keeps a node from the kernels for the DSP extension that its operator has, and what
        would free it; None where nothing does, or there are none."""
        return None

    # --- streaming: time is axis 1, a row is one index of it ----------------------------------
    def row_call(self, row: NodeView[AttrsT], behaviour: TimeBehaviour) -> KernelCall:
        """How generated code runs the node one row at a time; ``row`` is its `rows.row_view`.

        ROW_LOCAL: the kernel itself on one row.  WINDOWED: ``<kernel>_row(&params, rows, out)``
        with a pointer for every row of the kernel, NULL in the padding.  REDUCING:
        ``<kernel>_init(&params, sums)``, ``<kernel>_accumulate_row(&params, inputs..., sums)`` for
        every row, ``<kernel>_finish(&params, sums, output)``, sums being ``scratch_bytes`` of
        state, aligned to 8 bytes; where the operator ``merges``, ``<kernel>_merge(&params, sums,
        block)`` adds other rows' sums.  RECURRENT: ``<kernel>_init(&params, state)``, then
        ``<kernel>_row(&params, inputs..., output, state)`` for every row, state as sums are.
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
