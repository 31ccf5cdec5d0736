"""How full a linked firmware makes the part: flash, RAM and stack, and with what."""

from __future__ import annotations

from collections.abc import Iterable

from toolkit.execution import FirmwareFacts
from toolkit.measurement import Check, Provenance
from toolkit.profiling.size import SymbolSize
from toolkit.report.model import Fit, Part, StackFrame
from toolkit.targets import Target


def firmware_fits(facts: FirmwareFacts, target: Target) -> tuple[Fit, ...]:
    """How full a linked firmware makes the part's flash, RAM (static and stack) and stack."""
    stack = facts.stack
    ram = facts.size.ram_static_bytes + stack.bound_bytes
    symbols = {
        region: [
            Part(s.name, _kind(s), s.size_bytes)
            for s in facts.size.symbols
            if s.section in sections
        ]
        for region, sections in _SECTIONS.items()
    }
    linked = f"linker map, {facts.toolchain}"
    frames = [Part(f.function, "frame", f.size_bytes) for f in stack_frames(facts)]
    with_stack = [*symbols["ram"], Part("stack", "bound", stack.bound_bytes)]
    return (
        _fit("flash", facts.size.flash_bytes, target.flash_bytes, linked, symbols["flash"]),
        _fit("ram", ram, target.ram_bytes, f"{linked}, and the stack bound", with_stack),
        _fit("stack", stack.bound_bytes, target.stack_bytes, "ELF: deepest call chain", frames),
    )


def stack_frames(facts: FirmwareFacts) -> tuple[StackFrame, ...]:
    """The call chain behind the stack bound, outermost first."""
    stack = facts.stack
    return tuple(map(StackFrame, stack.chain, stack.chain_bytes))


def fit_checks(fits: Iterable[Fit], target: Target) -> list[Check]:
    """Whether the firmware fits the part; informative, the simulated board is roomier."""
    return [
        Check(
            f"fits_{fit.region}",
            fit.holds,
            f"{_WORDS[fit.region]} {fit.used_bytes:,} B of {fit.available_bytes:,} B on "
            f"{target.name}: {'fits' if fit.holds else 'does not fit'}",
            required=False,
        )
        for fit in fits
    ]


_SECTIONS = {"flash": (".text", ".rodata", ".data"), "ram": (".data", ".bss")}
_WORDS = {"flash": "flash", "ram": "static RAM and stack", "stack": "stack bound"}


def _kind(symbol: SymbolSize) -> str:
    """What a symbol holds; the model's constants are weights, tables and kernel parameters."""
    if symbol.section == ".rodata":
        return "model constants" if symbol.name.startswith("model_") else "constants"
    return {".text": "code", ".data": "initial values"}.get(symbol.section, "state")


def _fit(region: str, used: int, available: int, basis: str, parts: list[Part]) -> Fit:
    """A region whose parts add up: what no symbol names (padding, tables) is a part too."""
    rest = used - sum(part.size_bytes for part in parts)
    if rest > 0:
        parts = [*parts, Part("other", "other", rest)]
    ordered = sorted(parts, key=lambda part: (-part.size_bytes, part.name))
    return Fit(region, used, available, Provenance.MEASURED, basis, tuple(ordered))
