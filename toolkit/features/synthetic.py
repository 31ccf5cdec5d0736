"""Speech-like audio made from nothing, for calibration when there is no recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SYLLABLE_SECONDS = 0.2
_HARMONICS = 40

#: First three formants in Hz of a few vowels (Peterson & Barney 1952, rounded means).
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
_BANDWIDTH_HZ = 120.0


def speech_like(seconds: float, sample_rate_hz: int, seed: int) -> NDArray[np.int16]:
    """int16 samples: voiced syllables with gliding pitch, hiss and pauses between them.

    The seed also sets the speaker's pitch (90 to 250 Hz) and the loudness (-40 to -10 dB of full
    scale), so that a few seeds cover what a microphone hears.
    """
    rng = np.random.default_rng(seed)
    total = max(1, round(seconds * sample_rate_hz))
    length = round(_SYLLABLE_SECONDS * sample_rate_hz)
    pitch_hz = rng.uniform(90.0, 250.0)
    parts = []
    for _ in range(-(-total // length)):
        kind = rng.choice(3, p=(0.65, 0.2, 0.15))
        noise = rng.standard_normal(length)
        if kind == 0:
            parts.append(_vowel(length, sample_rate_hz, pitch_hz * rng.uniform(0.8, 1.25), rng))
        else:
            parts.append(noise * (0.1 if kind == 1 else 0.002) * np.hanning(length))
    samples = np.concatenate(parts)[:total] + 1e-4 * rng.standard_normal(total)
    loudness = 10.0 ** (rng.uniform(-40.0, -10.0) / 20.0)
    scaled = samples / max(float(np.abs(samples).max()), 1e-9) * loudness
    return np.asarray(np.round(scaled * 32767.0), np.int16)


def _vowel(
    length: int, sample_rate_hz: int, pitch_hz: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Harmonics under the resonances of one vowel, with attack and decay."""
    formants = np.array(_VOWELS[rng.integers(len(_VOWELS))], np.float64)
    glide = np.linspace(1.0, rng.uniform(0.85, 1.15), length)
    phase = 2.0 * np.pi * np.cumsum(pitch_hz * glide) / sample_rate_hz
    orders = np.arange(1, _HARMONICS + 1)
    orders = orders[orders * pitch_hz * 1.2 < sample_rate_hz / 2]
    distance = (orders[:, None] * pitch_hz - formants) / _BANDWIDTH_HZ
    levels = (1.0 / (1.0 + distance**2)).sum(axis=1) + 0.02 / orders
    voiced: NDArray[np.float64] = levels @ np.sin(orders[:, None] * phase)
    return voiced * np.hanning(length)
