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
from toolkit.features.wav import WavHeader, read_header

if TYPE_CHECKING:
    import soundfile

INT16_MAX = 32767
#: Floating-point samples above this many times full scale are in other units.
_MOST_FLOAT = 16.0
#: A file lacks so much, in seconds and (of files that may state but an estimate, as MP3) of its
#: length, where it is said to be cut off.
_LEAST_CUT_S = 0.01
_LEAST_CUT = 0.05
#: 24-bit samples in the low bytes of 32 lie below this part of full scale.
_LOW = 2.0**-8
#: Rates that recordings have; a header that says otherwise is damaged, and resampling would
#: take any amount of memory.
_RATES_HZ = (4_000, 384_000)
#: Values, of all channels together, that are read at once: 1 MB as float64.
_BLOCK_VALUES = 128 * 1024

NoteKind = Literal[
    "mixed down to one channel",
    "resampled",
    "clipped",
    "silent",
    "cropped",
    "padded with silence",
    "cut off",
    "low-justified",
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
class SampleCounts:
    """What was found while reading: samples at the wanted rate, how many were ``clipped``, the
    largest in magnitude, and whether that was all of the file."""

    count: int
    clipped: int
    peak: int
    is_whole: bool = True


@dataclass(frozen=True)
class Recording:
    """An audio file that can be read, as one channel at ``sample_rate_hz``; ``stated_frames`` is
    what its header promises, ``header`` that of a WAV file."""

    path: Path
    sample_rate_hz: int
    file_rate_hz: int
    channels: int
    stated_frames: int
    header: WavHeader | None = None

    @property
    def seconds(self) -> float:
        """How long it is, by its header."""
        return self.stated_frames / self.file_rate_hz

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

    def notes(self, heard: SampleCounts) -> tuple[Note, ...]:
        """What reading it did, and what is odd about it."""
        notes = list(self._header_notes(heard))
        clipped = heard.clipped
        if self.channels > 1:
            text = f"mixed {self.channels} channels down to one"
            notes.append(Note("mixed down to one channel", text))
        if self.file_rate_hz != self.sample_rate_hz:
            text = f"resampled from {self.file_rate_hz} Hz to {self.sample_rate_hz} Hz"
            notes.append(Note("resampled", text))
        if clipped:
            notes.append(Note("clipped", f"clipped {clipped} samples at full scale"))
        if heard.peak == 0:
            notes.append(Note("silent", "nothing but digital silence"))
        return tuple(notes)

    def _header_notes(self, heard: SampleCounts) -> Iterator[Note]:
        """What the header says that the samples do not bear out."""
        have = heard.count / self.sample_rate_hz
        least = _LEAST_CUT_S if self.header is not None else _LEAST_CUT * self.seconds
        if heard.is_whole and self.seconds - have > max(least, _LEAST_CUT_S):
            text = f"cut off: the header states {self.seconds:.3f} s, the file has {have:.3f} s"
            yield Note("cut off", text)
        header = self.header
        if (
            header is not None
            and header.container_bits == 32
            and header.sample_bits == 24
            and 0 < heard.peak / FULL_SCALE <= _LOW
        ):
            text = "states 24 bits in 32 and peaks below -48 dB: its samples may stand 8 bits low"
            yield Note("low-justified", text)

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
    header = read_header(path)
    if header is not None:
        _require_one_part(path, header)
    with _opened(path) as file:
        rate_hz, channels, frames = int(file.samplerate), int(file.channels), int(file.frames)
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise AudioError(
            f"{path}: the sample rate must be in [{_RATES_HZ[0]}, {_RATES_HZ[1]}] Hz; "
            f"the file says {rate_hz} Hz.",
            "Resample it first, or correct its header.",
        )
    if header is not None and header.stated_frames is not None:
        frames = header.stated_frames
    return Recording(path, sample_rate_hz, rate_hz, channels, frames, header)


def _require_one_part(path: Path, header: WavHeader) -> None:
    """Raise AudioError unless the header of a WAV file says where its samples are."""
    if header.data_chunks > 1:
        raise AudioError(
            f"{path}: holds {header.data_chunks} data chunks; a WAV file has one.",
            "Export it again.",
        )
    if header.unstated_bytes:
        raise AudioError(
            f"{path}: its header states no samples, as of a recording that was never finished; "
            f"{header.unstated_bytes} bytes follow.",
            "Repair its header, for example with `ffmpeg -i IN.wav OUT.wav` or sox "
            "--ignore-length.",
        )


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
    if len(audio) and np.abs(audio).max() > _MOST_FLOAT:
        raise AudioError(
            f"{path}: holds floating-point samples up to {np.abs(audio).max():g}; they must be "
            "fractions of full scale, from -1 to 1.",
            "Divide them by 32768 where they are in units of 16 bits.",
        )
    return audio


def _unreadable(path: Path, error: Exception) -> AudioError:
    reason = str(error).replace("\n", " ")
    if "does not exist" in reason and path.is_file():
        reason = "it holds nothing that can be decoded."  # what libsndfile says of such an MP3
    return AudioError(f"{path}: cannot be read as audio; {reason}", "Use WAV, FLAC, OGG or MP3.")
