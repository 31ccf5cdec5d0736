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
    """The image of a model's weights; ``size_bytes`` are those of the arrays alone.  ``in_ram``:
    start-up code copies it there."""

    constants: tuple[Constant, ...]
    words: int
    size_bytes: int
    hash: int
    in_ram: bool = False


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
    of macros; ``hot`` are the functions that start-up code copies to RAM.
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
    hot: frozenset[str]

    @property
    def layers(self) -> tuple[LayerText, ...]:
        """The layer functions, in their order."""
        return self.steps


@dataclass(frozen=True)
class FileText:
    """A file of the project and what it is."""

    path: str
    purpose: str


@dataclass(frozen=True)
class AudioContext:
    """Everything of the files that take audio: whether the model gives rows, and makes some of the
    padding before the first frame; the features and the bytes of their state; the frames of a clip,
    0 where it may have any number; the decimator's rates and its state."""

    schedule: str
    has_rows: bool
    starts_with_padding: bool
    spec: FeatureSpec
    state_bytes: int
    clip_frames: int
    rates_hz: tuple[int, ...]
    decimator_bytes: int


@dataclass(frozen=True)
class LibraryContext:
    """Everything of a library's CMakeLists.txt and README.md; ``model_file`` is what the C was made
    from, ``custom_operators`` are those of it that TFLM lacks, ``ram_bytes`` is the arena or the
    state, paths are relative to the library."""

    banner: Banner
    name: str
    model_file: str
    custom_operators: tuple[str, ...]
    schedule: str
    ram_bytes: int
    lower_bound_bytes: int
    outputs: tuple[TensorText, ...]
    labels: tuple[str, ...]
    files: tuple[FileText, ...]
    sources: tuple[str, ...]
    has_features: bool
    has_resampled: bool
    hot_code: bool
    ram_weights: bool
    has_rows: bool
    costs: Costs | None = None


@dataclass(frozen=True)
class HarnessContext:
    """Everything of the harness' CMakeLists.txt."""

    banner: Banner
    name: str
    core_flags: tuple[str, ...]
    has_features: bool
