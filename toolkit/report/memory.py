"""What a time says of the memory behind it, in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.measurement import Measurement, Provenance
from toolkit.targets import Target


def memory_words(
    measurements: Iterable[Measurement], target: Target, provenance: Provenance
) -> str:
    """Whether the cycles of that provenance have the target's memory in them, and how much."""
    if target.is_zero_wait:
        return "zero-wait memory"
    found = {m.name: m.value for m in measurements if m.provenance is provenance}
    core = found.get("core_cycles_per_inference")
    if core:
        waiting = found["stall_cycles_instruction"] + found["stall_cycles_data"]
        return f"memory included ({100 * waiting / core:+.0f} %)"
    if provenance is Provenance.ESTIMATED and target.rates_know_memory:
        return "memory included"
    return f"core alone: the memory of {target.name} is left out"
