"""Cycles of a simulation: execution counts times a core's instruction timing table, and what the
instructions waited for memory.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.errors import ToolFailedError
from toolkit.profiling.disassembly import Disassembler
from toolkit.simulate.counts import Interval
from toolkit.targets import Target, targets_dir
from toolkit.toolchain.elf import ElfImage


@dataclass(frozen=True)
class CycleTable:
    """Timing of a core in cycles; see the comments in ``cycles.toml``."""

    core: str
    basis: str
    taken_branch: int
    default: int
    loads: frozenset[str]
    load_first: int
    load_next: int
    transfers: frozenset[str]
    transfer_base: int
    fixed: Mapping[str, int]


class Stalls(NamedTuple):
    """Cycles spent waiting for memory: to fetch instructions, and for the data that they load."""

    instruction: int = 0
    data: int = 0

    @property
    def cycles(self) -> int:
        return self.instruction + self.data


NO_STALLS = Stalls()


@dataclass(frozen=True)
class FunctionCycles:
    """What one function cost, without the functions it calls; ``cycles`` include ``stalls``."""

    function: str
    instructions: int
    cycles: int
    stalls: Stalls = NO_STALLS


@dataclass(frozen=True)
class CycleEstimate:
    """Cycles of an interval, ``stalls`` included; ``functions`` are the costliest first."""

    phase: str
    instructions: int
    cycles: int
    functions: tuple[FunctionCycles, ...]
    stalls: Stalls = NO_STALLS


def load_cycle_table(target: Target) -> CycleTable:
    """Return the timing table that a target names."""
    path = targets_dir() / target.core.name / "cycles.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return CycleTable(
        core=table["core"],
        basis=table["basis"],
        taken_branch=table["taken_branch"],
        default=table["default"],
        loads=frozenset(table["load"]["instructions"]),
        load_first=table["load"]["first"],
        load_next=table["load"]["next"],
        transfers=frozenset(table["transfer"]["instructions"]),
        transfer_base=table["transfer"]["base"],
        fixed=dict(table["fixed"]),
    )


@dataclass(frozen=True)
class _Cost:
    """What is known of one instruction before it runs."""

    cycles: int
    size_bytes: int
    is_load: bool
    function: str


class CycleModel:
    """Estimates cycles of one firmware's intervals; instructions are decoded once."""

    def __init__(self, elf: ElfImage, table: CycleTable) -> None:
        self.table = table
        self._elf = elf
        self._code = Disassembler(elf)
        self._costs: dict[int, _Cost] = {}
        low, high = elf.code_range
        # By halfword: static cycles, -1 where not looked up yet; size of a load, 0 for the rest.
        self._static = np.full((high - low) // 2 + 1, -1, np.int64)
        self._load_bytes = np.zeros((high - low) // 2 + 1, np.int64)
        self._overlaps: dict[int, bool] = {}

    def basis(self, simulator: str) -> str:
        """Return how a figure came about, for a report."""
        return f"{simulator} instruction counts x {self.table.core} table ({self.table.basis})"

    def estimate(self, interval: Interval, setting: int | None = None) -> CycleEstimate:
        """Return the cycles of an interval, in all and by function; those of the core, and what it
        waited under a setting of the memory that was watched.

        A load straight behind another load overlaps with it whenever execution came from there.
        Instructions skipped by their condition count as executed.
        """
        waited = _waited(interval, setting)
        columns = np.column_stack((interval.executions, self._cycles(interval), waited))
        by_function: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for address, row in zip(interval.addresses.tolist(), columns.tolist(), strict=True):
            total = by_function[self._costs[address].function]
            total[:] = map(sum, zip(total, row, strict=True))
        rows = (FunctionCycles(name, *_with_stalls(*total)) for name, total in by_function.items())
        functions = tuple(sorted(rows, key=lambda row: (-row.cycles, row.function)))
        instructions, cycles, stalls = _with_stalls(*columns.sum(axis=0).tolist())
        return CycleEstimate(interval.phase, instructions, cycles, functions, stalls)

    def cycles(self, interval: Interval, setting: int | None = None) -> int:
        """Return the cycles of an interval, as `estimate` has them in all."""
        return int(self._cycles(interval).sum() + _waited(interval, setting).sum())

    def stalls(self, interval: Interval, setting: int | None) -> Stalls:
        """Return what the core waited in an interval, under a setting of the memory."""
        return Stalls(*_waited(interval, setting).sum(axis=0).tolist())

    def core_cycles(self, address: int, previous: int | None) -> int:
        """Return the core's cycles of the instruction at ``address``, taken branches excluded;
        ``previous`` is the address of the one that it followed in a straight line, if it did."""
        cost = self._cost(address)
        if previous is None or not (cost.is_load and self._cost(previous).is_load):
            return cost.cycles
        saved = self.table.load_first - self.table.load_next
        return cost.cycles - (saved if self._overlap(previous, address) else 0)

    def _cycles(self, interval: Interval) -> npt.NDArray[np.int64]:
        """Return cycles spent at each address of an interval."""
        table, addresses = self.table, interval.addresses
        at = (addresses - self._elf.code_range[0]) // 2
        for index in at[self._static[at] < 0].tolist():
            cost = self._cost(self._elf.code_range[0] + 2 * index)
            self._static[index] = cost.cycles
            self._load_bytes[index] = cost.size_bytes if cost.is_load else 0
        cycles = self._static[at] * interval.executions + table.taken_branch * interval.taken
        size = self._load_bytes[at]
        follows = (size[:-1] > 0) & (size[1:] > 0) & (addresses[:-1] + size[:-1] == addresses[1:])
        pairs = np.flatnonzero(follows) + 1
        both = addresses[pairs - 1].tolist(), addresses[pairs].tolist()
        overlaps = [self._overlap(*pair) for pair in zip(*both, strict=True)]
        second = pairs[np.array(overlaps, bool)]
        flowed = interval.executions[second - 1] - interval.taken[second - 1]
        cycles[second] -= (table.load_first - table.load_next) * flowed
        return cycles

    def _cost(self, address: int) -> _Cost:
        if address not in self._costs:
            self._costs[address] = self._new_cost(address)
        return self._costs[address]

    def _new_cost(self, address: int) -> _Cost:
        symbol = self._elf.function_at(address)
        name = symbol.name if symbol else "?"
        instruction = self._code.at(address)
        if instruction is None:
            raise ToolFailedError(f"cycle model: no instruction at {self._elf.describe(address)}.")
        is_load = instruction.insn_name() in self.table.loads
        cycles = _static_cycles(instruction, self.table)
        return _Cost(cycles, instruction.size, is_load, name)

    def _overlap(self, first_address: int, second_address: int) -> bool:
        """Tell whether a load can overlap with the load straight before it."""
        if second_address not in self._overlaps:
            written = set(self._code.at(first_address).regs_access()[1])
            used = _address_registers(self._code.at(second_address))
            self._overlaps[second_address] = not written & used
        return self._overlaps[second_address]


def _waited(interval: Interval, setting: int | None) -> npt.NDArray[np.int64]:
    """Stalls at each address: two columns, of instructions and of data."""
    if setting is None or not interval.addresses.size:
        return np.zeros((interval.addresses.size, 2), np.int64)
    return interval.stalls[:, 2 * setting : 2 * setting + 2]


def _with_stalls(
    instructions: int, core: int, instruction: int, data: int
) -> tuple[int, int, Stalls]:
    return instructions, core + instruction + data, Stalls(instruction, data)


def _static_cycles(instruction: Any, table: CycleTable) -> int:
    name = instruction.insn_name()
    if name in table.loads:
        return table.load_first
    if name in table.transfers:
        return table.transfer_base + _words(instruction)
    return table.fixed.get(name, table.default)


def _words(instruction: Any) -> int:
    """Return how many 32-bit words a load or store of registers moves."""
    from capstone.arm import ARM_OP_REG

    registers = [op.reg for op in instruction.operands if op.type == ARM_OP_REG]
    if instruction.insn_name() in (
        "ldm",
        "ldmdb",
        "stm",
        "stmdb",
        "vldmia",
        "vldmdb",
        "vstmia",
        "vstmdb",
    ):
        registers = registers[1:]  # the first one holds the address
    return sum(2 if instruction.reg_name(r).startswith("d") else 1 for r in registers)


def _address_registers(instruction: Any) -> set[int]:
    from capstone.arm import ARM_OP_MEM

    memory = (op.mem for op in instruction.operands if op.type == ARM_OP_MEM)
    return {register for m in memory for register in (m.base, m.index) if register}
