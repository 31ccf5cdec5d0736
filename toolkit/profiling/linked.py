"""What the ELF and the map of a linked firmware say."""

from __future__ import annotations

from dataclasses import dataclass

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


def read_linked(binaries: Binaries, compiler: Toolchain) -> Linked:
    """Read what ``compiler`` linked; ToolFailedError where ELF and map contradict each other."""
    elf = read_elf(binaries.elf)
    size = measure_size(elf, binaries.map.read_text(encoding="utf-8"))
    return Linked(binaries, elf, size, bound_stack(elf), compiler.name)
