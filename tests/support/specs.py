"""Specifications made of others."""

from __future__ import annotations

from typing import Any

from toolkit.features.spec import FeatureSpec, Mfcc, Spectrogram


def as_mfcc(spec: FeatureSpec, **changes: Any) -> Mfcc:
    """The cepstral coefficients of the bands of ``spec``."""
    return Mfcc(**{**vars(spec), **changes})


def as_spectrogram(spec: FeatureSpec, **changes: Any) -> Spectrogram:
    """The spectra that ``spec`` takes its bands of."""
    known = {name: value for name, value in vars(spec).items() if name in _SPECTRAL}
    return Spectrogram(**{**known, **changes})


_SPECTRAL = Spectrogram.__dataclass_fields__
