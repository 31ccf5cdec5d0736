"""Wav2Small: a VGG-7 trunk over log-mel frames with attention pooling, about 10,800 weights.

Written from the published description (Kounadis-Bastian et al., "Wav2Small: Distilling Wav2Vec2
to 72K Parameters for Low-Resource Speech Emotion Recognition", arXiv 2408.13920) and the model
card of ``audeering/wav2small``.  Parameter and buffer names are the published ones, so that the
published safetensors load unchanged.  Outputs are arousal, dominance, valence, about 0..1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from toolkit.features.mel import mel_filterbank
from toolkit.features.spec import WAV2SMALL, WAV2SMALL_RUNNING, FeatureSpec
from toolkit.training.nets.base import Student

SPEC = WAV2SMALL_RUNNING
"""The published features with a level that streams."""

FRAME_SAMPLES = WAV2SMALL.frame_samples
BINS = FRAME_SAMPLES // 2 + 1
CHANNELS = 13
POOLED_BANDS = WAV2SMALL.n_mels // 2


class ConvBlock(nn.Module):  # type: ignore[misc]
    """3x3 convolution without bias, batch normalisation, ReLU; keeps T and bands."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, CHANNELS, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Spectrogram(nn.Module):  # type: ignore[misc]
    """Power spectrum ``[N, T, 33]`` of ``[N, samples]``: two frozen convolutions, DFT x Hann."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_real = nn.Conv1d(1, BINS, FRAME_SAMPLES, stride=WAV2SMALL.hop_samples, bias=False)
        self.conv_imag = nn.Conv1d(1, BINS, FRAME_SAMPLES, stride=WAV2SMALL.hop_samples, bias=False)
        n = torch.arange(FRAME_SAMPLES, dtype=torch.float64)
        window = 0.5 - 0.5 * torch.cos(2 * math.pi * n / FRAME_SAMPLES)
        # The product k*n modulo the frame keeps the angles small, hence exact to the last bit.
        turns = (torch.outer(torch.arange(BINS), torch.arange(FRAME_SAMPLES)) % FRAME_SAMPLES) * (
            2 * math.pi / FRAME_SAMPLES
        )
        with torch.no_grad():
            self.conv_real.weight.copy_((torch.cos(turns) * window)[:, None, :])
            self.conv_imag.weight.copy_((-torch.sin(turns) * window)[:, None, :])
        self.requires_grad_(False)

    def forward(self, waveform: Tensor) -> Tensor:
        x = waveform[:, None, :]
        power = self.conv_real(x).square() + self.conv_imag(x).square()
        return power.transpose(1, 2)


class LogMel(nn.Module):  # type: ignore[misc]
    """``10*log10(max(power @ melW, amin))``; ``melW`` is ``[33 bins, 26 bands]``."""

    amin: Tensor

    def __init__(self) -> None:
        super().__init__()
        mel_weights = torch.from_numpy(mel_filterbank(WAV2SMALL).T).float()
        self.melW = nn.Parameter(mel_weights.contiguous(), requires_grad=False)
        self.register_buffer("amin", torch.tensor(WAV2SMALL.floor))

    def forward(self, power: Tensor) -> Tensor:
        return 10.0 * torch.log10(torch.maximum(power @ self.melW, self.amin))


class Vgg7(nn.Module):  # type: ignore[misc]
    """Front end, seven convolution blocks, attention pooling over time."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrogram_extractor = Spectrogram()
        self.logmel_extractor = LogMel()
        self.l1 = ConvBlock(1)
        self.l2 = ConvBlock(CHANNELS)
        self.l3 = ConvBlock(CHANNELS)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.l4 = ConvBlock(CHANNELS)
        self.l5 = ConvBlock(CHANNELS)
        self.l6 = ConvBlock(CHANNELS)
        self.l7 = ConvBlock(CHANNELS)
        self.lin = nn.Conv2d(CHANNELS, CHANNELS, kernel_size=1)
        self.sof = nn.Conv2d(CHANNELS, CHANNELS, kernel_size=1)

    def features(self, waveform: Tensor) -> Tensor:
        """Log-mel ``[N, 1, T, 26]`` in dB of ``[N, samples]``, level-normalised by the caller."""
        features: Tensor = self.logmel_extractor(self.spectrogram_extractor(waveform))
        return features[:, None]

    def forward(self, features: Tensor) -> Tensor:
        """Pooled ``[N, 13 channels, 13 bands]`` of log-mel ``[N, 1, T, 26]``."""
        x = self.l3(self.l2(self.l1(features)))
        x = self.maxpool(x)
        x = self.l7(self.l6(self.l5(self.l4(x))))
        weights = torch.softmax(self.sof(x), dim=2)
        return (self.lin(x) * weights).sum(dim=2)


def gram_rows(pooled: Tensor) -> Tensor:
    """``[N, 338]`` of pooled values ``[N, 13, 13]``: channel after channel, its 13 bands and then
    its row of the Gram matrix."""
    gram = torch.matmul(pooled, pooled.transpose(1, 2))
    return torch.flatten(torch.cat([pooled, gram], dim=2), start_dim=1)


class Wav2Small(Student):
    """The whole network; ``trunk`` starts at the features, ``forward`` at the waveform."""

    def __init__(self, spec: FeatureSpec = SPEC, outputs: int = 3) -> None:
        super().__init__()
        self.vgg7 = Vgg7()
        self.adv = nn.Linear(2 * CHANNELS * POOLED_BANDS, outputs)

    def embed(self, features: Tensor) -> Tensor:
        return gram_rows(self.vgg7(features))

    def forward(self, waveform: Tensor) -> Tensor:
        """A/D/V ``[N, 3]`` of 16 kHz waveforms ``[N, samples]``, levels over the whole clip."""
        centred = waveform - waveform.mean(dim=1, keepdim=True)
        level = torch.sqrt(centred.square().mean(dim=1, keepdim=True) + WAV2SMALL.level.epsilon)
        return self.trunk(self.vgg7.features(centred / level))
