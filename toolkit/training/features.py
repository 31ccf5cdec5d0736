"""The features in torch: a batch at a time, differentiable, with the numpy reference's arithmetic.

Window, filter bank, DCT and the recursion of the running level are the reference's own; only the
array library differs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from toolkit.errors import UnsupportedError
from toolkit.features.framing import hann_window
from toolkit.features.kinds.mfcc import dct_matrix
from toolkit.features.level import follow
from toolkit.features.log_bands import log_unit
from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import FeatureSpec


def extract(samples: Tensor, spec: FeatureSpec) -> Tensor:
    """Features [batch, rows, row_values] of clips [batch, n], fractions of full scale.

    In the samples' own float type.  UnsupportedError for kinds that have no form here, such as
    "micro_frontend", whose integers have no gradient.
    """
    if spec.kind not in _FORMS:
        raise UnsupportedError(
            f"features: kind '{spec.kind}' has no torch form.",
            "Compute it with toolkit.features.extract before training.",
        )
    padded = torch.nn.functional.pad(samples, (spec.padding_samples, spec.padding_samples))
    frames = padded.unfold(-1, spec.frame_samples, spec.hop_samples)
    mean, square = _frame_levels(samples, frames, spec)
    return _FORMS[spec.kind](frames - mean[..., None], square[..., None], spec)


def _raw(frames: Tensor, square: Tensor, spec: FeatureSpec) -> Tensor:
    return frames / square.sqrt()


def _mfcc(frames: Tensor, square: Tensor, spec: FeatureSpec) -> Tensor:
    bands = _log_bands(frames, square, spec)
    return bands @ torch.from_numpy(dct_matrix(spec).T).to(bands)


def _log_bands(frames: Tensor, square: Tensor, spec: FeatureSpec) -> Tensor:
    window = torch.from_numpy(hann_window(spec.frame_samples)).to(frames)
    filterbank = torch.from_numpy(mel_filterbank(spec).T.copy()).to(frames)
    spectrum = torch.fft.rfft(frames * window, spec.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    energy = (power if spec.power == 2.0 else power.sqrt()) @ filterbank
    divisor = square if spec.power == 2.0 else square.sqrt()
    floor = spec.floor * divisor
    audible = torch.maximum(energy, floor) if spec.flooring == "max" else energy + floor
    return log_unit(spec) * (audible.log() - divisor.log())


def _frame_levels(samples: Tensor, frames: Tensor, spec: FeatureSpec) -> tuple[Tensor, Tensor]:
    """Mean to subtract and mean square to divide by, both [batch, rows]."""
    level = spec.level
    zeros = torch.zeros_like(frames[..., 0])
    if level.mode == "fixed":
        return zeros, zeros + level.gain**-2
    if level.mode == "clip":
        variance, mean = torch.var_mean(samples, dim=-1, correction=0, keepdim=True)
        return zeros + mean, zeros + variance + level.epsilon
    variances, means = torch.var_mean(frames, dim=-1, correction=0)
    followed = list(follow(means.unbind(-1), variances.unbind(-1), spec))
    mean, variance = (torch.stack([pair[i] for pair in followed], dim=-1) for i in (0, 1))
    return mean, variance + level.epsilon


#: By kind: features of frames less their mean, [batch, rows, n], and their mean squares
#: [batch, rows, 1].
_FORMS = {"log_mel": _log_bands, "mfcc": _mfcc, "raw": _raw}
