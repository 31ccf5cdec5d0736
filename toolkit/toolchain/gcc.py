"""GNU toolchain: ``arm-none-eabi-gcc`` for targets, ``gcc`` for the workstation."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ToolMissingError
from toolkit.targets import Target
from toolkit.toolchain.base import (
    DEVICE_FLAGS,
    LANGUAGE_FLAGS,
    Binaries,
    define_flags,
    finish,
    include_flags,
    linker_script,
    run_compiler,
)
from toolkit.toolchain.objects import compile_objects

_COMPILER = "arm-none-eabi-gcc"
_LINK_FLAGS = ("-nostdlib", "-Wl,--gc-sections")


@dataclass(frozen=True)
class GccToolchain:
    """``arm-none-eabi-gcc`` found on the path; no C library is used, only libgcc."""

    version: str
    name: str = "gcc"

    @classmethod
    def find(cls) -> GccToolchain:
        """Return the installed toolchain; raise ToolMissingError where there is none."""
        _require(_COMPILER, "gcc-arm-none-eabi")
        done = subprocess.run(
            [_COMPILER, "-dumpfullversion"], capture_output=True, text=True, check=True
        )
        return cls(done.stdout.strip())

    def compile(
        self,
        project_dir: Path,
        sources: Sequence[str],
        target: Target,
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Binaries:
        """See ``Toolchain.compile``."""
        elf, version = out_dir.resolve() / "firmware.elf", f"{self.name} {self.version}"
        core = target.compiler_flags(self.name)
        own = [*core, *LANGUAGE_FLAGS, *DEVICE_FLAGS, *define_flags(defines)]
        flags = [*own, *include_flags(project_dir)]

        def make(source: str, name: Path) -> None:
            command = [_COMPILER, *flags, "-c", source, "-o", str(name)]
            run_compiler(command, project_dir, _COMPILER)

        with tempfile.TemporaryDirectory(prefix="toolkit-gcc-") as temporary:
            folder = Path(temporary)
            objects = compile_objects(project_dir, sources, (version, *own), make, folder)
            shutil.copy(project_dir / linker_script(project_dir), folder)
            link = [*_LINK_FLAGS, "-Wl,-T,linker.ld", "-Wl,-Map,firmware.map"]
            arguments = [*core, *link, *objects, "-lgcc", "-o", elf.name]
            run_compiler([_COMPILER, *arguments], folder, _COMPILER)
            shutil.copy(folder / elf.name, elf)
            map_text = (folder / "firmware.map").read_text(encoding="utf-8")
        one_line = (_COMPILER, *flags, *link, *sources, "-lgcc", "-o", elf.name)
        return finish(elf, map_text, one_line, version)

    def compile_host(
        self,
        project_dir: Path,
        sources: Sequence[str],
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Path:
        """See ``Toolchain.compile_host``."""
        _require("gcc", "gcc")
        program = out_dir.resolve() / "firmware_host"
        flags = [*LANGUAGE_FLAGS, *define_flags(defines), *include_flags(project_dir)]
        arguments = [*flags, *sources, "-o", str(program)]
        run_compiler(["gcc", *arguments], project_dir, "gcc")
        return program


def _require(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise ToolMissingError(
            f"the compiler '{program}' is not installed.",
            hint=f"Install the package {package}, or use --toolchain zig.",
        )
