"""Compilers that keep their objects in build/tests, between tests and between runs.

The suite compiles the same kernels hundreds of times. gcc's objects are kept here, by the content
of all that they are made of; zig keeps its own, given sources that always lie in the same place.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from toolkit.toolchain.base import run_compiler
from toolkit.toolchain.cache import user_cache_dir
from toolkit.toolchain.zig import ZigToolchain

KEPT = Path(__file__).resolve().parents[2] / "build" / "tests"
GCC = ("gcc",)
ZIG = (sys.executable, "-m", "ziglang", "cc")
_ZIG_ITSELF = ZigToolchain.run
_QUOTED = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def host_compiler() -> tuple[str, ...]:
    """gcc where there is one, else zig."""
    return GCC if shutil.which("gcc") else ZIG


def compile_c(command: Sequence[str], folder: Path) -> None:
    """Run a command of `GCC` or `ZIG` in ``folder``."""
    if tuple(command[: len(ZIG)]) == ZIG:
        zig(command[len(ZIG) :], folder)
    else:
        gcc(command, folder, command[0])


@contextlib.contextmanager
def toolchains(keep_objects: bool) -> Iterator[None]:
    """Lets the toolkit's toolchains compile, in this process, as `gcc` and `zig` below do, or as
    they are, with nothing kept from before."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as fresh:
        kept_dir = KEPT / "toolchains" if keep_objects else Path(fresh)
        patch.setattr("toolkit.toolchain.objects._kept_dir", lambda: kept_dir)
        patch.setattr("toolkit.toolchain.gcc.run_compiler", gcc if keep_objects else run_compiler)
        patch.setattr(ZigToolchain, "run", _run_zig if keep_objects else _ZIG_ITSELF)
        yield


def _run_zig(compiler: ZigToolchain, arguments: Sequence[str], cwd: Path) -> str:
    """The toolkit keeps the objects of firmwares itself."""
    if any(argument.endswith(".o") for argument in arguments):
        return _ZIG_ITSELF(compiler, arguments, cwd)
    return zig(arguments, cwd)


def kept(suffix: str, parts: Sequence[str], make: Callable[[Path], object]) -> Path:
    """The file that ``make`` writes, made once for equal ``parts``; whole, or not there."""
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    path = KEPT / "objects" / f"{key}{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as folder:
            made = Path(folder) / path.name
            make(made)
            made.replace(path)
    return path


def gcc(command: Sequence[str], cwd: Path, name: str, env: Mapping[str, str] | None = None) -> str:
    """As `run_compiler`: objects that were made before are linked, or copied, as they are."""
    sources = [argument for argument in command if argument.endswith(".c")]
    if not sources:
        return run_compiler(command, cwd, name, env)
    out = command[list(command).index("-o") + 1]
    rest = [argument for argument in command if argument not in (*sources, "-o", out, "-c")]
    flags = [argument for argument in rest if not re.search(r"\.[ao]$|^-l", argument)]
    objects = [_object(flags, source, cwd, name, env) for source in sources]
    if "-c" in command:
        shutil.copyfile(objects[0], cwd / out)
        return ""
    archives = [argument for argument in rest if argument not in flags]
    return run_compiler([*flags, *map(str, objects), *archives, "-o", out], cwd, name, env)


def _object(
    flags: Sequence[str], source: str, cwd: Path, name: str, env: Mapping[str, str] | None
) -> Path:
    def make(path: Path) -> None:
        run_compiler([*flags, "-c", source, "-o", str(path)], cwd, name, env)

    included = (flag for flag in flags if flag.startswith(("-I", "-iquote")))
    folders = [cwd / flag.removeprefix("-iquote").removeprefix("-I") for flag in included]
    texts = [text for file in _read_by(cwd / source, folders) for text in file]
    return kept(".o", [_version(flags[0]), *flags, source, *texts], make)


def _read_by(source: Path, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Name and text of every file that ``source`` may include in quotes, itself first."""
    waiting, seen = [source], set[Path]()
    while waiting:
        path = waiting.pop()
        text = path.read_text(encoding="utf-8")
        yield path.name, text
        for name in _QUOTED.findall(text):
            for found in (folder / name for folder in (path.parent, *folders)):
                if found not in seen and found.is_file():
                    seen.add(found)
                    waiting.append(found)


@functools.cache
def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return done.stdout


def zig(arguments: Sequence[str], cwd: Path) -> str:
    """Run ``zig cc`` on the sources of ``cwd``, where its local cache knows them again.

    A map is printed by a link alone, never by one that was kept: each has its own name.
    """
    at = list(arguments).index("-o") + 1
    out = cwd / arguments[at]
    with _slot() as slot:
        project = slot / "project"
        shutil.rmtree(project, ignore_errors=True)
        _link_sources(cwd, project)
        linked = Path(tempfile.mkdtemp(dir=slot)) / out.name
        if "-Wl,--print-map" in arguments:
            linked = linked.with_name(f"{linked.parent.name}-{out.name}")
        env = {
            **os.environ,
            "ZIG_GLOBAL_CACHE_DIR": str(user_cache_dir() / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(slot / "cache"),
        }
        command = [*ZIG, *arguments[:at], str(linked), *arguments[at + 1 :]]
        try:
            printed = run_compiler(command, project, "zig cc", env)
            shutil.copy(linked, out)
        finally:
            shutil.rmtree(linked.parent)
    return printed


def _link_sources(folder: Path, project: Path) -> None:
    """Equal texts are one file, however often they are written: zig looks at inodes and times."""
    project.mkdir()
    for path in folder.rglob("*"):
        if path.suffix in (".c", ".h", ".ld"):
            data = path.read_bytes()
            same = kept(path.suffix, [data.decode("latin-1")], partial(Path.write_bytes, data=data))
            linked = project / path.relative_to(folder)
            linked.parent.mkdir(parents=True, exist_ok=True)
            linked.hardlink_to(same)


@contextlib.contextmanager
def _slot() -> Iterator[Path]:
    """A folder that no other thread or process uses."""
    for number in itertools.count():
        folder = KEPT / f"zig{number}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
