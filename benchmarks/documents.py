"""Parts of the documents that programs write."""

from __future__ import annotations

from pathlib import Path

from benchmarks.models import ROOT

RESULTS, README = ROOT / "docs" / "RESULTS.md", ROOT / "README.md"
END = "<!-- end -->"


def begin(module: str) -> str:
    """The line before what ``module`` writes."""
    return f"<!-- begin: written by `python -m {module}`, do not edit -->"


def replaced(document: str, start: str, end: str, text: str) -> str:
    """The document with ``text`` between the marks; ValueError unless it has one such part."""
    before, found, rest = document.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended or start in after:
        raise ValueError(f"the document must hold the lines {start!r} and {end!r} once each")
    return f"{before}{start}{text}{end}{after}"


def with_generated(document: str, module: str, text: str) -> str:
    """The document with what ``module`` writes replaced; ValueError unless it has one such part."""
    return replaced(document, begin(module), END, f"\n\n{text.rstrip()}\n\n")


def write_generated(path: Path, module: str, text: str) -> None:
    """Replace the part of a file that ``module`` writes."""
    document = path.read_text(encoding="utf-8")
    path.write_text(with_generated(document, module, text), encoding="utf-8")
