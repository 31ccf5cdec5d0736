"""Audio files to int16 clips, and clips to the length a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.features.recording import Note, NoteKind, SampleCounts, open_recording
from toolkit.features.spec import FeatureSpec


@dataclass(frozen=True)
class Clip:
    """One channel of int16 ``samples`` [n] and what was done to the original to get it."""

    samples: NDArray[np.int16]
    notes: tuple[Note, ...] = ()


def load_clip(path: str | Path, sample_rate_hz: int, most: int | None = None) -> Clip:
    """Read any file libsndfile knows as one int16 channel at ``sample_rate_hz``, ``most`` samples
    of it at most: memory does not grow with the rest.

    16-bit mono at that rate comes back unchanged, with its offset, its silence and its clipping;
    wider samples are rounded.  Mixing down, resampling (soxr, HQ), clipping, a file that is cut
    off, a clip of nothing but zeros and what was left out are noted.  AudioError when the file
    cannot be read, is empty or holds NaN or samples in other units, or its rate is none that
    recordings have.
    """
    recording = open_recording(Path(path), sample_rate_hz)
    parts: list[NDArray[np.int16]] = []
    count = clipped = 0
    stopped = False
    for block in recording.blocks():
        parts.append(block.samples)
        count += len(block.samples)
        clipped += block.clipped
        if stopped := most is not None and count > most:
            break
    samples = np.concatenate(parts)[:most]
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    notes = recording.notes(SampleCounts(count, clipped, peak, is_whole=not stopped))
    if stopped:
        have, want = recording.seconds, len(samples) / sample_rate_hz
        notes += (Note("cropped", f"cropped from {have:.3f} s to {want:.3f} s"),)
    return Clip(samples, notes)


def fit_clip(samples: NDArray[np.int16], spec: FeatureSpec, rows: int) -> Clip:
    """Crop ``samples`` [n] at the end, or pad with zeros, to just what gives ``rows`` rows.

    The note is left out where only samples that complete no row are dropped.
    """
    wanted = spec.samples_for_rows(rows)
    fitted = samples[:wanted]
    notes: tuple[Note, ...] = ()
    if len(samples) < wanted:
        fitted = np.pad(samples, (0, wanted - len(samples)))
        notes = (_length_note("padded with silence", len(samples), wanted, spec),)
    elif spec.rows_for_samples(len(samples)) > rows:
        notes = (_length_note("cropped", len(samples), wanted, spec),)
    return Clip(fitted, notes)


def _length_note(what: NoteKind, have: int, want: int, spec: FeatureSpec) -> Note:
    rate = spec.sample_rate_hz
    return Note(what, f"{what} from {have / rate:.3f} s to {want / rate:.3f} s")
