"""C sources of the simulators' execution counter, and their building into the user's cache."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path

from toolkit.toolchain.cache import user_cache_dir
from toolkit.toolchain.zig import ZigToolchain

_FOLDER = Path(__file__).resolve().parent
_FLAGS = (
    "-shared",
    "-fPIC",
    "-O2",
    "-std=c99",
    "-mcpu=baseline",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Werror",
)


_SHARED = ("counter.h", "counter.c", "memory.h", "memory.c")


def build_library(source: str, defines: Mapping[str, int]) -> Path:
    """Return the shared library of the counter and ``source``, built if the cache lacks it.

    The cache key is the content of all sources, the flags, the compiler and the machine.
    """
    compiler = ZigToolchain.find()
    arguments = [*_FLAGS, *(f"-D{name}={value}" for name, value in sorted(defines.items()))]
    key = hashlib.sha256()
    for part in (*arguments, compiler.version, platform.system(), platform.machine()):
        key.update(part.encode() + b"\0")
    for name in (*_SHARED, source):
        key.update((_FOLDER / name).read_bytes() + b"\0")
    folder = user_cache_dir() / "native"
    library = folder / f"{Path(source).stem}-{key.hexdigest()[:20]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as temporary:
            built = Path(temporary) / library.name
            sources = [name for name in (*_SHARED, source) if name.endswith(".c")]
            compiler.run([*arguments, *sources, "-o", str(built)], _FOLDER)
            os.replace(built, library)  # noqa: PTH105 - atomic, unlike a copy
    return library
