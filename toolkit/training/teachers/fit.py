"""Training of a dual encoder's adapters and head on rated recordings.

``python -m toolkit.training.teachers.fit CONFIG.toml --out FOLDER``; the folder is then a teacher
of `toolkit teach`.  Every draw comes from (seed, step).
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from toolkit.errors import InputError, ToolkitError
from toolkit.features.audio import load_clip
from toolkit.training.config import Corpus
from toolkit.training.losses import ccc_loss, mse_loss
from toolkit.training.manifest import Recording, load_manifest
from toolkit.training.tables import number, read_table
from toolkit.training.teachers.base import SAMPLE_RATE_HZ, Floats, fractions
from toolkit.training.teachers.dual import DualEncoder, DualSpec, make_dual, save_dual
from toolkit.training.teachers.speech import padded


@dataclass(frozen=True)
class FitConfig:
    """The two encoders and how their adapters are trained; corpora are those of `toolkit train`."""

    whisper: str
    wavlm: str
    corpus: tuple[Corpus, ...]
    rank: int = number(8, 1)
    hidden: int = number(64, 1)
    seed: int = number(0)
    steps: int = number(500, 1)
    batch: int = number(8, 2)
    crop_seconds: float = number(4.0, 0.2, 30.0)
    learning_rate: float = number(1e-3, 1e-9)
    mse: float = number(2.0)


def load_fit_config(path: Path) -> FitConfig:
    """Read a CONFIG.toml; InputError, one line, when it cannot be used.

    An encoder that is a folder is named from the config's own.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        for key in ("whisper", "wavlm"):
            if isinstance(data.get(key), str) and (path.parent / data[key]).is_dir():
                data[key] = str(path.parent / data[key])
        return read_table(FitConfig, data, path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.", "Give a .toml.") from None
    except ValueError as error:
        raise InputError(f"{path}: {error}.", "docs/TRAINING.md lists the keys.") from None


def fit(config: FitConfig, tell: Callable[[int, float], None]) -> DualEncoder:
    """Train adapters and head on the recordings in the split "train"; ``tell`` hears of steps and
    their losses.  Raises as `load_manifest` and `make_dual`."""
    recordings = [r for c in config.corpus for r in load_manifest(c) if r.split == "train"]
    if len(recordings) < config.batch:
        raise InputError(
            f"{len(recordings)} recordings are in the split 'train'; a batch has {config.batch}.",
            "Name more speakers, or a smaller batch.",
        )
    torch.manual_seed(config.seed)
    model = make_dual(DualSpec(config.whisper, config.wavlm, config.rank, config.hidden))
    clips = [fractions(load_clip(r.path, SAMPLE_RATE_HZ).samples) for r in recordings]
    with torch.no_grad():
        mean = np.mean([r.target for r in recordings], axis=0)
        model.out.bias.copy_(torch.from_numpy(mean))
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    model.train()
    for step in range(config.steps):
        chosen, pieces = _drawn(config, step, clips)
        targets, weights = _targets([recordings[n] for n in chosen])
        outputs, _ = model(*padded(pieces))
        loss = ccc_loss(outputs, targets, weights) + config.mse * mse_loss(
            outputs, targets, weights
        )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        tell(step + 1, loss.item())
    model.eval()
    return model


def _drawn(config: FitConfig, step: int, clips: Sequence[Floats]) -> tuple[list[int], list[Floats]]:
    """Numbers of a step's recordings, and a stretch of each."""
    rng = np.random.default_rng((config.seed, step))
    chosen = rng.choice(len(clips), config.batch, replace=False).tolist()
    most = round(config.crop_seconds * SAMPLE_RATE_HZ)
    starts = [int(rng.integers(max(0, len(clips[n]) - most) + 1)) for n in chosen]
    return chosen, [clips[n][s : s + most] for n, s in zip(chosen, starts, strict=True)]


def _targets(recordings: Sequence[Recording]) -> tuple[torch.Tensor, torch.Tensor]:
    targets = torch.from_numpy(np.stack([r.target for r in recordings]))
    return targets, torch.tensor([r.weight for r in recordings])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()

    def tell(step: int, loss: float) -> None:
        if step % 50 == 0:
            print(f"step {step}: loss {loss:.3f}", file=sys.stderr)

    try:
        save_dual(fit(load_fit_config(arguments.config), tell), arguments.out)
    except ToolkitError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
