"""What tests compile is compiled again when anything that it is made of has changed."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import pytest

from tests.support import compilers
from toolkit.errors import ToolFailedError
from toolkit.toolchain.base import run_compiler

COMPILERS = [
    pytest.param(
        compilers.GCC,
        marks=pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
        id="gcc",
    ),
    pytest.param(compilers.ZIG, id="zig"),
]


def write(folder: Path, value: str, unused: str = "") -> Path:
    """A function that returns ``value``, two headers away."""
    (folder / "headers").mkdir(parents=True)
    source = f'#include "near.h"\nint answer(void);\nint answer(void) {{ return FAR; }}\n{unused}'
    (folder / "answer.c").write_text(source)
    (folder / "near.h").write_text('#include "far.h"\n')
    (folder / "headers" / "far.h").write_text(f"#define FAR {value}\n")
    return folder


def answer(compiler: tuple[str, ...], folder: Path, *flags: str) -> int:
    command = [*compiler, *flags, "-fPIC", "-shared", "-iquoteheaders", "answer.c"]
    compilers.compile_c([*command, "-o", "answer.so"], folder)
    return int(ctypes.CDLL(str(folder / "answer.so")).answer())


@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_changed_header_or_flag_is_seen(compiler: tuple[str, ...], tmp_path: Path) -> None:
    assert answer(compiler, write(tmp_path / "a", "1")) == 1
    assert answer(compiler, write(tmp_path / "b", "2")) == 2
    assert answer(compiler, write(tmp_path / "c", "VALUE"), "-DVALUE=3") == 3
    assert answer(compiler, write(tmp_path / "d", "VALUE"), "-DVALUE=4") == 4


@pytest.mark.parametrize("compiler", COMPILERS)
def test_what_does_not_compile_never_does(compiler: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("once", "again"):
        folder = write(tmp_path / name, "1", unused="static int unused;\n")
        with pytest.raises(ToolFailedError, match="unused"):
            answer(compiler, folder, "-Wall", "-Werror")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_equal_sources_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def watched(command: list[str], *rest: object) -> str:
        compiled.extend(part for part in command if part.endswith(".c"))
        return run_compiler(command, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(compilers, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(compilers, "run_compiler", watched)
    for name in ("here", "there"):
        assert answer(compilers.GCC, write(tmp_path / name, "5")) == 5
    assert compiled == ["answer.c"]
