"""A plain model of a memory in front of a core, written apart from ``native/memory.c``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from toolkit.targets import Access, Cache


@dataclass(frozen=True)
class Step:
    """An instruction that ran: where, how long it took the core itself, and what it loaded from the
    slow memory as (address, bytes)."""

    address: int
    size_bytes: int
    core_cycles: int
    loads: tuple[tuple[int, int], ...]


class _Lines:
    """A cache: sets of lines in order of use, each the reads that it holds."""

    def __init__(self, shape: Cache, width_bytes: int) -> None:
        self._ways = shape.ways
        self._reads = shape.line_bytes // width_bytes
        count = shape.size_bytes // (shape.line_bytes * shape.ways)
        self._sets: list[OrderedDict[int, set[int]]] = [OrderedDict() for _ in range(count)]

    def _set(self, read: int) -> tuple[OrderedDict[int, set[int]], int]:
        line = read // self._reads
        return self._sets[line % len(self._sets)], line

    def __contains__(self, read: int) -> bool:
        lines, line = self._set(read)
        return read in lines.get(line, ())

    def touch(self, read: int) -> None:
        lines, line = self._set(read)
        if line in lines:
            lines.move_to_end(line)

    def add(self, read: int) -> None:
        lines, line = self._set(read)
        if line not in lines and len(lines) == self._ways:
            lines.popitem(last=False)
        lines.setdefault(line, set()).add(read)
        lines.move_to_end(line)


@dataclass
class SlowMemory:
    """Counts what a core waits for under one setting; ``low`` to ``high`` is slow."""

    access: Access
    low: int
    high: int
    clock: int = 0
    waited_for_instructions: int = 0
    waited_for_data: int = 0
    fetches: int = 0
    _free_at: int = 0
    _last: int | None = None
    _coming: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        width = self.access.width_bytes
        code, data = self.access.cache("instructions"), self.access.cache("data")
        self._code = None if code is None else _Lines(code, width)
        self._data = None if data is None else _Lines(data, width)
        if code is not None and data is code:
            self._data = self._code

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if self.low <= step.address < self.high:
                for read in self._reads(step.address, step.size_bytes):
                    self.waited_for_instructions += self._fetch(read)
            self.clock += step.core_cycles
            for address, size in step.loads:
                for read in self._reads(address, size):
                    self.waited_for_data += self._load(read)

    def _reads(self, address: int, size: int) -> range:
        width = self.access.width_bytes
        return range(address // width, (address + size - 1) // width + 1)

    def _from_array(self) -> int:
        """Begin a read as soon as the last one is over; when its bytes are there."""
        self._free_at = max(self.clock, self._free_at) + self.access.wait_states
        return self._free_at

    def _wait(self, ready: int) -> int:
        before = self.clock
        self.clock = max(self.clock, ready)
        return self.clock - before

    def _fetch(self, read: int) -> int:
        self.fetches += 1
        if read == self._last:
            return 0
        self._last = read
        if self._code is not None:
            self._code.touch(read)
            if read in self._code:
                return 0
        ready = self._coming[read] if read in self._coming else self._from_array()
        lost = self._wait(ready)
        self._coming = {}
        if self._code is not None:
            self._code.add(read)
        if self.access.prefetch and (self._code is None or read + 1 not in self._code):
            self._free_at = max(self.clock, self._free_at) + self.access.wait_states + 1
            self._coming = {read + 1: self._free_at}
        return lost

    def _load(self, read: int) -> int:
        if self._data is not None:
            self._data.touch(read)
            if read in self._data:
                return 0
        lost = self._wait(self._from_array())
        if self._data is not None:
            self._data.add(read)
        return lost
