"""Wav2Small as published, in torch, from its description alone: the toolkit's network is not used.

librosa gives window and mel bands, ``torch.fft`` stands beside the DFT that the file holds.
"""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor, nn

SAMPLE_RATE_HZ, POINTS, HOP, BINS, BANDS = 16_000, 64, 32, 33, 26


class Spectrogram(nn.Module):  # type: ignore[misc]
    """``[N, samples]`` to ``[N, T, 33]``: the DFT as two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        window = librosa.filters.get_window("hann", POINTS, fftbins=True)
        transform = np.fft.rfft(np.eye(POINTS))[:, :, None] * window[:, None, None]
        for name, part in (("conv_real", transform.real), ("conv_imag", transform.imag)):
            convolution = nn.Conv1d(1, BINS, POINTS, stride=HOP, bias=False)
            convolution.weight.data = torch.from_numpy(part).float().permute(1, 2, 0).contiguous()
            self.add_module(name, convolution)

    def forward(self, waveform: Tensor) -> Tensor:
        real, imag = self.conv_real(waveform[:, None]), self.conv_imag(waveform[:, None])
        return (real**2 + imag**2).permute(0, 2, 1)


class LogmelFilterBank(nn.Module):  # type: ignore[misc]
    """``[N, T, 33]`` to dB in 26 bands."""

    def __init__(self) -> None:
        super().__init__()
        bands = librosa.filters.mel(
            sr=SAMPLE_RATE_HZ, n_fft=POINTS, n_mels=BANDS, fmin=0, fmax=8000
        )
        self.melW = nn.Parameter(torch.from_numpy(bands.T).float().contiguous())
        self.register_buffer("amin", torch.tensor([1e-10]))

    def forward(self, power: Tensor) -> Tensor:
        return 10.0 * torch.log10(torch.clamp(power @ self.melW, min=self.amin.item()))


class Conv(nn.Module):  # type: ignore[misc]
    """Convolution, norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 13, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(13)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.norm(self.conv(x)))


class Vgg7(nn.Module):  # type: ignore[misc]
    """``[N, 1, T, 26]`` to ``[N, 13 channels, 13 bands]``."""

    def __init__(self) -> None:
        super().__init__()
        for layer in range(1, 8):
            self.add_module(f"l{layer}", Conv(1 if layer == 1 else 13))
        self.lin = nn.Conv2d(13, 13, 1)
        self.sof = nn.Conv2d(13, 13, 1)
        self.spectrogram_extractor = Spectrogram()
        self.logmel_extractor = LogmelFilterBank()

    def forward(self, x: Tensor) -> Tensor:
        for layer in range(1, 8):
            x = getattr(self, f"l{layer}")(x)
            if layer == 3:
                x = nn.functional.max_pool2d(x, 3, stride=2, padding=1)
        logits = self.sof(x)
        exponentials = torch.exp(logits - logits.amax(dim=2, keepdim=True))
        pooled = (self.lin(x) * exponentials).sum(dim=2) / exponentials.sum(dim=2)
        assert isinstance(pooled, Tensor)
        return pooled


class PublishedWav2Small(nn.Module):  # type: ignore[misc]
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg7 = Vgg7()
        self.adv = nn.Linear(169 + 169, 3)

    def features(self, waveform: Tensor) -> Tensor:
        """Log-mel ``[N, 1, T, 26]`` of ``[N, samples]``, normalised by their own level."""
        x = waveform - waveform.mean(dim=1, keepdim=True)
        x = x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-7)
        dB: Tensor = self.vgg7.logmel_extractor(self.vgg7.spectrogram_extractor(x))
        return dB[:, None]

    def head_input(self, features: Tensor) -> Tensor:
        """``[N, 338]``: a channel's 13 pooled bands, its 13 products, the next channel."""
        x = self.vgg7(features)
        return torch.cat([x, x @ x.mT], dim=2).reshape(len(x), 338)

    def trunk(self, features: Tensor) -> Tensor:
        """A/D/V ``[N, 3]`` of log-mel."""
        return self.adv(self.head_input(features))  # type: ignore[no-any-return]

    def forward(self, waveform: Tensor) -> Tensor:
        return self.trunk(self.features(waveform))


def modulated_noise(seconds: float, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Noise and a tone [samples], at the pace of syllables, of another colour for every seed."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    syllables = 0.05 + np.maximum(0.0, np.sin(2 * np.pi * rng.uniform(2, 6) * t + seed)) ** 2
    coloured = lfilter([1.0], [1.0, -rng.uniform(-0.9, 0.95)], rng.standard_normal(len(t)))
    tone = np.sin(2 * np.pi * rng.uniform(100, 6000) * t)
    mixed = coloured / coloured.std() + rng.uniform(0, 2) * tone
    return (0.1 * syllables * mixed).clip(-1, 1).astype(np.float32)


def random_wav2small(seed: int) -> PublishedWav2Small:
    """Random weights, norms that fit them, attention that is not flat, outputs about 1 in size.

    The head is random: no two of its inputs change places unseen, but the equal products of
    channels i and j, j and i.
    """
    torch.manual_seed(seed)
    model = PublishedWav2Small()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None  # the plain mean over what it is shown
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_(0.0, 0.3)
        model.vgg7.sof.weight *= 4.0
        model.train()
        for number in range(2):
            model(torch.from_numpy(modulated_noise(0.5, number))[None])
        model.eval()
        clips = [torch.from_numpy(modulated_noise(0.5, number))[None] for number in range(2, 10)]
        inputs = torch.cat([model.head_input(model.features(clip)) for clip in clips])
        model.adv.weight /= (inputs @ model.adv.weight.mT).std(dim=0)[:, None]
        model.adv.bias.zero_()
        model.adv.bias -= model.adv(inputs).mean(dim=0)
    return model
