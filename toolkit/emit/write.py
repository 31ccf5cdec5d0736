"""Output directories appear whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.emit.project import FirmwareProject
from toolkit.errors import InputError

#: Marks a directory as written by the toolkit and lists its files, so that the next build may
#: replace it while it holds nothing else.
MARKER = ".toolkit-output"
_HEAD = "Written by hearing-aid-toolkit; the next build replaces these files.\n"
_DIGITS = 16
#: The folder of an output that holds what was found of it.
REPORTS = "report"
#: Files that a message names.
_NAMED = 3


@contextmanager
def staged_directory(out_dir: Path) -> Iterator[Path]:
    """An empty directory to fill, which becomes ``out_dir`` when the block ends without an error.

    ``out_dir`` may be absent, empty, or the output of an earlier build, which is then replaced.
    Anything else raises InputError before the block runs, files that were added to an output or
    changed in it included; so does a file system that refuses.  After an error ``out_dir`` is as it
    was, and nothing is left beside it; what a killed build left there goes with the next one.
    """
    out = Path(os.path.realpath(out_dir))  # unlike Path.resolve() it takes links in a circle
    made: list[Path] = []
    try:
        _require_replaceable(out)
        made = _make_parents(out)
        prefix = f".{out.name[:40]}.build-"
        _remove_leftovers(out.parent, prefix)
        prefix = f"{prefix}{os.getpid()}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=out.parent) as temporary:
            staging = Path(temporary) / "new"
            staging.mkdir()
            yield staging
            listed = "".join(f"{digest} {path}\n" for path, digest in _contents(staging).items())
            (staging / MARKER).write_text(f"{_HEAD}{listed}", encoding="utf-8")
            _swap(staging, out, Path(temporary) / "old")
        made = []
    except OSError as error:
        raise InputError(
            f"cannot write the output directory '{out_dir}': {error.strerror or error}.",
            hint="Free some space there, or choose another directory with --out.",
        ) from error
    finally:
        for parent in reversed(made):
            parent.rmdir()


def write_project(project: FirmwareProject, out_dir: Path) -> None:
    """Write every file of ``project`` into ``out_dir``, whole or not at all."""
    with staged_directory(out_dir) as staging:
        write_files(project, staging)


def write_files(project: FirmwareProject, directory: Path) -> None:
    """Write every file of ``project`` below an existing directory."""
    for name, content in project.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _require_replaceable(out: Path) -> None:
    if not out.exists():
        return
    hint = "Choose another directory with --out, or remove this one."
    if not out.is_dir():
        raise InputError(f"the output '{out}' exists and is not a directory.", hint)
    if out == Path.cwd() or out in Path.cwd().parents:
        raise InputError(f"the output directory '{out}' holds the current directory.", hint)
    if not any(out.iterdir()):
        return
    marker = out / MARKER
    if not marker.is_file():
        raise InputError(f"the output directory '{out}' holds files of other origin.", hint)
    lines = marker.read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    known = {path: digest for digest, _, path in (line.partition(" ") for line in lines)}
    foreign = [path for path, digest in _contents(out).items() if known.get(path) != digest]
    if foreign and known:  # an output of before files were listed is replaced
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise InputError(
            f"the output directory '{out}' holds files that were added or changed since: "
            f"{', '.join(map(repr, foreign[:_NAMED]))}{more}.",
            hint="Move them away, or choose another directory with --out.",
        )


def _contents(folder: Path) -> dict[str, str]:
    """Digits of every file's hash by its path in ``folder``, the marker left out."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return {
        path.relative_to(folder).as_posix(): _digest(path) for path in files if path.name != MARKER
    }


def _digest(path: Path) -> str:
    """Digits of a file's hash; of a report, which names where it was made, none."""
    if path.is_symlink() or not path.is_file():
        return "none"
    if path.parent.name == REPORTS:
        return "report"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def _remove_leftovers(folder: Path, prefix: str) -> None:
    """Remove what builds left that were killed: their process is no more."""
    for path in folder.glob(f"{glob.escape(prefix)}*"):
        number = path.name.removeprefix(prefix).partition("-")[0]
        if number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


def _make_parents(out: Path) -> list[Path]:
    """Make the missing parents of ``out``; return them, outermost first."""
    missing = [parent for parent in out.parents if not parent.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _swap(new: Path, out: Path, old: Path) -> None:
    """Put ``new`` in the place of ``out``, which moves to ``old``; undone where that fails."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise
