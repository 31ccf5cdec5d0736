"""First training of Wav2Small on Emo-DB: ``python -m toolkit.training.train --help``."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from toolkit.features.extract import extract
from toolkit.features.spec import WAV2SMALL_RUNNING, FeatureSpec
from toolkit.training.augment import augmented_features
from toolkit.training.checkpoint import save_checkpoint
from toolkit.training.data import EMODB_SPLIT, Clip, load_emodb, of_speakers
from toolkit.training.evaluate import concordances, evaluate, predict
from toolkit.training.export import export_onnx
from toolkit.training.wav2small import LABELS, Wav2Small

_BATCH = 28
_ROWS = (320, 680)  # 0.64 s to 1.36 s of audio
_LEARNING_RATE = 2.5e-3
_WEIGHT_DECAY = 2e-2
_AVERAGE_DECAY = 0.98  # weights and statistics averaged over about 50 steps
_MSE_WEIGHT = 2.0
_STEPS_PER_VALIDATION = 50
_VALIDATION_ROWS = (499, 999)


def ccc_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """1 - CCC over the batch, mean of the labels; [N, 3] each, N > 1, targets not constant."""
    x = prediction - prediction.mean(dim=0)
    y = target - target.mean(dim=0)
    offset = prediction.mean(dim=0) - target.mean(dim=0)
    spread = x.square().mean(dim=0) + y.square().mean(dim=0) + offset.square()
    return (1.0 - 2.0 * (x * y).mean(dim=0) / spread).mean()


def train(
    data_dir: Path,
    out_dir: Path,
    seed: int = 0,
    steps: int = 500,
    spec: FeatureSpec = WAV2SMALL_RUNNING,
) -> dict[str, dict[str, float]]:
    """Train on Emo-DB's six training speakers; keep the weights best on the two of validation.

    The weights kept are running averages over the last steps, not those of one step.

    Writes ``model.safetensors``, ``model.onnx`` and ``metrics.json`` to ``out_dir`` and returns
    the CCC per split.  One thread, every draw from ``seed``: same inputs, same bytes on the same
    machine and torch.  InputError when the corpus is not there.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    clips = load_emodb(data_dir)
    parts = {part: of_speakers(clips, who) for part, who in EMODB_SPLIT.items()}
    model = _fit(parts["train"], parts["validation"], spec, steps, np.random.default_rng(seed))
    metrics = {part: evaluate(model, spec, part_clips) for part, part_clips in parts.items()}
    out_dir.mkdir(parents=True, exist_ok=True)
    save_checkpoint(model, spec, out_dir / "model.safetensors")
    export_onnx(model, spec, out_dir / "model.onnx")
    (out_dir / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return metrics


def _fit(
    clips: list[Clip],
    validation: list[Clip],
    spec: FeatureSpec,
    steps: int,
    rng: np.random.Generator,
) -> Wav2Small:
    """The averaged network with the best validation score met on the way."""
    model = Wav2Small()
    model.to(memory_format=torch.channels_last)  # faster convolutions on CPUs
    _start_at_mean(model, clips)
    average = AveragedModel(
        model, multi_avg_fn=get_ema_multi_avg_fn(_AVERAGE_DECAY), use_buffers=True
    )
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=_LEARNING_RATE,
        weight_decay=_WEIGHT_DECAY,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=_LEARNING_RATE, total_steps=steps, pct_start=0.15
    )
    validation_features = [extract(clip.samples, spec) for clip in validation]
    best, best_score = Wav2Small(), -1.0
    for step in range(1, steps + 1):
        model.train()
        features, targets = _batch(clips, spec, rng)
        prediction = model.trunk(features)
        error = torch.nn.functional.mse_loss(prediction, targets)
        loss = ccc_loss(prediction, targets) + _MSE_WEIGHT * error
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(model)
        if step % _STEPS_PER_VALIDATION == 0 or step == steps:
            score = _score(average.module, validation_features, validation)
            click.echo(f"step {step}: loss {loss.item():.3f}, validation CCC {score:.3f}", err=True)
            if score > best_score:
                best_score = score
                best.load_state_dict(average.module.state_dict())
    best.eval()
    return best


def _start_at_mean(model: Wav2Small, clips: list[Clip]) -> None:
    mean = np.mean([clip.target for clip in clips], axis=0)
    with torch.no_grad():
        model.adv.weight.mul_(0.1)
        model.adv.bias.copy_(torch.from_numpy(mean))


def _batch(clips: list[Clip], spec: FeatureSpec, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A batch of one length, every emotion equally often: features [N, 1, T, 26], targets."""
    rows = int(rng.integers(*_ROWS))
    emotions = sorted({clip.emotion for clip in clips})
    chosen = []
    for emotion in emotions:
        members = [clip for clip in clips if clip.emotion == emotion]
        picks = rng.choice(len(members), size=_BATCH // len(emotions), replace=False)
        chosen += [members[i] for i in picks]
    features = np.stack([augmented_features(c.samples, rows, spec, rng) for c in chosen])
    targets = np.stack([clip.target for clip in chosen])
    return torch.from_numpy(features)[:, None], torch.from_numpy(targets)


def _score(model: Wav2Small, features: list[NDArray[np.float32]], clips: list[Clip]) -> float:
    """Mean CCC over labels and over clips cut to one and to two seconds."""
    scores = []
    for rows in _VALIDATION_ROWS:
        ccc = concordances(predict(model, [x[:rows] for x in features]), clips)
        scores += [ccc[label] for label in LABELS]
    return float(np.mean(scores))


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Emo-DB's folder.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--steps", type=click.IntRange(min=2), default=500, show_default=True)
def main(data: Path, out: Path, seed: int, steps: int) -> None:
    """Train Wav2Small on Emo-DB and print the CCC of every split."""
    click.echo(json.dumps(train(data, out, seed, steps), indent=2))


if __name__ == "__main__":
    main()
