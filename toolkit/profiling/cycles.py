"""Cycle estimate: execution counts of a simulation times a core's instruction timing table."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class FunctionCycles:
    """What one function cost, without the functions it calls."""

    function: str
    instructions: int
    cycles: int


@dataclass(frozen=True)
class CycleEstimate:
    """Estimated cycles of an interval; ``functions`` are the costliest first."""

    phase: str
    instructions: int
    cycles: int
    functions: tuple[FunctionCycles, ...]


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

    def estimate(self, interval: Interval) -> CycleEstimate:
        """Return the cycles of an interval, in all and by function.

        A load straight behind another load overlaps with it whenever execution came from there.
        Instructions skipped by their condition count as executed.
        """
        cycles = self._cycles(interval)
        by_function: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for address, executions, spent in zip(
            interval.addresses.tolist(), interval.executions.tolist(), cycles.tolist(), strict=True
        ):
            row = by_function[self._costs[address].function]
            row[0] += executions
            row[1] += spent
        rows = (FunctionCycles(name, *pair) for name, pair in by_function.items())
        functions = tuple(sorted(rows, key=lambda row: (-row.cycles, row.function)))
        return CycleEstimate(interval.phase, interval.instructions, int(cycles.sum()), functions)

    def cycles(self, interval: Interval) -> int:
        """Return the cycles of an interval."""
        return int(self._cycles(interval).sum())

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
