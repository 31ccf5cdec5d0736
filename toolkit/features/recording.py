"""Audio files as int16 blocks at the rate a model wants: memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import AudioError
from toolkit.features.framing import FULL_SCALE

if TYPE_CHECKING:
    import soundfile

INT16_MAX = 32767
#: Rates that recordings have; a header that says otherwise is damaged, and resampling would
#: take any amount of memory.
_RATES_HZ = (4_000, 384_000)
#: Values, of all channels together, that are read at once: 1 MB as float64.
_BLOCK_VALUES = 128 * 1024

NoteKind = Literal[
    "mixed down to one channel", "resampled", "clipped", "silent", "cropped", "padded with silence"
]


@dataclass(frozen=True)
class Note:
    """What was done to a recording: ``kind`` for counting, ``text`` with the figures."""

    kind: NoteKind
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive int16 ``samples`` [n] of one channel, ``clipped`` of them cut at full scale."""

    samples: NDArray[np.int16]
    clipped: int


@dataclass(frozen=True)
class Recording:
    """An audio file that can be read, as one channel at ``sample_rate_hz``."""

    path: Path
    sample_rate_hz: int
    file_rate_hz: int
    channels: int

    def blocks(self) -> Iterator[Block]:
        """The samples from first to last.

        16-bit mono at the rate comes back unchanged; wider samples are rounded, channels are mixed
        down, other rates resampled (soxr, HQ).  AudioError for a file that is damaged, empty or
        holds NaN.
        """
        heard = 0
        for mono in self._at_rate():
            heard += len(mono)
            scaled = np.round(mono * FULL_SCALE)
            samples = np.clip(scaled, -FULL_SCALE, INT16_MAX).astype(np.int16)
            yield Block(samples, int(np.count_nonzero(samples != scaled)))
        if heard == 0:
            raise AudioError(f"{self.path}: too short to resample to {self.sample_rate_hz} Hz.")

    def notes(self, clipped: int, is_silent: bool) -> tuple[Note, ...]:
        """What reading it did: how many samples were ``clipped``, whether it ``is_silent``."""
        notes: list[Note] = []
        if self.channels > 1:
            text = f"mixed {self.channels} channels down to one"
            notes.append(Note("mixed down to one channel", text))
        if self.file_rate_hz != self.sample_rate_hz:
            text = f"resampled from {self.file_rate_hz} Hz to {self.sample_rate_hz} Hz"
            notes.append(Note("resampled", text))
        if clipped:
            notes.append(Note("clipped", f"clipped {clipped} samples at full scale"))
        if is_silent:
            notes.append(Note("silent", "nothing but digital silence"))
        return tuple(notes)

    def _at_rate(self) -> Iterator[NDArray[np.float64]]:
        """One channel at the wanted rate, in fractions of full scale."""
        if self.file_rate_hz == self.sample_rate_hz:
            yield from self._mono()
            return
        import soxr

        stream = soxr.ResampleStream(
            self.file_rate_hz, self.sample_rate_hz, 1, dtype="float64", quality="HQ"
        )
        for mono in self._mono():
            yield stream.resample_chunk(mono)
        yield stream.resample_chunk(np.zeros(0), last=True)

    def _mono(self) -> Iterator[NDArray[np.float64]]:
        frames, read = max(1, _BLOCK_VALUES // self.channels), 0
        with _opened(self.path) as file:
            while len(audio := _read(self.path, file, frames)):
                read += len(audio)
                yield audio.mean(axis=1)
        if read == 0:
            raise AudioError(
                f"{self.path}: holds no samples.", "Give a clip of at least one frame."
            )


def open_recording(path: Path, sample_rate_hz: int) -> Recording:
    """The recording in a file of any format that libsndfile knows.

    AudioError when it cannot be read or its rate is none that recordings have.
    """
    if not path.is_file():
        raise AudioError(f"{path}: no such audio file.")
    with _opened(path) as file:
        rate_hz, channels = int(file.samplerate), int(file.channels)
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise AudioError(
            f"{path}: the sample rate must be in [{_RATES_HZ[0]}, {_RATES_HZ[1]}] Hz; "
            f"the file says {rate_hz} Hz.",
            "Resample it first, or correct its header.",
        )
    return Recording(path, sample_rate_hz, rate_hz, channels)


def _opened(path: Path) -> soundfile.SoundFile:
    import soundfile

    try:
        return soundfile.SoundFile(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None


def _read(path: Path, file: soundfile.SoundFile, frames: int) -> NDArray[np.float64]:
    """The next samples [at most frames, channels] in fractions of full scale; none at the end."""
    import soundfile

    try:
        audio: NDArray[np.float64] = file.read(frames, dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from None
    if not np.isfinite(audio).all():
        raise AudioError(
            f"{path}: holds NaN or infinite samples.", "Export it again as 16-bit PCM."
        )
    return audio


def _unreadable(path: Path, error: Exception) -> AudioError:
    reason = str(error).replace("\n", " ")
    return AudioError(f"{path}: cannot be read as audio; {reason}", "Use WAV, FLAC, OGG or MP3.")
