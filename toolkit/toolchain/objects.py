"""Objects of C sources, compiled side by side and kept between builds.

An object is known by the content of all that it is made of: compiler, flags, source, and what that
includes of its project, wherever that lies.  Builds of other models share those of the kernels.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from toolkit.toolchain.base import include_flags
from toolkit.toolchain.cache import user_cache_dir

#: Objects that are kept; those that have not been used for longest make room.
MOST_KEPT = 4_000

_INCLUDED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)

#: Compiles one source of a project, named relative to it, into a file.
Make = Callable[[str, Path], object]


def compile_objects(
    project_dir: Path,
    sources: Sequence[str],
    made_with: Sequence[str],
    make: Make,
    folder: Path,
) -> list[str]:
    """Put the object of every source into ``folder``; return their names, in order.

    ``made_with`` are the compiler and the flags that decide about an object, besides the folders
    of headers, which are all of the project.  What ``make`` raises is raised.
    """
    names = [source.replace("/", "__").removesuffix(".c") + ".o" for source in sources]
    folders = [project_dir / flag.removeprefix("-I") for flag in include_flags(project_dir)]

    def provide(source: str, name: str) -> None:
        kept = _kept_dir() / f"{_key(project_dir / source, folders, made_with)}.o"
        made = folder / name
        if not _copied(kept, made):
            make(source, made)
            _keep(made, kept)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(provide, sources, names))
    _make_room()
    return names


def _kept_dir() -> Path:
    return user_cache_dir() / "objects"


def _key(source: Path, folders: Sequence[Path], made_with: Sequence[str]) -> str:
    """What decides about an object; the search for headers is the compiler's, in a project that
    shadows none of its own."""
    digest = hashlib.sha256()
    for part in made_with:
        digest.update(part.encode() + b"\0")
    for path, text in _read_by(source, folders):
        digest.update(f"{path.name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def _read_by(source: Path, folders: Sequence[Path]) -> Iterator[tuple[Path, bytes]]:
    """Every file of the project that ``source`` may include, itself first, with its text."""
    waiting, seen = [source], {source}
    while waiting:
        path = waiting.pop()
        text = path.read_bytes()
        yield path, text
        for name in _INCLUDED.findall(text.decode("utf-8", "replace")):
            for found in (folder / name for folder in (path.parent, *folders)):
                if found not in seen and found.is_file():
                    seen.add(found)
                    waiting.append(found)


def _copied(kept: Path, made: Path) -> bool:
    try:
        shutil.copyfile(kept, made)
        os.utime(kept)
    except OSError:
        return False
    return True


def _keep(made: Path, kept: Path) -> None:
    """Keep an object, whole or not at all; where nothing can be written, not at all."""
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            shutil.copyfile(made, Path(scratch) / kept.name).replace(kept)


def _make_room() -> None:
    """Drop the objects that have not been used for longest, where there are too many."""
    with contextlib.suppress(OSError):
        objects = [(path.stat().st_mtime, path) for path in _kept_dir().glob("*.o")]
        for _, path in sorted(objects)[: max(0, len(objects) - MOST_KEPT)]:
            path.unlink(missing_ok=True)
