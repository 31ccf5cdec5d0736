"""Who is better where several things count: non-dominated ranks, and who goes on at a rung."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Validation CCC, and what the first target is asked for: cycles a second of audio, RAM, flash.
Values = tuple[float, ...]

#: Names of the values, the first of which shall be large and the others small.
OBJECTIVES = ("ccc", "cycles_per_audio_second", "ram_static_bytes", "flash_bytes")


def dominates(a: Values, b: Values) -> bool:
    """Whether ``a`` is nowhere worse than ``b``, and somewhere better."""
    ours, theirs = (-a[0], *a[1:]), (-b[0], *b[1:])
    return ours != theirs and all(x <= y for x, y in zip(ours, theirs, strict=True))


def ranks(points: Sequence[Values]) -> list[int]:
    """The non-dominated rank of each point: 0 for those that none dominates, 1 for those that only
    these do, and so on."""
    found = [0] * len(points)
    left, rank = set(range(len(points))), 0
    while left:
        front = {n for n in left if not any(dominates(points[m], points[n]) for m in left)}
        for n in front:
            found[n] = rank
        left -= front
        rank += 1
    return found


def goes_on(point: Values, others: Sequence[Values], share: float) -> bool:
    """Whether a training that reached a rung with ``point`` is among the best ``share`` of all that
    came there, by rank and, within one, by CCC; the first to come goes on."""
    points = [point, *others]
    order = sorted(zip(ranks(points), (-p[0] for p in points), strict=True))
    mine = (ranks(points)[0], -point[0])
    return order.index(mine) < math.ceil(share * len(points))
