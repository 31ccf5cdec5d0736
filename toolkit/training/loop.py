"""The loop: steps of AdamW on drawn batches, averaged weights, a state that resumes exactly."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from toolkit.metrics import concordance
from toolkit.training.batches import Batch, Batches, Clips
from toolkit.training.cache import Features
from toolkit.training.config import LABELS, Config, Optimiser
from toolkit.training.losses import ccc_loss, class_loss, feature_loss, mse_loss, nd_loss
from toolkit.training.nets import make_net
from toolkit.training.nets.base import Student
from toolkit.training.parallel import World

#: Momentum falls while the rate rises, as its authors have it.
_MOMENTUM = (0.95, 0.85)
#: How small the rate starts and ends, as shares of its peak.
_FIRST, _LAST = 1 / 25, 1e-5 / 25
#: The last layer starts small, at the mean of the targets.
_START = 0.1


class Learner(nn.Module):  # type: ignore[misc]
    """A network and its auxiliary heads, which are no part of what is kept: scores of classes, and
    a map to the teacher's embeddings."""

    def __init__(self, net: Student, classes: int, taught: int, dropout: float) -> None:
        super().__init__()
        self.net = net
        width = net.adv.in_features
        self.classes = nn.Linear(width, classes) if classes else None
        self.map = _taught_map(width, taught, dropout) if taught else None

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedded = self.net.embed(features)
        scores = embedded[:, :0] if self.classes is None else self.classes(embedded)
        mapped = embedded[:, :0] if self.map is None else self.map(embedded)
        return self.net.adv(embedded), scores, mapped


def _taught_map(width: int, taught: int, dropout: float) -> nn.Module:
    """From what the last layer sees to the teacher's embeddings."""
    return nn.Sequential(nn.BatchNorm1d(width), nn.Dropout(dropout), nn.Linear(width, taught))


class Trainer:
    """A training under way: ``step`` counts those done, ``average`` is what will be kept."""

    def __init__(self, config: Config, clips: Clips, world: World) -> None:
        torch.set_num_threads(config.threads)
        torch.use_deterministic_algorithms(world.device.type == "cpu")
        torch.manual_seed(config.seed)
        self.config, self.world, self.step = config, world, 0
        self.batches = Batches(config, clips)
        net = make_net(config.net, config.spec, config.shape)
        _start_at(net, self.batches.clips.targets.mean(axis=0))
        classes = self.batches.classes if config.loss.classes else []
        # channels_last: faster convolutions on CPUs
        learner = Learner(net, len(classes), self.batches.taught, config.loss.dropout)
        self.learner = learner.to(world.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.learner.net)
        self.best, self.best_score = copy.deepcopy(net.state_dict()), -math.inf
        self._shared = world.wrapped(self.learner)
        self._optimiser = torch.optim.AdamW(
            [p for p in self.learner.parameters() if p.requires_grad],
            weight_decay=config.optimiser.weight_decay,
        )

    def advance(self) -> float:
        """One step; its loss, which every process knows."""
        config = self.config
        rate, momentum = one_cycle(self.step, config.steps, config.optimiser)
        for group in self._optimiser.param_groups:
            group["lr"], group["betas"] = rate, (momentum, 0.999)
        self.learner.train()
        loss = self._loss(self.batches.draw(self.step, self.world.part))
        self._optimiser.zero_grad()
        (loss * self.world.size).backward()
        nn.utils.clip_grad_norm_(self.learner.parameters(), config.optimiser.clip_norm)
        self._optimiser.step()
        self.step += 1
        _average(self.average, self.learner.net, min(config.ema, self.step / (self.step + 9)))
        value: float = loss.item()
        return value

    def _loss(self, batch: Batch) -> Tensor:
        device, together, weights = self.world.device, self.world.together, self.config.loss
        features = batch.features.to(device, memory_format=torch.channels_last)
        amp = self.config.amp and device.type == "cuda"
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp):
            heads = self._shared(features)
        outputs, scores, mapped = (together(x.float()) for x in heads)
        targets, classes, weight = (
            together(x.to(device)) for x in (batch.targets, batch.classes, batch.weights)
        )
        loss = weights.mse * mse_loss(outputs, targets, weight)
        loss = loss + weights.ccc * ccc_loss(outputs, targets, weight)
        if scores.shape[1]:
            loss = loss + weights.classes * class_loss(scores, classes, weight)
        if mapped.shape[1]:
            teacher, direction, known = (
                together(x.to(device)) for x in (batch.embeddings, batch.directions, batch.guided)
            )
            loss = loss + weights.features * feature_loss(mapped, teacher, known)
            loss = loss + weights.nd * nd_loss(mapped, teacher, direction, known)
        return loss

    def note_score(self, score: float) -> None:
        """Keep the averaged weights if they are the best so far."""
        if score > self.best_score:
            self.best_score, self.best = score, copy.deepcopy(self.average.state_dict())

    def finished(self) -> Student:
        """The network to keep, in evaluation mode, on the CPU."""
        net: Student = copy.deepcopy(self.average)
        if self.config.keep == "best":
            net.load_state_dict(self.best)
        if self.config.recalibrate_bn:
            recalibrate(net, self.batches.clips.clean)
        net.cpu().eval()
        return net

    def state(self) -> dict[str, Any]:
        """All that the steps to come depend on."""
        return {
            "config": self.config.sha256,
            "step": self.step,
            "learner": self.learner.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "best": self.best,
            "best_score": self.best_score,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state` of the same config."""
        self.step, self.best, self.best_score = state["step"], state["best"], state["best_score"]
        self.learner.load_state_dict(state["learner"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])


def one_cycle(step: int, steps: int, how: Optimiser) -> tuple[float, float]:
    """Rate and momentum of a step: cosine up to the peak over ``warmup`` of the steps, and down."""
    peak = how.warmup * steps - 1
    if step <= peak:
        return _cosine(_FIRST, 1.0, step / peak) * how.learning_rate, _cosine(
            *_MOMENTUM, step / peak
        )
    done = (step - peak) / max(1.0, steps - 1 - peak)
    return _cosine(1.0, _LAST, done) * how.learning_rate, _cosine(_MOMENTUM[1], _MOMENTUM[0], done)


def predict(net: Student, clips: Sequence[Features]) -> Features:
    """Outputs [N, 3] of N clips, each whole and of its own length."""
    device = net.adv.weight.device
    net.eval()
    with torch.inference_mode():
        outputs = [net.trunk(torch.from_numpy(x)[None, None].to(device)) for x in clips]
    return np.asarray(torch.cat(outputs).cpu().numpy(), dtype=np.float32)


def concordances(net: Student, clips: Clips) -> dict[str, float]:
    """CCC by label on whole clips."""
    outputs, targets = predict(net, clips.clean), clips.targets
    return {n: round(concordance(outputs[:, i], targets[:, i]), 4) for i, n in enumerate(LABELS)}


def recalibrate(net: Student, clips: Sequence[Features]) -> None:
    """Statistics of the batch normalisations anew: means over clean, whole clips."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over the clips
    net.train()
    with torch.inference_mode():
        for clip in clips:
            net.trunk(torch.from_numpy(clip)[None, None].to(net.adv.weight.device))
    for norm in norms:
        norm.momentum = 0.1
    net.eval()


def _cosine(first: float, last: float, done: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * done)) / 2.0


def _start_at(net: Student, mean: Features) -> None:
    with torch.no_grad():
        net.adv.weight.mul_(_START)
        net.adv.bias.copy_(torch.from_numpy(mean))


def _average(average: Student, net: Student, decay: float) -> None:
    """Move weights and statistics of ``average`` towards ``net``."""
    with torch.no_grad():
        for mine, other in zip(
            average.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mine.is_floating_point():
                mine.lerp_(other, 1.0 - decay)
            else:
                mine.copy_(other)
