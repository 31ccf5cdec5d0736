"""Speech and what recordings do to it: signals that features must not stumble over."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from toolkit.features.audio import load_clip
from toolkit.resources import data_dir

RATE_HZ = 16_000
SIGNALS = ("speech", "quiet", "offset", "clipped", "jump", "hiss", "silence")


@cache
def signals() -> dict[str, NDArray[np.int16]]:
    """A second each, int16 at ``RATE_HZ``, by the names in ``SIGNALS``."""
    path = data_dir("models") / "wav2small" / "demo_clip.wav"
    speech = load_clip(path, RATE_HZ).samples.astype(np.float64)
    full = speech / np.abs(speech).max()
    hiss = np.random.default_rng(0).standard_normal(len(speech))
    jump = np.where(np.arange(len(speech)) < len(speech) // 2, 1e-3, 1.0)
    made = {
        "speech": speech,
        "quiet": 32767 * full * 1e-3,
        "offset": 32767 * (0.4 * full + 0.5),
        "clipped": 32767 * 8.0 * full,
        "jump": 32767 * full * jump,
        "hiss": 3.0 * hiss,
        "silence": 0.0 * speech,
    }
    return {name: np.clip(np.round(made[name]), -32768, 32767).astype(np.int16) for name in SIGNALS}
