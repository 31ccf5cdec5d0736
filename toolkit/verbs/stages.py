"""How a verb announces what it is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

#: Hears what part of the work is done, 0 to 1.
Tell: TypeAlias = Callable[[float], None]
#: Announces a stage; the block it guards is the stage's work, and may tell how far it is.
Stage: TypeAlias = Callable[[str], AbstractContextManager[Tell]]


@contextmanager
def silent(_: str) -> Iterator[Tell]:
    """Announces nothing."""
    yield lambda _: None
