"""Libraries as an earlier version of the toolkit would make them: of kernels with another text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.emit import naming
from toolkit.resources import kernel_folders, read_text

_WORDS = "/* As it was in an earlier version. */\n"


def _older(path: Path) -> str:
    """The text of a packaged file; that of a kernel with a line more."""
    text = read_text(path)
    if path.parent not in kernel_folders():
        return text
    licence, line, rest = text.partition("\n")
    return f"{licence}{line}{_WORDS}{rest}"


@contextlib.contextmanager
def older_kernels() -> Iterator[None]:
    """What is generated meanwhile has kernels of that text, and so of other tags."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("naming", "project"):
            patch.setattr(f"toolkit.emit.{module}.read_text", _older)
        naming.kernel_tags.cache_clear()
        try:
            yield
        finally:
            naming.kernel_tags.cache_clear()
