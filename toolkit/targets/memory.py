"""Memories of a part: where they lie, and how long they keep the core waiting; pure data."""

from __future__ import annotations

from dataclasses import dataclass

#: What a cache may hold.
SERVES = ("instructions", "data", "both")


@dataclass(frozen=True)
class Cache:
    """A cache in front of a memory: least recently used line out, filled read by read.

    ``serves`` is one of `SERVES`; sizes in bytes, ``ways`` lines are searched at once.
    """

    serves: str
    size_bytes: int
    line_bytes: int
    ways: int

    def __post_init__(self) -> None:
        if self.serves not in SERVES:
            raise ValueError(f"a cache serves {', '.join(SERVES)}; got '{self.serves}'")
        parts = (self.size_bytes, self.line_bytes, self.ways)
        if min(parts) <= 0 or self.size_bytes % (self.line_bytes * self.ways):
            raise ValueError("a cache is ways x lines: size_bytes must be a multiple of them")
        if self.line_bytes & (self.line_bytes - 1):
            raise ValueError("line_bytes of a cache must be a power of two")


@dataclass(frozen=True)
class Access:
    """How a memory answers under one setting of the part, at the part's clock.

    A read brings ``width_bytes`` after ``wait_states`` cycles; with ``prefetch`` the next ones are
    read while the core executes the last.
    """

    name: str = ""
    wait_states: int = 0
    width_bytes: int = 4
    prefetch: bool = False
    caches: tuple[Cache, ...] = ()

    def __post_init__(self) -> None:
        if self.wait_states < 0 or self.width_bytes not in (4, 8, 16, 32):
            raise ValueError("wait_states must be 0 or more, width_bytes 4, 8, 16 or 32")
        if any(cache.line_bytes % self.width_bytes for cache in self.caches):
            raise ValueError("line_bytes of a cache must be a multiple of width_bytes")

    def cache(self, serves: str) -> Cache | None:
        """The cache for "instructions" or for "data", None without one."""
        return next((c for c in self.caches if c.serves in (serves, "both")), None)

    def __str__(self) -> str:
        reads = f"{8 * self.width_bytes}-bit reads, {self.wait_states} wait states"
        caches = [f"{c.size_bytes:,} B cache of {c.serves}" for c in self.caches]
        prefetch = "prefetch" if self.prefetch else "no prefetch"
        return ", ".join([*([self.name] if self.name else []), reads, prefetch, *caches])


@dataclass(frozen=True)
class Memory:
    """A memory of a part.

    ``settings`` are the ways in which it may answer: several where the part's configuration or the
    documents leave it open.  ``also_at`` is where the same bytes appear in another memory of the
    part, None where they do in none.
    """

    name: str
    origin: int
    size_bytes: int
    settings: tuple[Access, ...]
    also_at: int | None = None

    @property
    def wait_states(self) -> int:
        """Of an access, caches and prefetch left aside, under the slowest setting."""
        return max(setting.wait_states for setting in self.settings)
