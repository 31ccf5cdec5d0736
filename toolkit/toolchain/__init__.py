"""Compilers: a firmware project on disk becomes ``firmware.elf``, ``.bin``, ``.hex`` and ``.map``.

One module a compiler (``zig``, ``gcc``); both also build the project for the workstation.
"""

from __future__ import annotations

from toolkit.errors import InputError
from toolkit.toolchain.base import (
    Binaries,
    Toolchain,
    device_sources,
    host_sources,
)

TOOLCHAINS = ("zig", "gcc")
DEFAULT_TOOLCHAIN = "zig"

__all__ = [
    "DEFAULT_TOOLCHAIN",
    "TOOLCHAINS",
    "Binaries",
    "Toolchain",
    "device_sources",
    "find_toolchain",
    "host_sources",
]


def find_toolchain(name: str = DEFAULT_TOOLCHAIN) -> Toolchain:
    """Return the toolchain called ``name``.

    Raises InputError for an unknown name, ToolMissingError (with the remedy) where the compiler
    is not installed.
    """
    if name == "zig":
        from toolkit.toolchain.zig import ZigToolchain

        return ZigToolchain.find()
    if name == "gcc":
        from toolkit.toolchain.gcc import GccToolchain

        return GccToolchain.find()
    raise InputError(f"unknown toolchain '{name}'.", hint=f"Choose from {', '.join(TOOLCHAINS)}.")
