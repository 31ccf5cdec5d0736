"""Execution counts of a simulation: how often each instruction ran, phase by phase.

The raw counts come from ``native/counter.c``, whose header describes the file read here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.errors import ToolFailedError
from toolkit.targets import Access
from toolkit.toolchain.elf import ElfImage

# What main.c calls at each change of phase; before the first call runs the phase "startup".
MARKERS = ("tk_phase_other", "tk_phase_features", "tk_phase_model")
PHASES = ("startup", "other", "features", "model")

# Intervals told apart; whatever runs later is summed by phase (COUNTER_INTERVALS_MAX).
INTERVALS_APART = 2048

_SCOPE = 0x10000  # COUNTER_SCOPE

_OK, _LIMIT, _STRAY = range(3)
_ENTRY = [("halfword", "<u4"), ("zero", "<u4"), ("delta", "<i8"), ("taken", "<i8")]


@dataclass(frozen=True, eq=False)
class Interval:
    """What ran between two changes of phase; arrays of one length, addresses ascending.

    ``executions[i]`` is how often the instruction at ``addresses[i]`` ran (an instruction skipped
    by its condition counts), ``taken[i]`` how often another than the next one followed it.
    ``stalls[i]`` has for each setting of the memory that was watched two columns: the cycles for
    which that instruction waited to be fetched, and for the data that it loaded.
    """

    phase: str
    addresses: npt.NDArray[np.int64]
    executions: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64]
    stalls: npt.NDArray[np.int64]

    @property
    def instructions(self) -> int:
        """Number of instructions executed."""
        return int(self.executions.sum())


def merge(intervals: Iterable[Interval], phase: str) -> Interval:
    """Return the sum of intervals, as one interval called ``phase``."""
    parts = list(intervals)
    if not parts:
        empty = np.zeros(0, np.int64)
        return Interval(phase, empty, empty, empty, np.zeros((0, 0), np.int64))
    addresses, inverse = np.unique(
        np.concatenate([part.addresses for part in parts]), return_inverse=True
    )
    executions = np.zeros(addresses.size, np.int64)
    taken = np.zeros(addresses.size, np.int64)
    np.add.at(executions, inverse, np.concatenate([part.executions for part in parts]))
    np.add.at(taken, inverse, np.concatenate([part.taken for part in parts]))
    stalls = np.zeros((addresses.size, parts[0].stalls.shape[1]), np.int64)
    np.add.at(stalls, inverse, np.concatenate([part.stalls for part in parts]))
    return Interval(phase, addresses, executions, taken, stalls)


def marker_addresses(elf: ElfImage) -> list[int]:
    """Return the addresses of the phase markers; raise ToolFailedError where one is missing."""
    addresses = []
    for name in MARKERS:
        symbol = elf.function(name)
        if symbol is None:
            raise ToolFailedError(f"firmware: the phase marker {name} is missing from the ELF.")
        addresses.append(symbol.address)
    return addresses


@dataclass(frozen=True)
class MemoryWatch:
    """A memory of code and constants whose waiting is counted, under each of its ``settings``.

    ``core_cycles`` of the instruction at an address are those of the core's table, taken branches
    (``taken_branch``) excluded; its second argument is the address of the instruction that it
    followed in a straight line, None where it did not.  ``fast`` is a range of addresses in it,
    the last one excluded, that stands for another memory and answers at once.
    """

    settings: tuple[Access, ...]
    taken_branch: int
    core_cycles: Callable[[int, int | None], int]
    fast: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Watch:
    """What a run is watched for.

    Unless it hangs, a firmware may execute at least ``limit_instructions``.  ``layers`` has the
    layer of each function that begins one: what runs from there on, until the next or a change of
    phase, is the layer's.  ``memory`` is what keeps the core waiting; None where nothing does.
    ``tell`` hears about every second how many instructions ran, where the simulator can say.
    """

    limit_instructions: int = 20_000_000_000
    layers: Mapping[str, str] = field(default_factory=dict)
    memory: MemoryWatch | None = None
    tell: Callable[[int], None] | None = None

    def addresses(self, elf: ElfImage) -> list[tuple[int, str]]:
        """The address of every layer function of a firmware, and its layer.  Compilers put a suffix
        behind a dot where they clone a function."""
        named = ((s.address, self.layers.get(s.name.partition(".")[0])) for s in elf.functions)
        return sorted((address, layer) for address, layer in named if layer is not None)


def read_counts(
    path: Path, elf: ElfImage, watch: Watch, settings: int = 0
) -> tuple[tuple[Interval, ...], dict[str, Interval]]:
    """Return the intervals of a counter file, and what ran in each layer; waiting was counted for
    that many settings of the memory.

    Raises ToolFailedError where the run was stopped.
    """
    layers = [layer for _, layer in watch.addresses(elf)]
    record = np.dtype([*_ENTRY, ("stalls", "<i8", (2 * settings,))])
    raw: list[tuple[_Scope, npt.NDArray[np.void]]] = []
    data = path.read_bytes() if path.exists() else b""
    offset = 0
    while True:
        if offset + 8 > len(data):
            raise ToolFailedError("simulation: the execution counts are incomplete.")
        phase, entries = np.frombuffer(data, "<u4", 2, offset).tolist()
        offset += 8
        if phase == 0xFFFFFFFF:
            break
        table = np.frombuffer(data, record, entries, offset)
        if phase < len(PHASES):
            raw.append((_Scope(PHASES[phase]), table))
        elif phase >= _SCOPE:
            raw.append((_Scope("model", layers[phase - _SCOPE]), table))
        offset += entries * record.itemsize
    address = int.from_bytes(data[offset : offset + 4], "little")
    _require_ok(entries, address, elf, watch.limit_instructions)
    phases: list[Interval] = []
    parts: dict[str, list[Interval]] = {}
    for scope, interval in _intervals(raw, elf):
        into = phases if scope.layer is None else parts.setdefault(scope.layer, [])
        into.append(interval)
    return tuple(phases), {layer: merge(some, "model") for layer, some in parts.items()}


class _Scope(NamedTuple):
    """What a table of the counter file is of: a phase, or a layer in it."""

    phase: str
    layer: str | None = None


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
    raw: Sequence[tuple[_Scope, npt.NDArray[np.void]]], elf: ElfImage
) -> list[tuple[_Scope, Interval]]:
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
    for scope, table in raw:
        counts = _counts(table, size)[starts]
        taken = np.zeros(starts.size, np.int64)
        np.add.at(taken, owner[table["halfword"]], table["taken"])
        stalls = np.zeros((starts.size, table["stalls"].shape[1]), np.int64)
        np.add.at(stalls, owner[table["halfword"]], table["stalls"])
        ran = counts > 0
        addresses = low + 2 * starts[ran]
        found = Interval(scope.phase, addresses, counts[ran], taken[ran], stalls[ran])
        intervals.append((scope, found))
    return intervals


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
