"""The real int16 FFT of the micro_frontend kind: radix 4 and 2, every pass scaled down.

Rounding is that of KISS FFT's 16-bit fixed-point mode, which TensorFlow's front-end is built on:
products are rounded to nearest, and dividing by 2 or 4 is a product with 16383 or 8191 / 32768.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Complex = tuple[Int64, Int64]

_ONE = 32767


def real_fft(frames: Int64) -> Complex:
    """Spectrum / N, real and imaginary [rows, N / 2 + 1], of ``frames`` [rows, N] of int16."""
    points = frames.shape[1] // 2
    re, im = _complex_fft(frames[:, 0::2], frames[:, 1::2])
    # Even and odd samples were real and imaginary part: untangle their spectra.
    k = np.arange(1, points // 2 + 1)
    low = _halved(re[:, k]), _halved(im[:, k])
    high = _halved(re[:, points - k]), _halved(-im[:, points - k])
    sum_re, sum_im = low[0] + high[0], low[1] + high[1]
    turned = _times((low[0] - high[0], low[1] - high[1]), _roots(-np.pi * (k / points + 0.5)))
    out_re, out_im = np.zeros((2, len(frames), points + 1), np.int64)
    out_re[:, k], out_im[:, k] = (sum_re + turned[0]) >> 1, (sum_im + turned[1]) >> 1
    out_re[:, points - k] = (sum_re - turned[0]) >> 1
    out_im[:, points - k] = (turned[1] - sum_im) >> 1
    first_re, first_im = _halved(re[:, 0]), _halved(im[:, 0])
    out_re[:, 0], out_re[:, points] = first_re + first_im, first_re - first_im
    return out_re, out_im


def _complex_fft(re: Int64, im: Int64) -> Complex:
    """Decimation in time; [.., n] in and out, scaled by 1 / n."""
    n = re.shape[-1]
    if n == 1:
        return re, im
    radix = 4 if n % 4 == 0 else 2
    parts = [_complex_fft(re[..., i::radix], im[..., i::radix]) for i in range(radix)]
    down = _ONE // radix
    parts = [(_scaled(a, down), _scaled(b, down)) for a, b in parts]
    roots = [_roots(-2.0 * np.pi * i * np.arange(n // radix) / n) for i in range(radix)]
    a = parts[0]
    if radix == 2:
        b = _times(parts[1], roots[1])
        return _joined((a[0] + b[0], a[1] + b[1]), (a[0] - b[0], a[1] - b[1]))
    b, c, d = (_times(parts[i], roots[i]) for i in (1, 2, 3))
    even_re, even_im, odd_re, odd_im = a[0] + c[0], a[1] + c[1], b[0] + d[0], b[1] + d[1]
    skew_re, skew_im, turn_re, turn_im = a[0] - c[0], a[1] - c[1], b[0] - d[0], b[1] - d[1]
    return _joined(
        (even_re + odd_re, even_im + odd_im),
        (skew_re + turn_im, skew_im - turn_re),
        (even_re - odd_re, even_im - odd_im),
        (skew_re - turn_im, skew_im + turn_re),
    )


def _joined(*quarters: Complex) -> Complex:
    re, im = (np.concatenate([q[i] for q in quarters], axis=-1) for i in (0, 1))
    return re, im


def _rounded(product: Int64) -> Int64:
    return (product + (1 << 14)) >> 15


def _scaled(x: Int64, factor: int) -> Int64:
    return _rounded(x * factor)


def _halved(x: Int64) -> Int64:
    return _scaled(x, _ONE // 2)


def _roots(angles: NDArray[np.float64]) -> Complex:
    re, im = (np.floor(0.5 + _ONE * f(angles)).astype(np.int64) for f in (np.cos, np.sin))
    return re, im


def _times(x: Complex, y: Complex) -> Complex:
    return _rounded(x[0] * y[0] - x[1] * y[1]), _rounded(x[0] * y[1] + x[1] * y[0])
