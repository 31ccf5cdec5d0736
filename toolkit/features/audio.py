"""Audio files to int16 clips, and clips to the length a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import AudioError
from toolkit.features.framing import FULL_SCALE
from toolkit.features.spec import FeatureSpec

_INT16_MAX = 32767
#: Rates that recordings have; a header that says otherwise is damaged, and resampling would
#: take any amount of memory.
_RATES_HZ = (4_000, 384_000)


@dataclass(frozen=True)
class Clip:
    """One channel of int16 ``samples`` [n] and what was done to the original to get it."""

    samples: NDArray[np.int16]
    notes: tuple[str, ...] = ()


def load_clip(path: str | Path, sample_rate_hz: int) -> Clip:
    """Read any file libsndfile knows as one int16 channel at ``sample_rate_hz``.

    16-bit mono at that rate comes back unchanged, with its offset, its silence and its clipping;
    wider samples are rounded.  Mixing down, resampling (soxr, HQ), clipping and a clip of nothing
    but zeros are noted.  AudioError when the file cannot be read, is empty or holds NaN, or its
    rate is none that recordings have.
    """
    audio, file_rate_hz = _read(Path(path))
    notes = []
    if audio.shape[1] > 1:
        notes.append(f"mixed {audio.shape[1]} channels down to one")
    mono = audio.mean(axis=1)
    if file_rate_hz != sample_rate_hz:
        import soxr

        mono = soxr.resample(mono, file_rate_hz, sample_rate_hz, quality="HQ")
        notes.append(f"resampled from {file_rate_hz} Hz to {sample_rate_hz} Hz")
        if len(mono) == 0:
            raise AudioError(f"{path}: too short to resample to {sample_rate_hz} Hz.")
    scaled = np.round(mono * FULL_SCALE)
    samples = np.clip(scaled, -FULL_SCALE, _INT16_MAX).astype(np.int16)
    if clipped := int(np.count_nonzero(samples != scaled)):
        notes.append(f"clipped {clipped} samples at full scale")
    if not samples.any():
        notes.append("nothing but digital silence")
    return Clip(samples, tuple(notes))


def fit_clip(samples: NDArray[np.int16], spec: FeatureSpec, rows: int) -> Clip:
    """Crop ``samples`` [n] at the end, or pad with zeros, to just what gives ``rows`` rows.

    The note is left out where only samples that complete no row are dropped.
    """
    wanted = spec.samples_for_rows(rows)
    fitted = samples[:wanted]
    notes: tuple[str, ...] = ()
    if len(samples) < wanted:
        fitted = np.pad(samples, (0, wanted - len(samples)))
        notes = (_length_note("padded with silence", len(samples), wanted, spec),)
    elif spec.rows_for_samples(len(samples)) > rows:
        notes = (_length_note("cropped", len(samples), wanted, spec),)
    return Clip(fitted, notes)


def _length_note(what: str, have: int, want: int, spec: FeatureSpec) -> str:
    rate = spec.sample_rate_hz
    return f"{what} from {have / rate:.3f} s to {want / rate:.3f} s"


def _read(path: Path) -> tuple[NDArray[np.float64], int]:
    """Samples [n, channels] in fractions of full scale, and the sample rate in Hz."""
    import soundfile

    if not path.is_file():
        raise AudioError(f"{path}: no such audio file.")
    try:
        audio, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).replace("\n", " ")
        raise AudioError(
            f"{path}: cannot be read as audio; {reason}", "Use WAV, FLAC, OGG or MP3."
        ) from None
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise AudioError(
            f"{path}: the sample rate must be in [{_RATES_HZ[0]}, {_RATES_HZ[1]}] Hz; "
            f"the file says {rate_hz} Hz.",
            "Resample it first, or correct its header.",
        )
    if audio.size == 0:
        raise AudioError(f"{path}: holds no samples.", "Give a clip of at least one frame.")
    if not np.isfinite(audio).all():
        raise AudioError(
            f"{path}: holds NaN or infinite samples.", "Export it again as 16-bit PCM."
        )
    return audio, int(rate_hz)
