"""What the ELF and the map of a linked firmware say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from toolkit.emit.naming import untagged
from toolkit.errors import ToolFailedError
from toolkit.profiling.size import SizeReport, measure_size
from toolkit.profiling.stack import StackBound, bound_stack
from toolkit.toolchain import Binaries, Toolchain
from toolkit.toolchain.elf import ElfImage, read_elf


@dataclass(frozen=True, eq=False)
class Linked:
    """A linked firmware: its files, image, sizes and stack bound; ``compiler`` is a key of
    ``TOOLCHAINS``."""

    binaries: Binaries
    elf: ElfImage
    size: SizeReport
    stack: StackBound
    compiler: str

    @property
    def toolchain(self) -> str:
        """The compiler with its version."""
        return self.binaries.toolchain

    @property
    def is_there(self) -> bool:
        """Whether its ELF lies where it was linked, and is still the same."""
        try:
            return read_elf(self.binaries.elf).loads == self.elf.loads
        except ToolFailedError:
            return False

    def moved(self, folder: Path) -> Linked:
        """The same after its files have moved to ``folder``."""
        return replace(self, binaries=self.binaries.moved(folder))


def read_linked(binaries: Binaries, compiler: Toolchain) -> Linked:
    """Read what ``compiler`` linked; ToolFailedError where ELF and map contradict each other."""
    elf = read_elf(binaries.elf).renamed(untagged)
    size = measure_size(elf, binaries.map.read_text(encoding="utf-8"))
    return Linked(binaries, elf, size, bound_stack(elf), compiler.name)
