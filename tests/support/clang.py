"""Upstream clang as one more toolchain: what a user has who builds with neither gcc nor zig.

Distributions ship it without a linker and a run-time library for Arm: those are zig's and gcc's.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import compilers
from toolkit.errors import ToolMissingError
from toolkit.targets import Target
from toolkit.toolchain import base

TARGET_FLAG = "--target=thumbv7em-none-eabihf"
_LINKER = (sys.executable, "-m", "ziglang", "ld.lld")


@dataclass(frozen=True)
class ClangToolchain:
    """``clang`` for a target that gcc's flags name; see `toolkit.toolchain.Toolchain`."""

    version: str
    name: str = "clang"

    @classmethod
    def find(cls) -> ClangToolchain:
        """The installed one; ToolMissingError where it, or what it links with, is not there."""
        for tool in ("clang", "arm-none-eabi-gcc"):
            if shutil.which(tool) is None:
                raise ToolMissingError(f"'{tool}' is not installed.")
        return cls(_said("clang", "-dumpversion"))

    def compile(
        self,
        project_dir: Path,
        sources: Sequence[str],
        target: Target,
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> base.Binaries:
        core = [flag for flag in target.compiler_flags("gcc") if flag != "-mthumb"]
        flags = ["clang", TARGET_FLAG, *core, *base.LANGUAGE_FLAGS, *base.DEVICE_FLAGS]
        flags += [*base.define_flags(defines), *base.include_flags(project_dir)]
        elf = out_dir.resolve() / "firmware.elf"
        asked = (*target.compiler_flags("gcc"), "-print-libgcc-file-name")
        library = _said("arm-none-eabi-gcc", *asked)
        with tempfile.TemporaryDirectory(prefix="toolkit-clang-") as name:
            objects = []
            for source in sources:
                objects.append(f"{name}/{source.replace('/', '__')[:-2]}.o")
                command = [*flags, "-c", source, "-o", objects[-1]]
                compilers.gcc(command, project_dir, "clang")
            script = base.linker_script(project_dir)
            link = [*_LINKER, "--gc-sections", "--print-map", "-T", script, *objects, library]
            printed = base.run_compiler([*link, "-o", str(elf)], project_dir, "ld.lld")
        return base.finish(elf, printed, [*flags, *sources], f"clang {self.version}")

    def compile_host(
        self,
        project_dir: Path,
        sources: Sequence[str],
        out_dir: Path,
        defines: Mapping[str, str | int],
    ) -> Path:
        raise ToolMissingError("these tests run clang's firmware in a simulator only.")


def _said(*command: str) -> str:
    """What a tool prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
