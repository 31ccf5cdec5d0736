"""The default toolchain: ``zig cc`` (clang and lld), from the pinned PyPI package ``ziglang``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
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
from toolkit.toolchain.cache import user_cache_dir
from toolkit.toolchain.objects import compile_objects

_LINK_FLAGS = (
    "-Wl,--gc-sections",
    "-Wl,--entry,Reset_Handler",
    "-Wl,--print-map",
)
# A baseline processor, so that a program does not depend on the machine that built it.
_HOST_FLAGS = ("-mcpu=baseline",)
# A line of the map: addresses, size and alignment, then a file in one of Zig's caches.
_CACHE_PATH = re.compile(r"(?m)^((?: *[0-9a-f]+){4} +).*[/\\]o[/\\][0-9a-f]{32}[/\\]")


@dataclass(frozen=True)
class ZigToolchain:
    """``python -m ziglang cc``."""

    version: str
    name: str = "zig"

    @classmethod
    def find(cls) -> ZigToolchain:
        """Return the installed toolchain; raise ToolMissingError where there is none."""
        if importlib.util.find_spec("ziglang") is None:
            raise ToolMissingError(
                "the compiler 'zig' is not installed.", hint="Run: pip install ziglang==0.17.0"
            )
        return cls(importlib.metadata.version("ziglang"))

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
        core = [*target.compiler_flags(self.name), *LANGUAGE_FLAGS, *DEVICE_FLAGS]
        core += define_flags(defines)
        flags = [*core, *include_flags(project_dir)]
        link = [*_LINK_FLAGS, f"-Wl,-T,{linker_script(project_dir)}"]

        def make(source: str, name: Path) -> None:
            self.run([*flags, "-c", source, "-o", str(name)], project_dir)

        with tempfile.TemporaryDirectory(prefix="toolkit-link-") as scratch:
            folder, made_with = Path(scratch), (version, *core)
            names = compile_objects(project_dir, sources, made_with, make, folder)
            linked, objects = folder / elf.name, [str(folder / name) for name in names]
            printed = self.run([*core, *link, *objects, "-o", str(linked)], project_dir)
            shutil.copy(linked, elf)  # a full disk crashes the linker; the copy names it
        map_text = _CACHE_PATH.sub(r"\1", printed).replace(f"{scratch}{os.sep}", "")
        command = ("zig", "cc", *flags, *link, *sources, "-o", elf.name)
        return finish(elf, map_text, command, version)

    def compile_host(
        self,
        project_dir: Path,
        sources: Sequence[str],
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Path:
        """See ``Toolchain.compile_host``."""
        program = out_dir.resolve() / "firmware_host"
        flags = [*_HOST_FLAGS, *LANGUAGE_FLAGS, *define_flags(defines), *include_flags(project_dir)]
        self.run([*flags, *sources, "-o", str(program)], project_dir)
        return program

    def run(self, arguments: Sequence[str], cwd: Path) -> str:
        """Run ``zig cc`` with its caches outside the project; return what it printed.

        The global cache (compiler run-time library) is kept. The local one is not: Zig skips a
        link whose result it has kept, and with it the printing of the map.
        """
        with tempfile.TemporaryDirectory(prefix="toolkit-zig-") as local:
            env = {
                **os.environ,
                "ZIG_GLOBAL_CACHE_DIR": str(user_cache_dir() / "zig"),
                "ZIG_LOCAL_CACHE_DIR": local,
            }
            command = [sys.executable, "-m", "ziglang", "cc", *arguments]
            return run_compiler(command, cwd, "zig cc", env)
