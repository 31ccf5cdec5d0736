"""Numbered stages with their times, on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Stages:
    """Callable that announces a stage and, when its block ends, how long it took;
    numbered where their ``total`` is known."""

    def __init__(self, total: int | None = None, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._total = total
        self._number = 0

    @contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        self._number += 1
        place = f"[{self._number}/{self._total}] " if self._total else ""
        label = f"{place}{title}"
        start = time.perf_counter()
        with self._console.status(label):
            yield
        seconds = time.perf_counter() - start
        self._console.print(f"{label:<40} {seconds:6.2f} s", markup=False, highlight=False)
