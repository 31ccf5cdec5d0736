"""Execution counts of a simulation: how often each instruction ran, phase by phase.

The raw counts come from ``native/counter.c``, whose header describes the file read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from toolkit.errors import ToolFailedError
from toolkit.toolchain.elf import ElfImage

# What main.c calls at each change of phase; before the first call runs the phase "startup".
MARKERS = ("tk_phase_other", "tk_phase_features", "tk_phase_model")
PHASES = ("startup", "other", "features", "model")

# Intervals told apart; whatever runs later is summed by phase (COUNTER_INTERVALS_MAX).
INTERVALS_APART = 2048

# A layer's functions: what runs from one on, until the next or a change of phase, is the layer's.
_LAYER = re.compile(r"layer_(\d+)_")
_SCOPE = 0x10000  # COUNTER_SCOPE

_OK, _LIMIT, _STRAY = range(3)
_ENTRY = np.dtype([("halfword", "<u4"), ("zero", "<u4"), ("delta", "<i8"), ("taken", "<i8")])


@dataclass(frozen=True, eq=False)
class Interval:
    """What ran between two changes of phase; three arrays of one length, addresses ascending.

    ``executions[i]`` is how often the instruction at ``addresses[i]`` ran (an instruction skipped
    by its condition counts), ``taken[i]`` how often another than the next one followed it.
    """

    phase: str
    addresses: npt.NDArray[np.int64]
    executions: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64]

    @property
    def instructions(self) -> int:
        """Number of instructions executed."""
        return int(self.executions.sum())


def merge(intervals: Iterable[Interval], phase: str) -> Interval:
    """Return the sum of intervals, as one interval called ``phase``."""
    parts = list(intervals)
    if not parts:
        empty = np.zeros(0, np.int64)
        return Interval(phase, empty, empty, empty)
    addresses, inverse = np.unique(
        np.concatenate([part.addresses for part in parts]), return_inverse=True
    )
    executions = np.zeros(addresses.size, np.int64)
    taken = np.zeros(addresses.size, np.int64)
    np.add.at(executions, inverse, np.concatenate([part.executions for part in parts]))
    np.add.at(taken, inverse, np.concatenate([part.taken for part in parts]))
    return Interval(phase, addresses, executions, taken)


def marker_addresses(elf: ElfImage) -> list[int]:
    """Return the addresses of the phase markers; raise ToolFailedError where one is missing."""
    addresses = []
    for name in MARKERS:
        symbol = elf.function(name)
        if symbol is None:
            raise ToolFailedError(f"firmware: the phase marker {name} is missing from the ELF.")
        addresses.append(symbol.address)
    return addresses


def layer_addresses(elf: ElfImage) -> list[tuple[int, int]]:
    """Return the address of every layer function, and its layer's number."""
    named = ((symbol, _LAYER.match(symbol.name)) for symbol in elf.functions)
    return sorted((symbol.address, int(match[1])) for symbol, match in named if match)


def read_counts(
    path: Path, elf: ElfImage, limit_instructions: int
) -> tuple[tuple[Interval, ...], dict[int, Interval]]:
    """Return the intervals of a counter file, and what ran in each layer.

    Raises ToolFailedError where the run was stopped.
    """
    layers = [number for _, number in layer_addresses(elf)]
    raw: list[tuple[str, npt.NDArray[np.void]]] = []
    data = path.read_bytes() if path.exists() else b""
    offset = 0
    while True:
        if offset + 8 > len(data):
            raise ToolFailedError("simulation: the execution counts are incomplete.")
        phase, entries = np.frombuffer(data, "<u4", 2, offset).tolist()
        offset += 8
        if phase == 0xFFFFFFFF:
            break
        table = np.frombuffer(data, _ENTRY, entries, offset)
        if phase < len(PHASES):
            raw.append((PHASES[phase], table))
        elif phase >= _SCOPE:
            raw.append((f"layer {layers[phase - _SCOPE]}", table))
        offset += entries * _ENTRY.itemsize
    _require_ok(
        entries, int.from_bytes(data[offset : offset + 4], "little"), elf, limit_instructions
    )
    found = _intervals(raw, elf)
    parts: dict[int, list[Interval]] = {}
    for interval in found:
        if interval.phase not in PHASES:
            parts.setdefault(int(interval.phase.split()[1]), []).append(interval)
    merged = {number: merge(some, f"layer {number}") for number, some in sorted(parts.items())}
    return tuple(i for i in found if i.phase in PHASES), merged


def _require_ok(status: int, address: int, elf: ElfImage, limit_instructions: int) -> None:
    if status == _OK:
        return
    if status == _LIMIT:
        raise ToolFailedError(
            f"simulation: stopped at {elf.describe(address)} after the limit of "
            f"{limit_instructions:,} instructions.",
            hint="The firmware may hang; if it only needs longer, raise the limit.",
        )
    if status == _STRAY:
        raise ToolFailedError(
            f"simulation: the program jumped to 0x{address:08x}, outside its code."
        )
    raise ToolFailedError("simulation: the execution counts could not be written.")


def _intervals(
    raw: Sequence[tuple[str, npt.NDArray[np.void]]], elf: ElfImage
) -> tuple[Interval, ...]:
    """Turn the derivatives of counts over halfwords into counts per instruction."""
    low, high = elf.code_range
    size = (high - low) // 2 + 1
    executed = np.zeros(size, bool)
    for _, table in raw:
        executed |= _counts(table, size) > 0
    starts = _instruction_starts(elf.read(low, high - low), executed)
    # The counter files a taken branch under the last halfword of the branching instruction.
    owner = np.searchsorted(starts, np.arange(size), side="right") - 1
    intervals = []
    for phase, table in raw:
        counts = _counts(table, size)[starts]
        taken = np.zeros(starts.size, np.int64)
        np.add.at(taken, owner[table["halfword"]], table["taken"])
        ran = counts > 0
        intervals.append(Interval(phase, low + 2 * starts[ran], counts[ran], taken[ran]))
    return tuple(intervals)


def _counts(table: npt.NDArray[np.void], size: int) -> npt.NDArray[np.int64]:
    """Executions of every halfword."""
    delta = np.zeros(size, np.int64)
    delta[table["halfword"]] = table["delta"]
    return np.cumsum(delta)


def _instruction_starts(code: bytes, executed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the halfword indices at which executed instructions start.

    A run of executed halfwords starts with an instruction (the start of a block). From there on
    lengths follow from Thumb's encoding: first halfword 0b11101, 0b11110, 0b11111 means 32 bits.
    """
    long = np.frombuffer(code, "<u2") >> 11 >= 0b11101
    starts = []
    index = 0
    while index < long.size:
        if executed[index]:
            starts.append(index)
            index += 2 if long[index] else 1
        else:
            index += 1
    return np.array(starts, np.int64)
