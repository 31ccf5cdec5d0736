"""Follows one Thumb function along all paths: its stack depth, and what it calls at which depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.profiling.disassembly import Disassembler

_DEEPEST_BYTES = 1 << 24  # a push in a loop would never come to rest


@dataclass(frozen=True)
class Frame:
    """One function: its deepest own stack, and (depth, callee address) of calls and tail calls.

    ``returns`` is false where no path leads back to the caller, ``indirect`` is true where a call
    or jump goes through a pointer, ``dynamic`` where the stack pointer is set to the unknown.
    """

    size_bytes: int
    calls: frozenset[tuple[int, int]]
    returns: bool
    indirect: bool
    dynamic: bool


@dataclass(frozen=True)
class _State:
    """Stack depth in bytes, and the depths that other registers point at."""

    depth: int
    copies: Mapping[int, int]


@dataclass
class _Findings:
    deepest: int = 0
    calls: set[tuple[int, int]] = field(default_factory=set)
    returns: bool = False
    indirect: bool = False
    dynamic: bool = False


def analyse_function(
    code: Disassembler, entry: int, entries: frozenset[int], returns: Callable[[int], bool]
) -> Frame:
    """Return the frame of the function at ``entry``.

    A jump to one of ``entries`` is a tail call. ``returns`` tells of a callee whether it returns:
    behind a call that does not, compilers put other functions or data.
    """
    found = _Findings()
    states: dict[int, _State] = {}
    conditional: set[int] = set()
    work = [(entry, _State(0, {}))]
    while work:
        address, state = work.pop()
        if address != entry and address in entries:
            found.calls.add((state.depth, address))
            found.returns |= returns(address)
            continue
        joined = _join(states.get(address), state)
        if joined == states.get(address):
            continue
        states[address] = joined
        if joined.depth > _DEEPEST_BYTES:
            found.dynamic = True
            continue
        instruction = code.at(address)
        if instruction is None:
            found.indirect = True
            continue
        if instruction.insn_name() == "it":
            conditional.update(_conditional(code, instruction))
        after = _effect(instruction, joined, found)
        found.deepest = max(found.deepest, after.depth)
        following = _successors(code, instruction, joined, found, returns)
        work.extend((to, after) for to in following)
        if address in conditional:
            work.append((address + instruction.size, joined))
    return Frame(
        size_bytes=found.deepest,
        calls=frozenset(found.calls),
        returns=found.returns,
        indirect=found.indirect,
        dynamic=found.dynamic,
    )


def _join(old: _State | None, new: _State) -> _State:
    """Return what holds on both paths: the deeper stack, the copies they agree on."""
    if old is None:
        return new
    copies = {r: d for r, d in old.copies.items() if new.copies.get(r) == d}
    return _State(max(old.depth, new.depth), copies)


def _conditional(code: Disassembler, it: Any) -> list[int]:
    """Return the addresses of the instructions that an IT instruction makes conditional."""
    addresses = []
    address = it.address + it.size
    for _ in range(len(it.mnemonic) - 1):
        addresses.append(address)
        instruction = code.at(address)
        address += instruction.size if instruction else 2
    return addresses


def _effect(instruction: Any, state: _State, found: _Findings) -> _State:
    """Return the state after an instruction."""
    from capstone.arm import ARM_OP_IMM, ARM_OP_MEM, ARM_OP_REG, ARM_REG_SP

    name = instruction.insn_name()
    operands = instruction.operands
    registers = [op.reg for op in operands if op.type == ARM_OP_REG]
    if name in ("bl", "blx"):
        return _State(state.depth, _without(state.copies, _caller_saved()))
    written = set(instruction.regs_access()[1])
    copies = _without(state.copies, written)
    # Capstone does not say that vpush and vpop of single registers move the stack pointer.
    if ARM_REG_SP not in written and name not in ("vpush", "vpop"):
        depth = _address(instruction, state)
        if depth is not None and len(registers) >= 1:
            copies[registers[0]] = depth
        return _State(state.depth, copies)

    moved = registers if name in ("push", "pop", "vpush", "vpop") else registers[1:]
    size = sum(8 if instruction.reg_name(r).startswith("d") else 4 for r in moved)
    memory = next((op.mem for op in operands if op.type == ARM_OP_MEM), None)
    if name in ("push", "vpush", "stmdb", "vstmdb"):
        return _State(state.depth + size, copies)
    if name in ("pop", "vpop", "ldm", "vldmia"):
        return _State(state.depth - size, copies)
    if memory is not None and memory.base == ARM_REG_SP:  # str r0, [sp, #-8]! or ldr pc, [sp], #4
        step = memory.disp
        if step == 0:
            step = next((op.imm for op in operands if op.type == ARM_OP_IMM), 0)
        return _State(state.depth - step, copies)
    depth = _address(instruction, state)
    if depth is None:
        found.dynamic = True
        return _State(state.depth, copies)
    return _State(depth, copies)


def _address(instruction: Any, state: _State) -> int | None:
    """Return the depth that the result of a move, addition or subtraction points at, or None."""
    from capstone.arm import ARM_OP_IMM, ARM_OP_REG, ARM_REG_SP

    name = instruction.insn_name()
    registers = [op.reg for op in instruction.operands if op.type == ARM_OP_REG]
    values = [int(op.imm) for op in instruction.operands if op.type == ARM_OP_IMM]
    known = {**state.copies, ARM_REG_SP: state.depth}
    if not registers or len(registers) > 2 or registers[-1] not in known:
        return None
    depth = known[registers[-1]]
    if name == "mov" and len(registers) == 2:
        return depth
    if name in ("add", "addw") and len(values) == 1:
        return depth - values[0]
    if name in ("sub", "subw") and len(values) == 1:
        return depth + values[0]
    if name == "bic" and len(values) == 1:  # rounding down to an alignment, at worst this much
        return depth + values[0]
    if name == "bfc" and len(values) == 2 and values[0] == 0:
        return depth + (1 << values[1]) - 1
    return None


def _successors(
    code: Disassembler,
    instruction: Any,
    state: _State,
    found: _Findings,
    returns: Callable[[int], bool],
) -> list[int]:
    """Return where execution may go on in the function; note calls and unknown jumps."""
    from capstone.arm import ARM_CC_AL, ARM_OP_IMM, ARM_REG_LR, ARM_REG_PC

    name = instruction.insn_name()
    after = instruction.address + instruction.size
    target = next((int(op.imm) for op in instruction.operands if op.type == ARM_OP_IMM), 0)
    if name == "bl":
        found.calls.add((state.depth, target))
        return [after] if returns(target) else []
    if name == "blx":
        found.indirect = True
        return [after]
    if name == "b":
        return [target] if instruction.cc == ARM_CC_AL else [target, after]
    if name in ("cbz", "cbnz"):
        return [target, after]
    if name == "bx":
        found.returns = True
        found.indirect |= instruction.operands[0].reg != ARM_REG_LR
        return []
    if name in ("tbb", "tbh"):
        return _table(code, instruction)
    if name in ("udf", "trap"):  # capstone calls udf #254, which clang traps with, trap
        return []
    if ARM_REG_PC in instruction.regs_access()[1]:
        found.returns = True
        found.indirect |= not _is_return(instruction)
        return []
    return [after]


def _table(code: Disassembler, instruction: Any) -> list[int]:
    """Return the targets of a table branch; the table ends where the first target begins."""
    size = 1 if instruction.insn_name() == "tbb" else 2
    base = instruction.address + instruction.size
    targets: list[int] = []
    position = base
    while not targets or position < min(targets):
        targets.append(base + 2 * int.from_bytes(code.read(position, size), "little"))
        position += size
    return targets


def _is_return(instruction: Any) -> bool:
    from capstone.arm import ARM_OP_MEM, ARM_OP_REG, ARM_REG_LR, ARM_REG_SP

    if instruction.insn_name() in ("pop", "ldm"):
        return True
    if instruction.insn_name() == "mov":
        source = instruction.operands[1]
        return bool(source.type == ARM_OP_REG and source.reg == ARM_REG_LR)
    return any(op.type == ARM_OP_MEM and op.mem.base == ARM_REG_SP for op in instruction.operands)


def _without(copies: Mapping[int, int], written: set[int]) -> dict[int, int]:
    return {register: depth for register, depth in copies.items() if register not in written}


def _caller_saved() -> set[int]:
    from capstone import arm

    return {arm.ARM_REG_R0, arm.ARM_REG_R1, arm.ARM_REG_R2, arm.ARM_REG_R3, arm.ARM_REG_R12}
