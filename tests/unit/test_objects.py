"""A build compiles what no build has compiled before, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.tiny import build_tiny, toolchain_or_skip
from toolkit.errors import ToolFailedError
from toolkit.toolchain import TOOLCHAINS, objects
from toolkit.toolchain.objects import compile_objects


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept"
    monkeypatch.setattr(objects, "_kept_dir", lambda: folder)
    return folder


def project(folder: Path, value: str) -> Path:
    """A source whose value is two headers away."""
    (folder / "headers").mkdir(parents=True)
    (folder / "a.c").write_text('#include "near.h"\nint a(void);\nint a(void) { return FAR; }\n')
    (folder / "b.c").write_text("int b;\n")
    (folder / "near.h").write_text("#include <far.h>\n")
    (folder / "headers" / "far.h").write_text(f"#define FAR {value}\n")
    return folder


def compiled(folder: Path, out: Path, *flags: str) -> list[str]:
    """The sources that were compiled, the others being known."""
    made: list[str] = []
    out.mkdir()

    def make(source: str, name: Path) -> None:
        command = ["gcc", *flags, "-Iheaders", "-c", source, "-o", str(name)]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        made.append(source)

    names = compile_objects(folder, ["a.c", "b.c"], ("gcc", *flags), make, out)
    assert names == ["a.o", "b.o"] and all((out / name).stat().st_size for name in names)
    return sorted(made)


@pytest.mark.usefixtures("kept")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_an_object_is_known_by_all_that_it_is_made_of(tmp_path: Path) -> None:
    assert compiled(project(tmp_path / "1", "1"), tmp_path / "o1") == ["a.c", "b.c"]
    assert compiled(project(tmp_path / "2", "1"), tmp_path / "o2") == []
    assert compiled(project(tmp_path / "3", "2"), tmp_path / "o3") == ["a.c"]  # a far header
    assert compiled(project(tmp_path / "4", "1"), tmp_path / "o4", "-O2") == ["a.c", "b.c"]
    assert (tmp_path / "o1" / "a.o").read_bytes() == (tmp_path / "o2" / "a.o").read_bytes()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_the_oldest_objects_make_room(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "MOST_KEPT", 3)
    for number in range(4):
        compiled(project(tmp_path / str(number), str(number)), tmp_path / f"o{number}")
    assert len(list(kept.iterdir())) == 3
    assert compiled(project(tmp_path / "again", "3"), tmp_path / "last") == []


def test_where_nothing_can_be_kept_everything_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain_or_skip("zig")
    monkeypatch.setattr(objects, "_kept_dir", lambda: Path("/proc/none"))
    assert build_tiny(tmp_path / "tiny", "zig").elf.exists()


@pytest.mark.usefixtures("fresh_objects")
@pytest.mark.parametrize("name", TOOLCHAINS)
def test_a_second_build_compiles_nothing_and_links_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_tiny(tmp_path / "one", name)

    def refuse(made: Path, _: Path) -> None:
        raise ToolFailedError(f"compiled again: {made.name}")

    monkeypatch.setattr(objects, "_keep", refuse)
    second = build_tiny(tmp_path / "two", name)
    for suffix in ("elf", "map"):
        assert getattr(first, suffix).read_bytes() == getattr(second, suffix).read_bytes()
