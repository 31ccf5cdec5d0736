"""The features in torch: a batch at a time, differentiable, with the numpy reference's arithmetic.

Window, filter bank, DCT and the recursion of the running level are the reference's own; only the
array library differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from toolkit.errors import UnsupportedError
from toolkit.features.fields import SpectrumFields
from toolkit.features.kinds.mfcc import dct_matrix
from toolkit.features.level import follow
from toolkit.features.log_bands import least_share, log_unit
from toolkit.features.mel import mel_filterbank
from toolkit.features.rows import EPSILON, delta_filters
from toolkit.features.spec import FeatureSpec, LogMel, Mfcc, Raw
from toolkit.features.window import window


def extract(samples: Tensor, spec: FeatureSpec) -> Tensor:
    """Features [batch, rows, row_values] of clips [batch, n], fractions of full scale.

    In the samples' own float type.  UnsupportedError for kinds that have no form here, such as
    "micro_frontend", whose integers have no gradient.
    """
    if isinstance(spec, Raw):
        frames, square = _levelled(samples, spec)
        return frames / square.sqrt()
    if not isinstance(spec, LogMel):
        raise UnsupportedError(
            f"features: kind '{spec.kind}' has no torch form.",
            "Compute it with toolkit.features.extract before training.",
        )
    values = _log_bands(samples, spec)
    if isinstance(spec, Mfcc):
        values = values @ torch.from_numpy(dct_matrix(spec).T).to(values)
    values = (values - values.new_tensor(spec.mean)) / values.new_tensor(spec.deviation)
    return _finished(values, spec)


def _log_bands(samples: Tensor, spec: LogMel) -> Tensor:
    if spec.emphasises_clip:
        samples = samples - spec.pre_emphasis * pad(samples, (1, 0))[..., :-1]
    frames, square = _levelled(samples, spec)
    if spec.remove_dc:
        frames = frames - frames.mean(dim=-1, keepdim=True)
    if spec.pre_emphasis and not spec.emphasises_clip:
        before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
        frames = frames - spec.pre_emphasis * before
    filterbank = torch.from_numpy(mel_filterbank(spec).T.copy()).to(frames)
    spectrum = torch.fft.rfft(frames * torch.from_numpy(window(spec)).to(frames), spec.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    energy = (power if spec.power == 2.0 else power.sqrt()) @ filterbank
    divisor = square if spec.power == 2.0 else square.sqrt()
    floor = spec.floor * divisor
    audible = torch.maximum(energy, floor) if spec.flooring == "max" else energy + floor
    logs = audible.log() - divisor.log()
    if spec.top_db:
        largest = logs.amax(dim=(-2, -1), keepdim=True)
        logs = torch.maximum(logs, largest + logs.new_tensor(least_share(spec)).log())
    return log_unit(spec) * logs


def _finished(rows: Tensor, spec: LogMel) -> Tensor:
    """Rows [batch, n, values] as the model takes them; `toolkit.features.rows` in torch."""
    parts = [rows]
    for weights in delta_filters(spec):
        reach = len(weights) // 2
        first, last = rows[..., :1, :], rows[..., -1:, :]
        padded = torch.cat([first] * reach + [rows] + [last] * reach, dim=-2)
        parts.append(padded.unfold(-2, len(weights), 1) @ torch.from_numpy(weights).to(rows))
    found = torch.cat(parts, dim=-1)
    if spec.normalise == "clip":
        count = max(1, found.shape[-2] - 1)
        centred = found - found.mean(dim=-2, keepdim=True)
        square = centred.square().sum(dim=-2, keepdim=True) / count
        found = centred / (square.sqrt() + EPSILON)
    if spec.stack == spec.stack_step == 1:
        return found
    return found.unfold(-2, spec.stack, spec.stack_step).transpose(-1, -2).flatten(-2)


def _levelled(samples: Tensor, spec: FeatureSpec) -> tuple[Tensor, Tensor]:
    """Frames less the level's mean [batch, rows, n], and its mean squares [batch, rows, 1]."""
    count = spec.padding_samples
    mirrored = isinstance(spec, SpectrumFields) and spec.is_mirrored
    padded = pad(samples, (count, count), mode="reflect" if mirrored else "constant")
    frames = padded.unfold(-1, spec.frame_samples, spec.hop_samples)
    mean, square = _frame_levels(samples, frames, spec)
    return frames - mean[..., None], square[..., None]


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
    followed: Sequence[tuple[Tensor, Tensor]] = list(
        follow(means.unbind(-1), variances.unbind(-1), spec)
    )
    mean, variance = (torch.stack([pair[i] for pair in followed], dim=-1) for i in (0, 1))
    return mean, variance + level.epsilon
