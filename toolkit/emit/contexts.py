"""What the templates may say: one frozen context a template, every string already safe."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.emit.c_text import CommentText, Identifier
from toolkit.emit.cost import Costs
from toolkit.features.spec import FeatureSpec
from toolkit.measurement import Symbols


@dataclass(frozen=True)
class Banner:
    """What heads every generated file."""

    version: str
    model: CommentText
    model_sha256: str
    target: str


@dataclass(frozen=True)
class TensorText:
    """An activation in words: type, shape, place and size in bytes, quantisation if it has any.

    ``scale`` is a C float literal, empty without quantisation.
    """

    name: CommentText
    c_type: str
    shape: str
    offset_bytes: int
    size_bytes: int
    quantisation: str
    elements: int
    scale: str
    zero_point: int


@dataclass(frozen=True)
class Constant:
    """An array among the weights: a member of their image, of so many ``words``; ``form`` is what
    reads it."""

    name: Identifier
    c_type: str
    elements: int
    words: int
    owner: CommentText
    shape: str
    form: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class WeightsText:
    """The image of a model's weights; ``size_bytes`` are those of the arrays alone."""

    constants: tuple[Constant, ...]
    words: int
    size_bytes: int
    hash: int


@dataclass(frozen=True)
class Argument:
    """A pointer handed to a kernel: into the arena, or to a constant."""

    c_type: str
    offset_bytes: int
    constant: str = ""


@dataclass(frozen=True)
class LayerText:
    """One kernel call with its parameters, a function of its own."""

    name: CommentText
    function: Identifier
    op: str
    kernel: str
    call: str
    params: Identifier
    fields: tuple[tuple[str, str], ...]
    arrays: frozenset[str]
    macs: int


@dataclass(frozen=True)
class Step(LayerText):
    """A layer that runs on whole tensors."""

    reads: tuple[TensorText, ...]
    writes: tuple[TensorText, ...]
    scratch_bytes: int
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class SharedKernel:
    """A function of a kernel's code for layers of one shape; a field is None where layers differ:
    an array."""

    name: Identifier
    kernel: str
    call: str
    argument_types: tuple[str, ...]
    fields: tuple[tuple[str, str | None], ...]
    users: int


@dataclass(frozen=True)
class StateText:
    """What outlives a step; it begins as the constant ``initial``, "": as ``fill`` in all bytes."""

    tensor: TensorText
    fill: int
    initial: str


@dataclass(frozen=True)
class ModelContext:
    """Everything of a batch model's four files, or with ``states`` of one that runs step by step;
    sizes in bytes, ``peak_step`` is a layer, ``labels`` name the values of the only output, as ends
    of macros.
    """

    banner: Banner
    arena_bytes: int
    lower_bound_bytes: int
    peak_step: CommentText
    inputs: tuple[TensorText, ...]
    outputs: tuple[TensorText, ...]
    states: tuple[StateText, ...]
    labels: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: WeightsText
    shared: tuple[SharedKernel, ...]
    steps: tuple[Step, ...]
    macs: int
    symbols: Symbols

    @property
    def layers(self) -> tuple[LayerText, ...]:
        """The layer functions, in their order."""
        return self.steps


@dataclass(frozen=True)
class RowArgument:
    """A pointer handed to a row kernel: a row of a ring (``ahead`` rows behind as many as the
    counter ``row`` has), a place in the buffers, or a constant."""

    c_type: str
    ring: Identifier | None = None
    row: Identifier | None = None
    ahead: int = 0
    offset_bytes: int = 0
    constant: str = ""


@dataclass(frozen=True)
class RingText:
    """Where the rows of ``counter`` lie; a reduction has no rows of its own."""

    counter: Identifier
    owner: CommentText
    offset_bytes: int
    rows: int
    row_bytes: int


@dataclass(frozen=True)
class TotalText:
    """Rows of a counter in a clip: (frames +- offset) / step."""

    counter: Identifier
    step: int
    offset: int
    negative: bool


@dataclass(frozen=True)
class StageText(LayerText):
    """A layer that computes ``group`` rows when it can, called up to ``runs`` times a pass.

    It reads rows of the counters ``inputs`` and makes those of ``counter``.
    """

    behaviour: str
    counter: Identifier
    inputs: tuple[Identifier, ...]
    windowed: bool
    row_type: str
    taps: int
    group: int
    runs: int
    window: tuple[tuple[str, str], ...]
    arguments: tuple[RowArgument, ...]


@dataclass(frozen=True)
class ReductionText:
    """Running sums: where they lie and where their result goes."""

    counter: Identifier
    name: CommentText
    kernel: str
    params: Identifier
    finish: Identifier
    sums_offset: int
    c_type: str
    output_offset: int


@dataclass(frozen=True)
class StreamContext:
    """Everything of a streamed model's four files; sizes in bytes, ``labels`` as `ModelContext`."""

    banner: Banner
    state_bytes: int
    lower_bound_bytes: int
    buffer_bytes: int
    frame_bytes: int
    min_frames: int
    max_frames: int
    delay_frames: int
    frame_macs_mean: str
    frame_macs_worst: int
    finish_macs: int
    starts_with_padding: bool
    input: TensorText
    frame_shape: str
    outputs: tuple[TensorText, ...]
    labels: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: WeightsText
    rings: tuple[RingText, ...]
    totals: tuple[TotalText, ...]
    shared: tuple[SharedKernel, ...]
    stages: tuple[StageText, ...]
    reductions: tuple[ReductionText, ...]
    steps: tuple[Step, ...]
    symbols: Symbols

    @property
    def layers(self) -> tuple[LayerText, ...]:
        """The layer functions: the stages, then what runs at the end."""
        return (*self.stages, *self.steps)


@dataclass(frozen=True)
class FileText:
    """A file of the project and what it is."""

    path: str
    purpose: str


@dataclass(frozen=True)
class AudioContext:
    """Everything of the files that take audio: the features and the bytes of their state; the
    frames of a clip, 0 where it may have any number; the decimator's rates and its state."""

    schedule: str
    spec: FeatureSpec
    state_bytes: int
    clip_frames: int
    rates_hz: tuple[int, ...]
    decimator_bytes: int


@dataclass(frozen=True)
class LibraryContext:
    """Everything of a library's CMakeLists.txt and README.md; ``ram_bytes`` is the arena or the
    state, paths are relative to the library."""

    banner: Banner
    name: str
    schedule: str
    ram_bytes: int
    lower_bound_bytes: int
    outputs: tuple[TensorText, ...]
    labels: tuple[str, ...]
    files: tuple[FileText, ...]
    sources: tuple[str, ...]
    has_features: bool
    has_resampled: bool
    costs: Costs | None = None


@dataclass(frozen=True)
class HarnessContext:
    """Everything of the harness' CMakeLists.txt."""

    banner: Banner
    name: str
    core_flags: tuple[str, ...]
    has_features: bool
