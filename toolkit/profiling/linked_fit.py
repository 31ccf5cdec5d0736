"""How full a linked firmware makes the part: flash, RAM and stack, and with what."""

from __future__ import annotations

from toolkit.measurement import Provenance, Symbols, members
from toolkit.profiling.linked import Linked
from toolkit.profiling.size import SymbolSize
from toolkit.report.model import Fit, Part, StackFrame
from toolkit.targets import Target
from toolkit.toolchain.elf import HOT_CODE


def firmware_fits(linked: Linked, target: Target, model_symbols: Symbols) -> tuple[Fit, ...]:
    """How full a linked firmware makes the part's flash, RAM (static and stack) and stack;
    ``model_symbols`` are those that the model generates."""
    stack, interrupts = linked.stack, target.policy.interrupt_bytes
    on_stack = stack.bound_bytes + interrupts
    ram = linked.size.ram_static_bytes + on_stack
    symbols = {
        region: [
            part
            for s in linked.size.symbols
            if s.section in sections
            for part in _parts(s, model_symbols)
        ]
        for region, sections in _SECTIONS.items()
    }
    basis = f"linker map, {linked.toolchain}"
    frames = [Part(f.function, "frame", f.size_bytes) for f in stack_frames(linked)]
    allowance = Part("interrupts", "bound", interrupts)
    with_stack = [*symbols["ram"], Part("stack", "bound", stack.bound_bytes), allowance]
    return (
        _fit("flash", linked.size.flash_bytes, target.flash_bytes, basis, symbols["flash"]),
        _fit("ram", ram, target.ram_bytes, f"{basis}, and the stack bound", with_stack),
        _fit(
            "stack",
            on_stack,
            target.stack_bytes,
            "ELF: deepest call chain, and the allowance for interrupts",
            [*frames, allowance],
        ),
    )


def stack_frames(linked: Linked) -> tuple[StackFrame, ...]:
    """The call chain behind the stack bound, outermost first."""
    stack = linked.stack
    return tuple(map(StackFrame, stack.chain, stack.chain_bytes))


_SECTIONS = {
    "flash": (".text", HOT_CODE, ".rodata", ".data"),
    "ram": (".data", HOT_CODE, ".bss"),
}


def _parts(symbol: SymbolSize, model_symbols: Symbols) -> list[Part]:
    """A symbol, or the members of an object that has some, and what lies around them."""
    kind, found = _kind(symbol, model_symbols), members(model_symbols, symbol.name)
    rest = symbol.size_bytes - sum(found.values())
    parts = [Part(name, kind, size_bytes) for name, size_bytes in found.items()]
    return [*parts, Part(symbol.name, kind, rest)]


def _kind(symbol: SymbolSize, model_symbols: Symbols) -> str:
    """What a symbol holds; the model's constants are weights, tables and kernel parameters."""
    if symbol.section == ".rodata":
        return "model constants" if symbol.name in model_symbols else "constants"
    if symbol.name in model_symbols and symbol.section == ".data":
        return "model constants"
    return _KINDS.get(symbol.section, "state")


_KINDS = {".text": "code", HOT_CODE: "code", ".data": "initial values"}


def _fit(region: str, used: int, available: int, basis: str, parts: list[Part]) -> Fit:
    """A region whose parts add up: what no symbol names (padding, tables) is a part too."""
    rest = used - sum(part.size_bytes for part in parts)
    if rest > 0:
        parts = [*parts, Part("other", "other", rest)]
    ordered = sorted(parts, key=lambda part: (-part.size_bytes, part.name))
    return Fit(region, used, available, Provenance.MEASURED, basis, tuple(ordered))
