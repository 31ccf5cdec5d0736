"""Reads a linked 32-bit Arm ELF: sections, symbols, loadable bytes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from toolkit.errors import ToolFailedError

#: Code that start-up copies to RAM.
HOT_CODE = ".hot_code"


@dataclass(frozen=True)
class Section:
    """An allocated section; ``has_data`` is false for .bss-like ones, which occupy no flash."""

    name: str
    address: int
    size_bytes: int
    executable: bool
    has_data: bool


@dataclass(frozen=True)
class Symbol:
    """A named function or object; the Thumb bit is cleared from ``address``."""

    name: str
    address: int
    size_bytes: int
    is_function: bool


@dataclass(frozen=True)
class Load:
    """Bytes that a loader writes to ``load_address`` and that the code sees at ``address``."""

    address: int
    load_address: int
    data: bytes


@dataclass(frozen=True)
class ElfImage:
    """A linked firmware. ``functions`` and ``objects`` are sorted by address, aliases removed."""

    entry: int
    sections: tuple[Section, ...]
    functions: tuple[Symbol, ...]
    objects: tuple[Symbol, ...]
    loads: tuple[Load, ...]

    @cached_property
    def code_range(self) -> tuple[int, int]:
        """First address of the executable sections, and the first behind them."""
        code = [section for section in self.sections if section.executable]
        return min(s.address for s in code), max(s.address + s.size_bytes for s in code)

    @cached_property
    def hot_range(self) -> tuple[int, int]:
        """First address of the code that is copied to RAM at start-up, and the first behind it;
        equal where there is none."""
        hot = next((section for section in self.sections if section.name == HOT_CODE), None)
        return (0, 0) if hot is None else (hot.address, hot.address + hot.size_bytes)

    @cached_property
    def decoded(self) -> dict[int, Any]:
        """Instructions decoded so far, by address, for all who read its code."""
        return {}

    @cached_property
    def _starts(self) -> list[int]:
        return [symbol.address for symbol in self.functions]

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return the bytes the code sees at ``address``; raise ValueError where none are loaded."""
        for load in self.loads:
            offset = address - load.address
            if offset >= 0 and offset + size_bytes <= len(load.data):
                return load.data[offset : offset + size_bytes]
        raise ValueError(f"no {size_bytes} bytes loaded at 0x{address:08x}")

    def function_at(self, address: int) -> Symbol | None:
        """Return the function whose code holds ``address``, or None."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        symbol = self.functions[index]
        low, high = self.code_range
        if not low <= address < high:
            return None
        # Hand-written assembly may state no size: such a function ends where the next one begins.
        if symbol.size_bytes and address >= symbol.address + symbol.size_bytes:
            return None
        return symbol

    def function(self, name: str) -> Symbol | None:
        """Return the function called ``name``, or None."""
        return next((symbol for symbol in self.functions if symbol.name == name), None)

    def renamed(self, rename: Callable[[str], str]) -> ElfImage:
        """The same image where every symbol is called as ``rename`` says."""
        functions, objects = (
            tuple(replace(symbol, name=rename(symbol.name)) for symbol in symbols)
            for symbols in (self.functions, self.objects)
        )
        return replace(self, functions=functions, objects=objects)

    def describe(self, address: int) -> str:
        """Return ``0x000001a4 in model_invoke`` for messages."""
        symbol = self.function_at(address)
        where = f" in {symbol.name}" if symbol else ""
        return f"0x{address:08x}{where}"


def read_elf(path: Path) -> ElfImage:
    """Read a linked ELF. Raises ToolFailedError where the file is no such thing."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            sections = tuple(
                Section(
                    name=section.name,
                    address=section["sh_addr"],
                    size_bytes=section["sh_size"],
                    executable=bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR),
                    has_data=section["sh_type"] != "SHT_NOBITS",
                )
                for section in elf.iter_sections()
                if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_size"]
            )
            loads = tuple(
                Load(segment["p_vaddr"], segment["p_paddr"], segment.data())
                for segment in elf.iter_segments()
                if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
            )
            table = elf.get_section_by_name(".symtab")
            symbols = [] if table is None else list(table.iter_symbols())
            functions = _symbols(symbols, "STT_FUNC")
            objects = _symbols(symbols, "STT_OBJECT")
            return ElfImage(elf["e_entry"] & ~1, sections, functions, objects, loads)
    except (ELFError, OSError, UnicodeDecodeError) as error:
        raise ToolFailedError(f"{path.name}: not a readable ELF file ({error}).") from error


def _symbols(symbols: list[object], kind: str) -> tuple[Symbol, ...]:
    """Return one symbol an address: global before local, plain before dotted names."""
    best: dict[int, tuple[tuple[bool, bool, str], Symbol]] = {}
    for raw in symbols:
        info = raw["st_info"]  # type: ignore[index]
        if info["type"] != kind or raw["st_shndx"] == "SHN_UNDEF":  # type: ignore[index]
            continue
        name: str = raw.name  # type: ignore[attr-defined]
        value: int = raw["st_value"]  # type: ignore[index]
        address = value & ~1 if kind == "STT_FUNC" else value
        rank = (info["bind"] == "STB_LOCAL", "." in name, name)
        symbol = Symbol(name, address, raw["st_size"], kind == "STT_FUNC")  # type: ignore[index]
        if address not in best or rank < best[address][0]:
            best[address] = (rank, symbol)
    return tuple(best[address][1] for address in sorted(best))
