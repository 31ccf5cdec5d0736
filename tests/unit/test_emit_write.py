"""Output directories appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.emit import FirmwareProject, staged_directory, write_project
from toolkit.errors import InputError

PROJECT = FirmwareProject({"a.txt": b"a", "kernels/b.txt": b"b"})


def content(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.name != ".toolkit-output"
    }


def test_a_project_is_written_with_its_missing_parents(tmp_path: Path) -> None:
    out = tmp_path / "x" / "y" / "out"
    write_project(PROJECT, out)
    assert content(out) == dict(PROJECT.files)
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    probe = tmp_path / "probe"
    probe.mkdir()
    assert out.stat().st_mode == probe.stat().st_mode


def test_an_earlier_output_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_project(PROJECT, out)
    write_project(FirmwareProject({"c.txt": b"c"}), out)
    assert content(out) == {"c.txt": b"c"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_project(PROJECT, tmp_path / "out")
    assert content(tmp_path / "out") == dict(PROJECT.files)


def test_files_of_other_origin_are_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds files of other origin") as caught:
        write_project(PROJECT, out)
    assert "--out" in caught.value.hint
    assert content(out) == {"thesis.tex": b"years of work"}


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputError, match="is not a directory"):
        write_project(PROJECT, tmp_path / "out")
    with pytest.raises(InputError, match="cannot write the output directory"):
        write_project(PROJECT, tmp_path / "out" / "below")
    assert (tmp_path / "out").read_text() == "mine"


def test_the_current_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="holds the current directory"):
        write_project(PROJECT, Path())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("inside")])
def test_after_an_error_everything_is_as_before(tmp_path: Path, error: BaseException) -> None:
    old = tmp_path / "old"
    write_project(PROJECT, old)
    for out in (old, tmp_path / "new" / "out"):
        with pytest.raises(type(error)), staged_directory(out) as staging:
            (staging / "half.txt").write_text("half")
            raise error
    assert content(tmp_path) == {f"old/{name}": data for name, data in PROJECT.files.items()}
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "b.txt":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device") as caught:
        write_project(PROJECT, tmp_path / "out")
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failed_swap_puts_the_old_output_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write_project(PROJECT, out)
    real = Path.rename

    def stubborn(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return real(path, target)

    monkeypatch.setattr(Path, "rename", stubborn)
    with pytest.raises(InputError, match="busy"):
        write_project(FirmwareProject({"c.txt": b"c"}), out)
    assert content(out) == dict(PROJECT.files)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a read-only file system")
def test_an_unwritable_place_is_named() -> None:
    with pytest.raises(InputError, match="cannot write the output directory '/proc/self/out'"):
        write_project(PROJECT, Path("/proc/self/out"))


@pytest.mark.parametrize("path", ["mine.txt", "kernels/mine.txt", "a.txt"])
def test_files_added_or_changed_in_an_output_are_never_deleted(tmp_path: Path, path: str) -> None:
    out = tmp_path / "out"
    write_project(PROJECT, out)
    (out / path).write_text("hours of work")
    with pytest.raises(InputError, match="added or changed since: '" + path) as caught:
        write_project(FirmwareProject({"c.txt": b"c"}), out)
    assert "--out" in caught.value.hint
    assert (out / path).read_text() == "hours of work"


def test_what_a_killed_build_left_goes_with_the_next(tmp_path: Path) -> None:
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from toolkit.emit import staged_directory\n"
        f"with staged_directory(Path({str(tmp_path / 'out')!r})) as staging:\n"
        "    (staging / 'half.txt').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert [path.name.startswith(".out.build-") for path in tmp_path.iterdir()] == [True]
    with staged_directory(tmp_path / "out") as staging:  # one that runs is left alone
        write_project(PROJECT, tmp_path / "other")
        (staging / "c.txt").write_text("c")
    write_project(PROJECT, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]
