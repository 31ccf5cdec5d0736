"""Mel-frequency cepstral coefficients in numpy: the DCT-II of log-mel rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.framing import Samples
from toolkit.features.kinds.log_mel import log_bands
from toolkit.features.spec import FeatureSpec


def dct_matrix(spec: FeatureSpec) -> NDArray[np.float64]:
    """[n_mfcc, n_mels]: row k is sqrt(2 / n_mels) cos(pi k (m + 1/2) / n_mels), m = 0, 1, ..

    With ``mfcc_norm`` "ortho" row 0 is divided by sqrt(2), which makes the full matrix orthogonal
    (scipy's and librosa's ``norm="ortho"``); "htk" leaves it, as HTK and TensorFlow do.
    """
    k = np.arange(spec.n_mfcc)[:, None]
    m = np.arange(spec.n_mels) + 0.5
    matrix = np.sqrt(2.0 / spec.n_mels) * np.cos(np.pi * k * m / spec.n_mels)
    if spec.mfcc_norm == "ortho":
        matrix[0] /= np.sqrt(2.0)
    return np.asarray(matrix)


def mfcc(samples: Samples, spec: FeatureSpec) -> NDArray[np.float32]:
    """Features [rows, n_mfcc] of one clip; ``samples`` and errors as ``log_mel``."""
    return (log_bands(samples, spec) @ dct_matrix(spec).T).astype(np.float32)
