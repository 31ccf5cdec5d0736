"""Who is better where several things count: non-dominated ranks, and who goes on at a rung."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

#: Validation CCC, and what the first target is asked for: cycles a second of audio, RAM, flash.
Values = tuple[float, ...]

#: Names of the values, the first of which shall be large and the others small.
OBJECTIVES = ("ccc", "cycles_per_audio_second", "ram_static_bytes", "flash_bytes")


def ranks(points: Sequence[Values]) -> list[int]:
    """The non-dominated rank of each point: 0 for those that none dominates, 1 for those that only
    these do, and so on.  One dominates another that is nowhere worse and somewhere better."""
    if not points:
        return []
    costs = np.array(points) * ([-1.0] + [1.0] * (len(points[0]) - 1))
    dominated = np.array(
        [(row <= costs).all(axis=1) & (row < costs).any(axis=1) for row in costs]
    )  # by row: those that it dominates
    found, left = np.zeros(len(points), int), np.ones(len(points), bool)
    by = dominated.sum(axis=0)
    rank = 0
    while left.any():
        front = left & (by == 0)
        found[front] = rank
        left &= ~front
        by = by - dominated[front].sum(axis=0)
        rank += 1
    return [int(rank) for rank in found]


def goes_on(point: Values, others: Sequence[Values], share: float) -> bool:
    """Whether a training that reached a rung with ``point`` is among the best ``share`` of all that
    came there, by rank and, within one, by CCC; the first to come goes on."""
    points = [point, *others]
    order = [(rank, -p[0]) for rank, p in zip(ranks(points), points, strict=True)]
    return sorted(order).index(order[0]) < math.ceil(share * len(points))
