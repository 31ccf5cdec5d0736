"""Flash and static RAM of a linked firmware, and where they go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.errors import ToolFailedError
from toolkit.toolchain.elf import HOT_CODE, ElfImage, Section

_STACK = ".stack"
_HARNESS = ".harness_bss"


@dataclass(frozen=True)
class SymbolSize:
    """Bytes of one function or object."""

    name: str
    section: str
    size_bytes: int


@dataclass(frozen=True)
class SizeReport:
    """Sizes in bytes.

    ``flash_bytes`` is the image as it is programmed; ``ram_static_bytes`` is .data, .bss and the
    code that is copied to RAM, neither the stack's reservation nor the test harness' buffers.
    ``symbols`` are the largest first.
    """

    flash_bytes: int
    ram_static_bytes: int
    stack_reserved_bytes: int
    harness_bytes: int
    sections: Mapping[str, int]
    symbols: tuple[SymbolSize, ...]


def measure_size(elf: ElfImage, map_text: str) -> SizeReport:
    """Return a firmware's sizes, after checking them against the linker's map.

    Raises ToolFailedError where the map states another size for a section of the ELF.
    """
    sections = {section.name: section.size_bytes for section in elf.sections}
    mapped = map_sections(map_text)
    for name, size_bytes in sections.items():
        if mapped.get(name) != size_bytes:
            raise ToolFailedError(
                f"linker map: section {name} has {mapped.get(name)} B, the ELF {size_bytes} B."
            )
    begin = min(load.load_address for load in elf.loads)
    end = max(load.load_address + len(load.data) for load in elf.loads)
    ram = sum(
        section.size_bytes
        for section in elf.sections
        if section.name not in (_STACK, _HARNESS)
        and (section.name == HOT_CODE or _is_ram(section, elf))
    )
    return SizeReport(
        flash_bytes=end - begin,
        ram_static_bytes=ram,
        stack_reserved_bytes=sections.get(_STACK, 0),
        harness_bytes=sections.get(_HARNESS, 0),
        sections=sections,
        symbols=_symbols(elf),
    )


def map_sections(map_text: str) -> dict[str, int]:
    """Return the sizes of output sections stated by a map of GNU ld or of lld."""
    if "Memory Configuration" in map_text:
        lines = map_text.partition("Linker script and memory map")[2]
        found = re.findall(r"^(\.[\w.]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", lines, re.MULTILINE)
    else:
        pattern = r"^\s*[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+ (\.[\w.]+)$"
        found = [(name, size) for size, name in re.findall(pattern, map_text, re.MULTILINE)]
    return {name: int(size, 16) for name, size in found}


def _is_ram(section: Section, elf: ElfImage) -> bool:
    """Tell whether a section's address lies elsewhere than where it is programmed."""
    if not section.has_data:
        return True
    return any(
        load.address != load.load_address and 0 <= section.address - load.address < len(load.data)
        for load in elf.loads
    )


def _symbols(elf: ElfImage) -> tuple[SymbolSize, ...]:
    rows = []
    seen = set()
    for symbol in (*elf.functions, *elf.objects):
        if symbol.address in seen:  # another name of the same thing
            continue
        section = next(
            (s for s in elf.sections if 0 <= symbol.address - s.address < s.size_bytes), None
        )
        if section is not None and symbol.size_bytes:
            seen.add(symbol.address)
            rows.append(SymbolSize(symbol.name, section.name, symbol.size_bytes))
    return tuple(sorted(rows, key=lambda row: (-row.size_bytes, row.name)))
