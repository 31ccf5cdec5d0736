"""Tables and constants of the micro_frontend kind's C code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.features.c_tables import (
    CTable,
    Parts,
    band_literals,
    fft_roots,
    fft_twiddles,
    integer_literals,
    pair_literals,
    sparse_bands,
)
from toolkit.features.kinds.micro_tables import (
    NOISE_BITS,
    SNR_BITS,
    MicroFields,
    correction_bits,
    gain_table,
    hann_q12,
    log2_table,
    mel_channels,
)

_ONE = 32767
_MULTIPLIER_SHIFT = 24


def micro_parts(spec: MicroFields, scale: float, zero_point: int) -> Parts:
    """Everything of the kind, for an int8 model input of that quantisation."""
    micro, points = spec.micro, spec.fft_samples // 2
    first = 4 if points.bit_length() % 2 else 2
    # The first pass of radix 4 has factors too: all one, but one is 32767 / 32768.
    start = 1 if first == 4 else 2
    radices = (4,) * ((points // start).bit_length() // 2)
    twiddles = _q15(fft_twiddles(start, radices))
    roots = _q15(fft_roots((np.arange(1, points // 2 + 1) / points + 0.5) / 2.0))
    starts, rows = sparse_bands(mel_channels(spec).matrix())
    weights = np.concatenate(rows)
    defines = {
        "FFT_SAMPLES": f"{spec.fft_samples}u",
        "FFT_FIRST": str(first),
        "FFT_TWIDDLES": f"{len(twiddles)}u",
        "BANDS": f"{spec.n_mels}u",
        "MICRO_WEIGHTS": f"{len(weights)}u",
        "MICRO_SMOOTHING_BITS": str(micro.smoothing_bits),
        "MICRO_EVEN_SMOOTHING": f"{_noise_bits(micro.even_smoothing)}u",
        "MICRO_ODD_SMOOTHING": f"{_noise_bits(micro.odd_smoothing)}u",
        "MICRO_LEAST_SIGNAL": f"{_noise_bits(micro.min_signal_remaining)}u",
        "MICRO_CORRECTION_BITS": f"({correction_bits(spec)})",
        "MICRO_LOG_SHIFT": str(micro.log_shift),
        "MICRO_MULTIPLIER": str(round(micro.output_scale / scale * (1 << _MULTIPLIER_SHIFT))),
        "MICRO_MULTIPLIER_SHIFT": str(_MULTIPLIER_SHIFT),
        "ZERO_POINT": f"({zero_point})",
    }
    tables = [
        CTable("int16_t", "tk_micro_window", integer_literals(hann_q12(spec.frame_samples))),
        CTable("tk_micro_complex", "tk_micro_twiddles", twiddles),
        CTable("tk_micro_complex", "tk_micro_roots", roots),
        CTable("tk_micro_channel", "tk_micro_channels", band_literals(starts, rows)),
        CTable("uint16_t", "tk_micro_weights", integer_literals(weights)),
        CTable("uint16_t", "tk_micro_logarithms", integer_literals(log2_table())),
    ]
    if micro.pcan:
        defines["MICRO_GAIN_SHIFT"] = str(micro.gain_bits - correction_bits(spec) - SNR_BITS)
        tables.append(CTable("int32_t", "tk_micro_gains", integer_literals(gain_table(spec))))
    return Parts(defines, tuple(tables))


def _noise_bits(share: float) -> int:
    return int(np.float32(share) * (1 << NOISE_BITS))


def _q15(values: NDArray[np.complex128]) -> tuple[str, ...]:
    """Initialisers {real, imaginary} in 1/32767."""
    re, im = (np.floor(0.5 + _ONE * part).astype(np.int64) for part in (values.real, values.imag))
    return pair_literals(re, im)
