"""The report every figure-producing verb returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from toolkit.ir import Shape
from toolkit.measurement import Check, Issue, Measurement, MemoryMap, Provenance, Symbols

SCHEMA_VERSION = 1
#: Checks of whether a firmware fits its part and keeps up with its audio.
FIT_CHECKS = frozenset(
    {"fits_flash", "fits_ram", "fits_stack", "real_time", "board_flash", "board_ram"}
    | {"board_keeps_up"}
)


@dataclass(frozen=True)
class LayerRow:
    """One node of the int8 graph: what it costs, analytically and (when run) in the simulator."""

    name: str
    op: str
    kernel: str
    variant: str
    output_shape: Shape
    macs: int
    weights_bytes: int
    activation_bytes: int
    live_bytes: int
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True)
class FunctionRow:
    """What one function of the firmware cost in a phase, without the functions it calls."""

    name: str
    phase: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Prediction:
    """One model output for the clip: in float and as the device gave it (dequantised)."""

    label: str
    float_value: float | None
    device_value: float


@dataclass(frozen=True)
class Part:
    """What occupies bytes of a region; ``kind`` is what it holds: code, model constants,
    constants, initial values, state, bound (of the stack), frame (of a function), plan, other."""

    name: str
    kind: str
    size_bytes: int


@dataclass(frozen=True)
class Fit:
    """How full a region of the part (flash, ram, stack) is, and with what: largest parts first."""

    region: str
    used_bytes: int
    available_bytes: int
    provenance: Provenance
    basis: str
    parts: tuple[Part, ...]

    @property
    def holds(self) -> bool:
        return self.used_bytes <= self.available_bytes


@dataclass(frozen=True)
class StackFrame:
    """A function of the deepest call chain and the bytes it holds while the next one runs."""

    function: str
    size_bytes: int


@dataclass(frozen=True)
class Roofline:
    """What the core does at best: multiply-accumulates and bytes moved, a cycle."""

    macs_per_cycle: float
    bytes_per_cycle: float
    basis: str


@dataclass(frozen=True)
class Alternative:
    """Another way to run the same model on the target, as estimated; ``chosen`` is this report's.

    ``ram_bytes`` are static, ``cycles`` those of an inference with its features.
    """

    schedule: str
    optimize: str
    chosen: bool
    ram_bytes: int
    flash_bytes: int
    cycles: int
    realtime_factor: float | None


@dataclass(frozen=True)
class RunClip:
    """The audio that a firmware ran on: the ``name`` of its file, and the hash of its samples."""

    name: str
    sha256: str


#: What the groups are by that have the outputs of continuous mode's windows.
WINDOWS = "window_end_s"


@dataclass(frozen=True)
class Group:
    """The figures of a part of the recordings: those whose column ``by`` says ``value``, the models
    called so, clips of so many seconds, or the window that ends at that second."""

    by: str
    value: str
    recordings: int
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True)
class Report:
    """Everything a build or profile found.  Rows with two provenances share their name.

    ``stack`` is the call chain behind ``stack_bound_bytes``, outermost first.  ``symbols`` are
    those of the generated C, none where nothing was generated; ``library`` is the name that they
    begin with.  ``clip`` is None where no audio was heard.
    """

    model_name: str
    model_sha256: str
    target: str
    toolchain: str
    simulator: str
    schedule: str
    measurements: tuple[Measurement, ...] = ()
    checks: tuple[Check, ...] = ()
    issues: tuple[Issue, ...] = ()
    layers: tuple[LayerRow, ...] = ()
    functions: tuple[FunctionRow, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    memory: MemoryMap | None = None
    fits: tuple[Fit, ...] = ()
    stack: tuple[StackFrame, ...] = ()
    roof: Roofline | None = None
    alternatives: tuple[Alternative, ...] = ()
    symbols: Symbols = field(default_factory=dict)
    library: str = ""
    clip: RunClip | None = None
    groups: tuple[Group, ...] = ()

    def adding(self, measurements: Iterable[Measurement], checks: Iterable[Check]) -> Report:
        """The same with what else was found."""
        return replace(
            self,
            measurements=(*self.measurements, *measurements),
            checks=(*self.checks, *checks),
        )

    def allowing_misfit(self) -> Report:
        """The same where a firmware that does not fit or keep up is no failure."""
        checks = tuple(
            replace(check, required=False) if check.name in FIT_CHECKS else check
            for check in self.checks
        )
        return replace(self, checks=checks)

    @property
    def passed(self) -> bool:
        """Whether no required check fails; one that could not be made does not."""
        return not any(check.failed for check in self.checks if check.required)

    def find(self, name: str, provenance: Provenance | None = None) -> Measurement | None:
        """The measurement of that name (and provenance, when given)."""
        return next(
            (m for m in self.measurements if m.name == name and provenance in (None, m.provenance)),
            None,
        )
