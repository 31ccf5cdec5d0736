"""How a verb announces what it is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

#: Announces a stage; the block it guards is the stage's work.
Stage: TypeAlias = Callable[[str], AbstractContextManager[None]]


@contextmanager
def silent(_: str) -> Iterator[None]:
    """Announces nothing."""
    yield
