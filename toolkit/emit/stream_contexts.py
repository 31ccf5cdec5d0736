"""What the templates of a streamed model may say, as `contexts` of the others."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.emit.c_text import CommentText, Identifier
from toolkit.emit.contexts import Banner, LayerText, SharedKernel, Step, TensorText, WeightsText
from toolkit.measurement import Symbols


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
class KeptText:
    """The state of a recurrent layer, and the kernel that begins it."""

    kernel: str
    params: Identifier
    offset: int


@dataclass(frozen=True)
class RowOutputText:
    """Output ``index`` has time: rows of ``counter``, one every ``step`` frames, which is there
    ``delay`` frames after the first of these."""

    index: int
    counter: Identifier
    step: int
    delay: int


@dataclass(frozen=True)
class StreamContext:
    """Everything of a streamed model's four files; sizes in bytes, ``labels`` and ``hot`` as
    `ModelContext`.

    ``inputs``, and those of ``outputs`` that ``row_outputs`` tell of, are a row each."""

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
    inputs: tuple[TensorText, ...]
    outputs: tuple[TensorText, ...]
    row_outputs: tuple[RowOutputText, ...]
    labels: tuple[str, ...]
    kernels: tuple[str, ...]
    weights: WeightsText
    rings: tuple[RingText, ...]
    totals: tuple[TotalText, ...]
    shared: tuple[SharedKernel, ...]
    stages: tuple[StageText, ...]
    reductions: tuple[ReductionText, ...]
    states: tuple[KeptText, ...]
    steps: tuple[Step, ...]
    symbols: Symbols
    hot: frozenset[str]

    @property
    def layers(self) -> tuple[LayerText, ...]:
        """The layer functions: the stages, then what runs at the end."""
        return (*self.stages, *self.steps)
