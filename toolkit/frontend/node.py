"""One ONNX node, which notes what of it was looked at.

A lowering that overlooks an attribute or an input gives another network than the file states.  So
attributes and inputs are handed out through objects that remember which of them were read;
`schema.check_accounted` refuses what nobody read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload


class Attributes(Mapping[str, Any]):
    """Attributes by name.  ``unread`` are those that nobody has asked for; asking whether there is
    one (``in``) is not reading it."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.unread = set(self._values)

    def __getitem__(self, name: str) -> Any:
        self.unread.discard(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def peek(self, name: str) -> Any:
        """A value, for messages: it does not count as read."""
        return self._values[name]


class Inputs(Sequence[str]):
    """Names of a node's inputs, ``""`` for an absent optional one.  ``unread`` are the positions
    that nobody has asked for; ``in`` and `present` do not count."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self.unread = {index for index, name in enumerate(self._names) if name}

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        places = range(len(self._names))[index]
        self.unread.difference_update([places] if isinstance(places, int) else places)
        return self._names[index]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)

    def present(self) -> tuple[str, ...]:
        """The names that are there, in order."""
        return tuple(name for name in self._names if name)

    def has(self, index: int) -> bool:
        """Whether input ``index`` is there."""
        return index < len(self._names) and bool(self._names[index])

    def peek(self, index: int) -> str:
        """A name, for messages: it does not count as read."""
        return self._names[index]


@dataclass(frozen=True)
class OnnxNode:
    """One ONNX node; an absent optional input or output is ``""``."""

    name: str
    op: str
    inputs: Inputs
    outputs: tuple[str, ...]
    attrs: Attributes
