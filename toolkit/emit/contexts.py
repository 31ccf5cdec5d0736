"""What the templates may say: one frozen context a template, every string already safe."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.emit.c_text import CommentText, Identifier


@dataclass(frozen=True)
class Banner:
    """What heads every generated file; sizes in bytes, ``peak_step`` counts from 1."""

    version: str
    model: CommentText
    model_sha256: str
    target: str
    arena_bytes: int
    lower_bound_bytes: int
    peak_step: int


@dataclass(frozen=True)
class TensorText:
    """An activation in words: type, shape, place and size in bytes, quantisation if it has any."""

    name: CommentText
    c_type: str
    shape: str
    offset_bytes: int
    size_bytes: int
    quantisation: str


@dataclass(frozen=True)
class Constant:
    """An array in flash."""

    name: Identifier
    c_type: str
    elements: int
    owner: CommentText
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Argument:
    """A pointer handed to a kernel: into the arena, or to a constant."""

    c_type: str
    offset_bytes: int
    constant: Identifier | None = None


@dataclass(frozen=True)
class Step:
    """One kernel call with its parameters; ``number`` counts from 1."""

    number: int
    name: CommentText
    op: str
    kernel: str
    params: Identifier
    fields: tuple[tuple[str, str], ...]
    reads: tuple[TensorText, ...]
    writes: tuple[TensorText, ...]
    macs: int
    scratch_bytes: int
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class ModelContext:
    """Everything of model.h, model.c, model_weights.h and model_weights.c."""

    banner: Banner
    inputs: tuple[TensorText, ...]
    outputs: tuple[TensorText, ...]
    kernels: tuple[str, ...]
    constants: tuple[Constant, ...]
    steps: tuple[Step, ...]
    weights_bytes: int
    macs: int


@dataclass(frozen=True)
class FileText:
    """A file of the project and what it is."""

    path: str
    purpose: str


@dataclass(frozen=True)
class ProjectContext:
    """Everything of CMakeLists.txt and README.md."""

    banner: Banner
    files: tuple[FileText, ...]
    device_sources: tuple[str, ...]
    host_sources: tuple[str, ...]
    core_flags: tuple[str, ...]
    has_features: bool
    weights_bytes: int
    macs: int
