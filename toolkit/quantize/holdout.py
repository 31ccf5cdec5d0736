"""Part of the calibration cases is held out: choices are judged on what did not shape them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

#: Every third recording is held out; of fewer recordings than `LEAST_RECORDINGS`, the last third
#: of each.
PART = 3
LEAST_RECORDINGS = 6

#: Fewer cases than these are not divided: the rest would judge nothing.
LEAST_CASES = 8


def held_out(recordings: Sequence[int]) -> tuple[int, ...]:
    """Indices of the cases to hold out, always the same; none of fewer than `LEAST_CASES`.

    ``recordings`` has the number of the recording that each case comes from, in rising order:
    windows of one recording resemble each other and stay on one side where there are recordings
    enough.
    """
    if len(recordings) < LEAST_CASES:
        return ()
    ordered = enumerate(recordings)
    parts = [[index for index, _ in part] for _, part in groupby(ordered, key=lambda pair: pair[1])]
    if len(parts) >= LEAST_RECORDINGS:
        return tuple(index for part in parts[1::PART] for index in part)
    return tuple(index for part in parts for index in part[len(part) - len(part) // PART :])
