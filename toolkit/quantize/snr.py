"""The accuracy figure of a conversion."""

from __future__ import annotations

import math

import numpy as np

from toolkit.ir.tensor import Array


def int8_snr_db(float_outputs: Array, int_outputs: Array) -> float:
    """Signal-to-noise ratio of dequantised outputs against the float model's, in dB.

    10·log10 of the variance of the float outputs over the mean squared error, pooled over outputs
    and test cases, each output's mean removed from the signal.  Both arrays have the test cases on
    the first axis and real values; infinite when they are equal, NaN when the signal is constant.
    """
    signal = np.asarray(float_outputs, np.float64)
    error = np.asarray(int_outputs, np.float64).reshape(signal.shape) - signal
    variance = float(np.mean((signal - signal.mean(axis=0)) ** 2))
    noise = float(np.mean(error**2))
    if variance == 0.0:
        return math.nan
    return math.inf if noise == 0.0 else 10.0 * math.log10(variance / noise)
