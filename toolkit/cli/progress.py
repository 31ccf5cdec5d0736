"""Numbered stages on stderr: with their times when they end; on a terminal, meanwhile, for how long
each runs and about how long it will."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

#: A stage is spoken of as long from here on, in seconds.
_LONG_S = 2.0


class Stages:
    """Callable that announces a stage and, when its block ends, how long it took; numbered where
    their ``total`` is known.  The block may say what part of its work is done."""

    def __init__(self, total: int | None = None, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._total = total
        self._number = 0

    @contextmanager
    def __call__(self, title: str) -> Iterator[Callable[[float], None]]:
        self._number += 1
        place = f"[{self._number}/{self._total}] " if self._total else ""
        label = f"{place}{title}"
        start = time.perf_counter()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            _Clock(),
            console=self._console,
            transient=True,
            disable=self._console.quiet or not self._console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=True,  # a line that is told meanwhile stands above
        ) as shown:
            task = shown.add_task(label, total=None)

            def tell(part: float) -> None:
                shown.update(task, total=1.0, completed=part)

            yield tell
        seconds = time.perf_counter() - start
        self._console.print(f"{label:<40} {seconds:6.2f} s", markup=False, highlight=False)


class _Clock(ProgressColumn):
    """How long a stage has run, and about how long it still will where it says how far it is."""

    def render(self, task: Task) -> Text:
        return Text(clock(task.elapsed or 0.0, task.completed if task.total else None), "dim")


def clock(seconds: float, part: float | None) -> str:
    """``12 s, about 30 s left`` after ``seconds`` and a ``part`` of the work, 0 to 1; nothing
    before `_LONG_S`."""
    if seconds < _LONG_S:
        return ""
    text = duration(seconds)
    if part and 0 < part < 1:
        text += f", about {duration(seconds * (1 - part) / part)} left"
    return text


def duration(seconds: float) -> str:
    """``3 h 20 min``, ``2 min 5 s``, ``12 s``."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
