"""Windows of a folder of recordings, for calibration and tests: from all of every file, not from
silence.

A file is looked at in blocks of 20 ms.  A window has the model's clip length and begins with the
first block that is not silent after the end of the one before: silence and then an onset is what
level followers exaggerate most, and would set the ranges of all.  The last window ends where the
file ends, if it can begin with sound there, else zeros complete it; a rest below a quarter of a
window is left out.

The level of a block or window is its mean square, less its squared mean, over full scale.  *Silent*
is what lies

- below ``SILENT_DB``, where 16 bits hold little but their own noise; or
- more than ``FILE_SPAN_DB`` below the loudest window of its file; or
- more than ``FOLDER_SPAN_DB`` below the loudest window of the folder, for files of nothing but
  room noise.

Quiet speech of a quiet recording beside a loud one is heard: it is compared with its own file
first.  A window is *clipped* when more than ``CLIPPED_SHARE`` of its samples are at full scale;
such windows say nothing of what is loud, and most windows may not be clipped.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import InputError
from toolkit.features.framing import FULL_SCALE
from toolkit.features.recording import INT16_MAX, Note, Recording, SampleCounts, open_recording

SILENT_DB = -75.0
FILE_SPAN_DB = 40.0
FOLDER_SPAN_DB = 50.0
CLIPPED_SHARE = 0.01

#: Windows that are heard at most of one file and in all, and seconds of them in all.
MOST_OF_A_FILE = 64
MOST_IN_ALL = 512
MOST_SECONDS = 1800.0

#: A rest at the end of a file that is this part of a window, or more, is heard.
_LEAST_REST = 0.25
_BLOCK_S = 0.02

Samples = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class Windows:
    """Equally long int16 ``clips`` [windows, samples], the number of the file that each comes
    from, and in words what was heard and what was done to it."""

    clips: Samples
    files: tuple[int, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Survey:
    """What a recording of ``count`` samples is like.

    ``sums`` [blocks + 1, 3]: samples, their squares, and how many are at full scale, of all blocks
    before each; ``size`` blocks make a window.
    """

    recording: Recording
    count: int
    sums: NDArray[np.float64]
    size: int
    notes: tuple[Note, ...]

    def levels_db(self, blocks: int) -> NDArray[np.float64]:
        """The level of that many blocks from each one on, of fewer at the end [blocks]."""
        total, squares, _ = self._over(blocks)
        variance = np.maximum(squares - total**2, 0.0) / FULL_SCALE**2
        levels: NDArray[np.float64] = 10.0 * np.log10(np.maximum(variance, 1e-12))
        return levels

    def clipped(self) -> NDArray[np.bool_]:
        """Whether the window from each block on is clipped [blocks]."""
        clipped: NDArray[np.bool_] = self._over(self.size)[2] > CLIPPED_SHARE
        return clipped

    def _over(self, blocks: int) -> NDArray[np.float64]:
        """Means of the sums over that many blocks from each one on [3, blocks]."""
        starts = np.arange(len(self.sums) - 1)
        ends = np.minimum(starts + blocks, len(starts))
        step = self.recording.sample_rate_hz * _BLOCK_S
        lengths = np.minimum(ends * round(step), self.count) - starts * round(step)
        means: NDArray[np.float64] = ((self.sums[ends] - self.sums[starts]) / lengths[:, None]).T
        return means


@dataclass(frozen=True)
class _Found:
    """First samples of the windows of a recording, which of them are clipped, how many windows of
    silence were skipped."""

    starts: tuple[int, ...]
    clipped: int
    silent: int


def load_windows(files: Sequence[Path], sample_rate_hz: int, size: int) -> Windows:
    """Windows of ``size`` samples of ``files``, which lie in one folder: spread evenly over what
    is not silent, the same ones each time.

    Every file is read twice, block by block.  Raises AudioError for a file that cannot be read,
    InputError where all is silent or most of the rest is clipped.
    """
    folder = Path(os.path.commonpath([path.parent for path in files]))
    surveys = [_survey(open_recording(path, sample_rate_hz), size) for path in files]
    loudest = _loudest_db(surveys)
    heard = [_heard(survey, loudest, size) for survey in surveys]
    seconds = size / sample_rate_hz
    _require_sound(folder, heard, seconds)
    most = max(1, min(MOST_IN_ALL, int(MOST_SECONDS / seconds)))
    chosen = _chosen([h.starts for h in heard], most)
    clips = [
        clip
        for survey, starts in zip(surveys, chosen, strict=True)
        for clip in _read(survey.recording, size, starts)
    ]
    of = tuple(number for number, starts in enumerate(chosen) for _ in starts)
    notes = [note for survey in surveys for note in survey.notes]
    return Windows(np.stack(clips), of, tuple(_notes(folder, heard, notes, (seconds, len(of)))))


def _survey(recording: Recording, size: int) -> _Survey:
    step = round(recording.sample_rate_hz * _BLOCK_S)
    rows, rest = [np.zeros((1, 3))], np.zeros(0, np.int16)
    clipped = count = peak = 0
    for block in recording.blocks():
        clipped += block.clipped
        count += len(block.samples)
        peak = max(peak, int(np.abs(block.samples.astype(np.int32)).max(initial=0)))
        held = np.concatenate([rest, block.samples])
        whole = len(held) // step * step
        rows.append(_sums(held[:whole].reshape(-1, step)))
        rest = held[whole:]
    if len(rest):
        rows.append(_sums(rest[None]))
    seen = SampleCounts(count, clipped, max(peak, 1))
    notes = recording.notes(seen)  # silence is told by windows
    if count < size:
        notes += (Note("padded with silence", f"padded with {size - count} zeros"),)
    sums = np.cumsum(np.concatenate(rows), axis=0)
    return _Survey(recording, count, sums, -(-size // step), notes)


def _sums(blocks: Samples) -> NDArray[np.float64]:
    x = blocks.astype(np.float64)
    full = (blocks == INT16_MAX) | (blocks == -INT16_MAX - 1)
    return np.stack([x.sum(axis=1), (x**2).sum(axis=1), full.sum(axis=1)], axis=1)


def _loudest_db(surveys: Sequence[_Survey]) -> float:
    """The level of the loudest window, one that is not clipped where there is any."""
    levels = np.concatenate([survey.levels_db(survey.size) for survey in surveys])
    clean = levels[~np.concatenate([survey.clipped() for survey in surveys])]
    return float((clean if clean.size else levels).max())


def _heard(survey: _Survey, loudest_db: float, size: int) -> _Found:
    """The windows of a recording, beside the loudest one of the folder."""
    own_db = _loudest_db([survey])
    floor = max(SILENT_DB, own_db - FILE_SPAN_DB, loudest_db - FOLDER_SPAN_DB)
    sounds = survey.levels_db(1) >= floor
    begins = np.flatnonzero(sounds & (survey.levels_db(survey.size) >= floor))
    step = round(survey.recording.sample_rate_hz * _BLOCK_S)
    clipped = survey.clipped()
    starts: list[int] = []
    silent = full = end = 0
    while (at := int(np.searchsorted(begins, -(-end // step)))) < len(begins):
        first = int(begins[at]) * step
        # Windows that follow each other without silence do not drift to the blocks' beginnings.
        start = end if starts and first - end < step else first
        if starts and survey.count - start < _LEAST_REST * size:
            break
        silent += (start - end) // size
        clipped_here = bool(clipped[begins[at]])
        last = survey.count - size
        if start > last >= 0 and sounds[last // step]:
            start = last
        starts.append(start)
        full += clipped_here
        end = start + size
    silent += max(0, survey.count - end) // size
    if not starts:
        silent = max(1, silent)
    return _Found(tuple(starts), full, silent)


def _require_sound(folder: Path, heard: Sequence[_Found], seconds: float) -> None:
    total, clipped = (
        sum(n) for n in zip(*((len(h.starts), h.clipped) for h in heard), strict=True)
    )
    if total == 0:
        windows = sum(h.silent for h in heard)
        raise InputError(
            f"{folder}: {windows} of {windows} windows of {seconds:.3g} s are silent: none is "
            f"louder than {SILENT_DB:g} dB of full scale.",
            hint="Give recordings of what the device will hear, at the level it will hear.",
        )
    if 2 * clipped > total:
        raise InputError(
            f"{folder}: {clipped} of {total} windows of {seconds:.3g} s are clipped: more than "
            f"{100 * CLIPPED_SHARE:g} % of their samples are at full scale.",
            hint="Record or export them at a lower level; floating-point files hold fractions of "
            "full scale, from -1 to 1.",
        )


def _chosen(heard: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
    """Up to ``most`` windows in all: of every file alike as many as it has, spread over it; of
    more files than that, one each of some, spread over them."""
    quota = MOST_OF_A_FILE
    while quota > 1 and sum(min(len(starts), quota) for starts in heard) > most:
        quota -= 1
    chosen = [_spread(starts, quota) for starts in heard]
    if sum(map(len, chosen)) > most:
        some = set(_spread(tuple(n for n, starts in enumerate(chosen) if starts), most))
        chosen = [starts if n in some else () for n, starts in enumerate(chosen)]
    return chosen


def _spread(values: tuple[int, ...], most: int) -> tuple[int, ...]:
    """``values``, or ``most`` of them at equal distances."""
    if len(values) <= most:
        return values
    return tuple(values[(2 * k + 1) * len(values) // (2 * most)] for k in range(most))


def _read(recording: Recording, size: int, starts: tuple[int, ...]) -> Iterator[Samples]:
    """The windows at these rising ``starts``, padded to ``size``."""
    held, offset, waiting = np.zeros(0, np.int16), 0, list(starts)
    for block in recording.blocks():
        if not waiting:
            return
        held = np.concatenate([held, block.samples])
        while waiting and offset + len(held) >= waiting[0] + size:
            start = waiting.pop(0) - offset
            yield held[start : start + size]
        unused = min(len(held), waiting[0] - offset) if waiting else 0
        held, offset = held[unused:], offset + unused
    for start in waiting:
        samples = held[start - offset :]
        yield np.pad(samples, (0, size - len(samples)))


def _notes(
    folder: Path, heard: Sequence[_Found], notes: Sequence[Note], what: tuple[float, int]
) -> Iterator[str]:
    """How many windows of how many files; then what was done to how many files."""
    seconds, count = what
    there, silent = sum(len(h.starts) for h in heard), sum(h.silent for h in heard)
    windows = f"{count} window{'s' * (count != 1)} of {seconds:.3g} s"
    spread = f", spread evenly over {there}" if count < there else ""
    files = f"{len(heard)} file{'s' * (len(heard) != 1)}"
    skipped = f", {silent} silent skipped" if silent else ""
    yield f"{folder.name}: {windows} from {files}{spread}{skipped}"
    kinds = Counter(note.kind for note in notes)
    if kinds:
        done = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        yield f"{folder.name}: of {files} {done}"
    if clipped := sum(h.clipped for h in heard):
        yield (
            f"{folder.name}: {clipped} of {there} windows are clipped: more than "
            f"{100 * CLIPPED_SHARE:g} % of their samples are at full scale"
        )
