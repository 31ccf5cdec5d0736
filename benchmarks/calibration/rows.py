"""Rows of a written table (``rates.toml``, ``code.toml``) replaced, the others kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

_ROW = re.compile(r'^\["(.+)"\]\n', re.M)


def write_table(path: Path, text: str, only: Sequence[str]) -> None:
    """Write a table; with ``only``, the rows of those kernels and of the files that are new."""
    if only:
        old = path.read_text(encoding="utf-8")
        names = {name.partition("/")[0] for name in only}

        def takes(key: str) -> bool:
            of_kernel = any(name in key.replace("/", " ").split() for name in names)
            return of_kernel or (key.startswith("tk_") and f'["{key}"]' not in old)

        text = merged(old, text, takes, "Some rows are of later runs with --only.")
    path.write_text(text, "utf-8")
    print(f"wrote {path}")


def merged(old: str, new: str, takes: Callable[[str], bool], note: str) -> str:
    """``old`` with those rows of ``new`` whose key it ``takes`` (those of ``old`` for which it does
    are gone), and the ``note`` behind its header."""
    header, rows = _parts(old)
    kept = {key: text for key, text in rows.items() if not takes(key)}
    kept |= {key: text for key, text in _parts(new)[1].items() if takes(key)}
    lines = header.rstrip().splitlines()
    if f"# {note}" not in lines:
        lines.append(f"# {note}")
    return "\n".join(lines) + "\n\n" + "\n".join(kept[key] for key in sorted(kept, key=_order))


def _parts(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the rows, and each row's text by its key."""
    marks = list(_ROW.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    rows = {
        mark[1]: text[mark.start() : end].rstrip() + "\n"
        for mark, end in zip(marks, ends, strict=True)
    }
    return text[: marks[0].start()] if marks else text, rows


def _order(key: str) -> tuple[str, int]:
    """By name, then by the number behind it."""
    name, _, number = key.rpartition(" ")
    return (name, int(number)) if number.isdigit() else (key, 0)
