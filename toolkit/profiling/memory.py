"""Time that a part's memory adds to its core's: what is watched, and how it is told.

Simulated: the addresses that a firmware fetches and loads, through the part's caches and prefetch
(``native/memory.c``).  A bare core's memory answers at once.
"""

from __future__ import annotations

from toolkit.measurement import Issue
from toolkit.profiling.cycles import CycleModel, load_cycle_table
from toolkit.simulate import MemoryWatch, SimulationResult
from toolkit.targets import Target
from toolkit.toolchain.elf import ElfImage


def memory_watch(elf: ElfImage, target: Target) -> MemoryWatch | None:
    """What a run of a firmware must be watched for; None where the target's memory never waits."""
    if target.is_zero_wait:
        return None
    model = CycleModel(elf, load_cycle_table(target))
    return MemoryWatch(
        target.code_settings, model.table.taken_branch, model.core_cycles, elf.hot_range
    )


def memory_basis(result: SimulationResult, target: Target, setting: int | None) -> str:
    """How memory enters the cycles of a run, ``setting`` being the one that they are of."""
    if target.is_zero_wait:
        return "zero-wait memory"
    if setting is None:
        return f"core alone: {result.simulator} does not trace the memory of {target.name}"
    return f"memory model of {target.name}: {result.memory[setting]}"


def rates_words(target: Target, kind: str = "rates") -> str:
    """The rates that an estimate multiplies with, and how memory enters them."""
    if target.is_zero_wait:
        return f"{target.core.name} {kind}, zero-wait memory"
    if target.rates_know_memory:
        return f"{target.name} {kind}, fitted to simulations with its memory"
    return f"{target.core.name} {kind}, core alone"


def _moved(target: Target) -> str:
    """What lies in RAM that would lie in flash."""
    code = "" if target.policy.hot_code is None else f"hot code in {target.policy.hot_code}"
    weights = f"weights in {target.policy.data}" if target.policy.ram_weights else ""
    return ", ".join(filter(None, (code, weights)))


def memory_issue(target: Target, traced: bool) -> Issue:
    """What a reader of a time must know of the memory behind it."""
    if target.is_zero_wait:
        text = (
            f"times are the core's alone: {target.name} has zero-wait memory, a part's flash waits"
            if not target.real_time
            else f"the memory of {target.name} answers at once, by its definition"
        )
        return Issue("time.zero_wait", text)
    if not traced:
        text = (
            f"cycles leave out the memory of {target.name} "
            f"({target.memory(target.policy.code).wait_states} wait states, which caches and "
            "prefetch hide in part): Unicorn traces it"
        )
        return Issue("time.core_alone", text)
    settings = target.code_settings
    moved = _moved(target)
    text = f"cycles include the memory of {target.name}: {settings[0]}"
    if len(settings) > 1:
        text = (
            f"cycles include the memory of {target.name} under the slowest of {len(settings)} "
            f"settings: {'; '.join(map(str, settings))}"
        )
    text += f"; {moved}" if moved else ""
    return Issue("time.memory", text)
