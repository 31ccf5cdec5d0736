"""A processor core: how code for it is compiled and simulated, and what it costs; pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A contiguous piece of the address space."""

    origin: int
    size_bytes: int

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.origin + self.size_bytes


@dataclass(frozen=True)
class Simulation:
    """The simulated board: its memory map and what runs it; the first simulator is the default."""

    simulators: tuple[str, ...]
    qemu_machine: str
    unicorn_cpu: str
    flash: Region
    ram: Region
    harness: Region


@dataclass(frozen=True)
class Rates:
    """Cycles per executed multiplication, per sum finished and stored, per value handled.

    Of these, ``code_wait`` and ``data_wait`` are the parts spent waiting for instructions and for
    what they load from flash; 0 to 1, and 0 for a core.
    """

    multiply: float
    accumulator: float
    element: float
    code_wait: float = 0.0
    data_wait: float = 0.0

    def without(self, code_wait: bool, data_wait: bool) -> Rates:
        """The rates where instructions, or what they load, answer at once."""
        left = 1 - self.code_wait * code_wait - self.data_wait * data_wait
        return Rates(left * self.multiply, left * self.accumulator, left * self.element)


@dataclass(frozen=True)
class CodeSize:
    """Code in bytes: once in a firmware, for every shape that a kernel is specialised on, for every
    layer; and stack at most, of a layer and of one that shares its body with others."""

    once: int = 0
    body: int = 0
    layer: int = 0
    stack: int = 0
    shared: int = 0


@dataclass(frozen=True)
class FeatureRates:
    """Features: cycles of a frame, of a sample that arrives, of a point of the FFT times its
    passes, of a mel weight, of a value of the row; bytes of flash in all, for a sample of the
    frame, for a mel weight; whether they link the compiler's division of 64 bits, which the bytes
    leave out; bytes of stack in all, for a mel band."""

    frame: float
    hop_sample: float
    fft_point: float
    mel_weight: float
    value: float
    flash_bytes: float
    flash_sample: float
    flash_weight: float
    stack: int
    stack_band: int = 0
    divides: bool = False


@dataclass(frozen=True)
class Peak:
    """What a core does at best: int8 multiply-accumulates and bytes loaded, a cycle."""

    macs_per_cycle: float
    bytes_per_cycle: float
    source: str


@dataclass(frozen=True)
class Core:
    """A processor core: compiler flags, simulated board, and how code on it costs.

    ``extensions`` are of dsp, fpu and mve, ``peak`` is of what the kernels use.  ``rates`` by
    kernel turn executed work into cycles, ``code`` by kernel into bytes of flash; ``features`` by
    kind and arithmetic turn the work of a specification into cycles.
    """

    name: str
    extensions: frozenset[str]
    flags: Mapping[str, tuple[str, ...]]
    peak: Peak
    simulation: Simulation
    rates: Mapping[str, Rates]
    code: Mapping[str, CodeSize]
    features: Mapping[str, FeatureRates]
