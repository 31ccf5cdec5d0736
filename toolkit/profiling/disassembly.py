"""Decodes single Thumb instructions of a linked ELF."""

from __future__ import annotations

from typing import Any

from toolkit.toolchain.elf import ElfImage


class Disassembler:
    """Instructions by address; each of an ELF is decoded once, whoever asks."""

    def __init__(self, elf: ElfImage) -> None:
        from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs

        self._engine = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
        self._engine.detail = True
        self._elf = elf
        self._known = elf.decoded

    def at(self, address: int) -> Any:
        """Return capstone's instruction at ``address``, or None where the bytes are none."""
        if address not in self._known:
            self._known[address] = self._decode(address)
        return self._known[address]

    def read(self, address: int, size_bytes: int) -> bytes:
        """Return the bytes at ``address``."""
        return self._elf.read(address, size_bytes)

    def _decode(self, address: int) -> Any:
        for size in (4, 2):
            try:
                data = self._elf.read(address, size)
            except ValueError:
                continue
            return next(self._engine.disasm(data, address, 1), None)
        return None
