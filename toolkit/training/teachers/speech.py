"""What teachers that hear waveforms share: batches of clips, padded, masked, and their answers."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.training.teachers.base import Floats, Rated, Samples, fractions

#: Samples from one frame of the encoders to the next.
_HOP = 320


class SpeechTeacher:
    """A network of waveforms as a `Teacher`.

    ``forward`` of the network takes waveforms [N, samples] and a mask of them, True where there is
    sound, and gives outputs [N, 3] and embeddings [N, width].  Where ``together`` is False, clips
    of different lengths never share a batch: a network that normalises over time hears padding.
    """

    def __init__(self, name: str, sha256: str, network: nn.Module, together: bool) -> None:
        self.name, self.sha256, self._together = name, sha256, together
        local = int(os.environ.get("LOCAL_RANK", "0"))  # of the processes that torchrun started
        device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
        self.network = network.to(device).eval()
        self._device = device

    def rate(self, clips: Sequence[Samples]) -> Rated:
        groups: dict[int, list[int]] = {}
        for number, clip in enumerate(clips):
            groups.setdefault(0 if self._together else len(clip), []).append(number)
        answers: dict[int, tuple[Floats, Floats]] = {}
        for members in groups.values():
            outputs, embeddings = self._rate([clips[n] for n in members])
            answers |= zip(members, zip(outputs, embeddings, strict=True), strict=True)
        outputs, embeddings = (
            np.stack([answers[n][part] for n in range(len(clips))]) for part in (0, 1)
        )
        return Rated(outputs, embeddings)

    def _rate(self, clips: Sequence[Samples]) -> tuple[Floats, Floats]:
        waveforms, mask = padded([fractions(clip) for clip in clips])
        with torch.inference_mode():
            outputs, embeddings = self.network(waveforms.to(self._device), mask.to(self._device))
        return outputs.float().cpu().numpy(), embeddings.float().cpu().numpy()


def padded(clips: Sequence[Floats]) -> tuple[Tensor, Tensor]:
    """Clips as one batch [N, longest], zeros at their ends, and where there is sound."""
    lengths = torch.tensor([len(clip) for clip in clips])
    waveforms = torch.zeros(len(clips), int(lengths.max()))
    for row, clip in zip(waveforms, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    return waveforms, torch.arange(waveforms.shape[1]) < lengths[:, None]


def normalised(waveforms: Tensor, mask: Tensor) -> Tensor:
    """Each clip with mean 0 and variance 1 over its sound, silent where it is padded."""
    count = mask.sum(dim=1, keepdim=True)
    mean = (waveforms * mask).sum(dim=1, keepdim=True) / count
    centred = (waveforms - mean) * mask
    variance = centred.square().sum(dim=1, keepdim=True) / count
    return centred / torch.sqrt(variance + 1e-7)


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean [N, width] over those frames of ``hidden`` [N, frames, width] where the mask is True."""
    weights = mask.to(hidden)[:, :, None]
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def frames_of_hop(mask: Tensor, frames: int) -> Tensor:
    """Frames [N, frames] that begin within the sound, one every 20 ms."""
    lengths = (mask.sum(dim=1, keepdim=True) - 1) // _HOP + 1
    return torch.arange(frames, device=mask.device) < lengths
