"""Features of whole recordings, computed once by the reference that the device is held to."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.spec import FeatureSpec
from toolkit.training.manifest import Recording

Features = NDArray[np.float32]
#: Raise it when the same recording and specification give other features.
_VERSION = 1


def cached_features(
    recordings: Sequence[Recording], sha256: str, spec: FeatureSpec, speed: float, folder: Path
) -> list[Features]:
    """Features [rows, row_values] of each recording, without the digital silence at its ends.

    ``sha256`` is that of all recordings (`digest`).  At another ``speed`` than 1 tempo and pitch
    change together.  AudioError for a file that cannot be read or gives no row.
    """
    key = f"{_VERSION} {sha256} {spec.to_json()} {speed:g}"
    path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return np.split(stored["rows"], stored["ends"][:-1])
    clips = [spoken_features(recording.path, spec, speed) for recording in recordings]
    _write(path, clips)
    return clips


def spoken_features(path: Path, spec: FeatureSpec, speed: float = 1.0) -> Features:
    """Features of one recording, as `cached_features`."""
    samples = np.trim_zeros(load_clip(path, spec.sample_rate_hz).samples)
    if speed != 1.0:
        faster = soxr.resample(samples, spec.sample_rate_hz * speed, spec.sample_rate_hz)
        samples = np.asarray(faster, dtype=np.int16)
    short = spec.samples_for_rows(1) - len(samples)
    return extract(np.pad(samples, (0, max(0, short))), spec)


def _write(path: Path, clips: Iterable[Features]) -> None:
    """Appear whole or not at all, also where two processes write the same."""
    clips = list(clips)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".npz")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, rows=np.concatenate(clips), ends=np.cumsum([len(c) for c in clips]))
    Path(name).replace(path)
