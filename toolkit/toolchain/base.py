"""What all toolchains share: the project's file convention, flags, and the ELF's derivatives."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from toolkit.emit.project import DEVICE_ONLY, HOST_ONLY
from toolkit.errors import InputError, ToolFailedError
from toolkit.targets import Target

# No floating contraction: host, target and both compilers must give the same bits (contract C4).
LANGUAGE_FLAGS = (
    "-std=c99",
    "-O3",
    "-ffp-contract=off",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
    "-Wcast-align",
    "-Wstrict-prototypes",
    "-Werror",
)
# TK_MAY_USE_R9: no target gives r9 another use (firmware_templates/kernels/tk_compiler.h).
DEVICE_FLAGS = (
    "-DTK_MAY_USE_R9=1",
    "-ffreestanding",
    "-fomit-frame-pointer",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
)

#: The folder of a project whose sources are of another program: the application of a board.
BOARD_FOLDER = "board"


@dataclass(frozen=True)
class Binaries:
    """A linked firmware; ``command`` is one command line that builds the ELF in its project."""

    elf: Path
    bin: Path
    hex: Path
    map: Path
    command: tuple[str, ...]
    toolchain: str

    def moved(self, folder: Path) -> Binaries:
        """The same files in another folder."""
        elf, image, hexadecimal, link_map = (
            folder / path.name for path in (self.elf, self.bin, self.hex, self.map)
        )
        return replace(self, elf=elf, bin=image, hex=hexadecimal, map=link_map)


class Toolchain(Protocol):
    """A compiler for targets and for the workstation."""

    @property
    def name(self) -> str:
        """Short name: ``zig`` or ``gcc``."""

    @property
    def version(self) -> str:
        """The compiler's own version."""

    def compile(
        self,
        project_dir: Path,
        sources: Sequence[str],
        target: Target,
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Binaries:
        """Build ``sources`` (paths relative to ``project_dir``) and link with its linker script.

        Same inputs give the same bytes, wherever ``project_dir`` and ``out_dir`` are.
        Raises ToolFailedError where the compiler refuses, InputError where memory does not suffice.
        """

    def compile_host(
        self,
        project_dir: Path,
        sources: Sequence[str],
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Path:
        """Build ``sources`` for this workstation; return the program ``out_dir/firmware_host``."""


def _sources(project_dir: Path, without: frozenset[str]) -> tuple[str, ...]:
    paths = [path.relative_to(project_dir) for path in project_dir.rglob("*.c")]
    own = (path for path in paths if path.parts[0] != BOARD_FOLDER and path.name not in without)
    return tuple(sorted(path.as_posix() for path in own))


def include_flags(project_dir: Path) -> list[str]:
    """Return ``-I`` for every folder of a project that holds headers, relative, sorted."""
    folders = {path.parent.relative_to(project_dir).as_posix() for path in project_dir.rglob("*.h")}
    return [f"-I{folder}" for folder in sorted(folders)]


def linker_script(project_dir: Path) -> str:
    """Return the path of a project's linker script, relative to it."""
    nested = "harness/linker.ld"
    return nested if (project_dir / nested).is_file() else "linker.ld"


def device_sources(project_dir: Path) -> tuple[str, ...]:
    """Return every C file of a project that the target firmware is made of, relative, sorted."""
    return _sources(project_dir, HOST_ONLY)


def host_sources(project_dir: Path) -> tuple[str, ...]:
    """Return every C file of a project that the workstation program is made of."""
    return _sources(project_dir, DEVICE_ONLY)


def define_flags(defines: Mapping[str, str | int]) -> list[str]:
    """Return ``-Dname=value`` flags, sorted by name."""
    return [f"-D{name}={value}" for name, value in sorted(defines.items())]


def run_compiler(
    command: Sequence[str], cwd: Path, name: str, env: Mapping[str, str] | None = None
) -> str:
    """Run a compiler, return its stdout; raise a typed one-line error where it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    overflow = next((line for line in lines if "overflowed" in line), None)
    if overflow is not None:
        raise InputError(
            f"the firmware does not fit the simulated board's memory ({overflow}).",
            hint="Use a shorter clip or a smaller model.",
        )
    errors = [line for line in lines if re.search(r"\b(error|undefined)\b", line)]
    reason = (errors or lines or [f"exit status {done.returncode}"])[0]
    raise ToolFailedError(f"{name} failed: {reason}")


def finish(elf: Path, map_text: str, command: Sequence[str], toolchain: str) -> Binaries:
    """Write ``.bin``, ``.hex`` and ``.map`` beside a linked ``.elf``."""
    from intelhex import IntelHex

    from toolkit.toolchain.elf import read_elf

    image = IntelHex()
    for load in read_elf(elf).loads:
        image.frombytes(load.data, offset=load.load_address)
    paths = {suffix: elf.with_suffix(suffix) for suffix in (".bin", ".hex", ".map")}
    image.tobinfile(str(paths[".bin"]))
    image.write_hex_file(str(paths[".hex"]))
    paths[".map"].write_text(map_text, encoding="utf-8")
    return Binaries(
        elf=elf,
        bin=paths[".bin"],
        hex=paths[".hex"],
        map=paths[".map"],
        command=tuple(command),
        toolchain=toolchain,
    )
