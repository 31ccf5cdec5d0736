"""Audio as a model hears it: samples of a clip, and their features by the numpy reference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from toolkit.errors import AudioError, InputError
from toolkit.features.audio import Clip, fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.metadata import MAX_CLIP_SECONDS
from toolkit.features.recording import Note
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.model.inputs import audio_files

#: The harness' clip buffer holds 4 Mi samples.
MAX_CLIP_SAMPLES = 4 * 1024 * 1024 - 65_536


@dataclass(frozen=True, eq=False)
class Audio:
    """A clip: int16 ``samples`` [n], float ``features`` [rows, row_values], and what was done to
    the file to get them."""

    path: Path
    spec: FeatureSpec
    samples: NDArray[np.int16]
    features: NDArray[np.float32]
    notes: tuple[Note, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.spec.sample_rate_hz

    @property
    def sha256(self) -> str:
        """The hash of the samples."""
        return hashlib.sha256(self.samples.astype("<i2").tobytes()).hexdigest()

    @property
    def rows(self) -> int:
        return len(self.features)

    @property
    def issues(self) -> tuple[Issue, ...]:
        return tuple(Issue("audio", f"{self.path.name}: {note}") for note in self.notes)


def load_audio(path: Path, spec: FeatureSpec, graph: Graph, whole: bool) -> Audio:
    """The ``whole`` clip (up to a minute), or cropped or padded to what the input of ``graph``
    holds.

    Raises AudioError for an unusable file, InputError where features do not fit the input.
    """
    entry = graph.tensors[graph.inputs[0]]
    if len(graph.free_inputs) != 1 or entry.elements % spec.row_values:
        raise InputError(
            f"features of {spec.row_values} values a row do not fit the model's inputs "
            f"{[list(graph.tensors[name].shape) for name in graph.free_inputs]}.",
            hint="Give the feature specification that the model was trained with.",
        )
    rows = entry.elements // spec.row_values
    longest = round(MAX_CLIP_SECONDS * spec.sample_rate_hz)
    clip = load_clip(path, spec.sample_rate_hz, longest)
    if whole:
        rows = _rows(path, spec, len(clip.samples))
    fitted = fit_clip(clip.samples, spec, rows)
    return _heard(path, spec, Clip(fitted.samples, (*clip.notes, *fitted.notes)))


def load_whole_audio(path: Path, spec: FeatureSpec) -> list[Audio]:
    """The clip, or every clip of the folder, called ``path``, at its own length.

    Raises AudioError for one that gives no row or is longer than the harness holds, InputError for
    a folder without audio.
    """
    clips = []
    for file in audio_files(path) if path.is_dir() else [path]:
        clip = load_clip(file, spec.sample_rate_hz, MAX_CLIP_SAMPLES + 1)
        if len(clip.samples) > MAX_CLIP_SAMPLES:
            raise AudioError(
                f"{file}: a clip may have at most {MAX_CLIP_SAMPLES} samples; it has more.",
                "Cut it.",
            )
        _rows(file, spec, len(clip.samples))
        clips.append(_heard(file, spec, clip))
    return clips


def _rows(path: Path, spec: FeatureSpec, count: int) -> int:
    """Rows of a clip of ``count`` samples; AudioError where there are none."""
    rows = spec.rows_for_samples(count)
    if rows == 0:
        least = spec.samples_for_rows(1)
        raise AudioError(
            f"{path}: too short: {count} samples at {spec.sample_rate_hz} Hz give no row of "
            f"features, which takes {least}.",
            "Give a longer clip.",
        )
    return rows


def made_up_audio(spec: FeatureSpec, samples: NDArray[np.int16]) -> Audio:
    """int16 ``samples`` [n] that come from no file."""
    return _heard(Path("made-up"), spec, Clip(samples, ()))


def _heard(path: Path, spec: FeatureSpec, clip: Clip) -> Audio:
    return Audio(path, spec, clip.samples, extract(clip.samples, spec), clip.notes)
