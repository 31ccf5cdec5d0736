"""Logarithms of energies in numpy, float64 inside: what the kinds with a logarithm are made of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from toolkit.features.fields import LogFields, MelLogFields
from toolkit.features.framing import Samples
from toolkit.features.mel import mel_filterbank
from toolkit.features.spectrum import strengths

Array = NDArray[np.float64]


def log_unit(spec: LogFields) -> float:
    """Features per unit of the natural logarithm: 1 for ln; dB are 10 log10 of a power."""
    if spec.log == "ln":
        return 1.0
    return (20.0 / spec.power if spec.log == "db" else 1.0) / math.log(10.0)


def least_share(spec: LogFields) -> float:
    """The energy ``top_db`` below another, over that; 0 where it is not limited."""
    return float(10.0 ** (-spec.top_db * spec.power / 20.0)) if spec.top_db else 0.0


def logarithms(energy: Array, divisor: Array, spec: LogFields) -> Array:
    """Features of energies [rows, values] that the level divides by ``divisor`` [rows, 1], before
    ``mean`` and ``deviation``."""
    floor = spec.floor * divisor
    audible = np.maximum(energy, floor) if spec.flooring == "max" else energy + floor
    # The level's gain is an offset of the logarithm.
    logs = log_unit(spec) * (np.log(audible) - np.log(divisor))
    if spec.top_db:
        logs = np.maximum(logs, logs.max() + log_unit(spec) * math.log(least_share(spec)))
    return np.asarray(logs)


def standardised(values: Array, spec: LogFields) -> Array:
    """Less ``mean``, over ``deviation``."""
    return np.asarray((values - np.array(spec.mean)) / np.array(spec.deviation))


def log_bands(samples: Samples, spec: MelLogFields) -> Array:
    """Logarithms [rows, n_mels] of one clip; rows = ``spec.rows_for_samples(len(samples))``.

    ``samples`` [n] are int16, or floats in fractions of full scale.  The result equals, row by
    row, ``librosa.feature.melspectrogram`` of the level-normalised signal, floored, followed by
    ``power_to_db`` (``amplitude_to_db`` for magnitudes) or ln.  InputError as ``as_fractions``.
    """
    bands, divisor = strengths(samples, spec, mel_filterbank(spec).T)
    return logarithms(bands, divisor, spec)


def log_line(spec: LogFields) -> str:
    """Floor, logarithm and what follows it, in words."""
    decibels = "10 log10" if spec.power == 2.0 else "20 log10"
    logarithm = {"db": decibels, "ln": "ln", "log10": "log10"}[spec.log]
    floored = (
        f"max(energy, {spec.floor:g})" if spec.flooring == "max" else f"energy + {spec.floor:g}"
    )
    top = f", at most {spec.top_db:g} dB below the clip's largest" if spec.top_db else ""
    many = "one each" if max(len(spec.mean), len(spec.deviation)) > 1 else ""
    mean, deviation = many or f"{spec.mean[0]:g}", many or f"{spec.deviation[0]:g}"
    plain = (spec.mean, spec.deviation) == ((0.0,), (1.0,))
    constants = "" if plain else f", less a mean ({mean}), over a deviation ({deviation})"
    return f"{logarithm}({floored}){top}{constants}"
