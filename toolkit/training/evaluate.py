"""CCC of a Wav2Small checkpoint on a corpus: ``python -m toolkit.training.evaluate --help``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from toolkit.features.extract import extract
from toolkit.features.spec import FeatureSpec
from toolkit.metrics import concordance
from toolkit.training.checkpoint import load_checkpoint
from toolkit.training.data import EMODB_SPLIT, Clip, load_emodb, load_emotale, of_speakers
from toolkit.training.wav2small import LABELS, Wav2Small


def predict(model: Wav2Small, features: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """A/D/V [N, 3] of N feature arrays [rows, 26], each of its own length."""
    model.eval()
    with torch.inference_mode():
        outputs = [model.trunk(torch.from_numpy(x)[None, None]) for x in features]
    return np.asarray(torch.cat(outputs).numpy(), dtype=np.float32)


def concordances(prediction: NDArray[np.floating], clips: Sequence[Clip]) -> dict[str, float]:
    """CCC per label of predictions [N, 3] against the clips' targets."""
    targets = np.stack([clip.target for clip in clips])
    return {
        label: round(concordance(prediction[:, i], targets[:, i]), 4)
        for i, label in enumerate(LABELS)
    }


def evaluate(
    model: Wav2Small, spec: FeatureSpec, clips: Sequence[Clip], rows: int | None = None
) -> dict[str, float]:
    """CCC per label on ``clips``, on their first ``rows`` feature rows or on all of them."""
    return concordances(predict(model, [extract(c.samples, spec)[:rows] for c in clips]), clips)


@click.command()
@click.option("--model", "checkpoint", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--corpus", type=click.Choice(["emodb", "emotale"]), required=True)
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--rows", type=click.IntRange(min=8), help="Only the first rows (499: one second).")
def main(checkpoint: Path, corpus: str, data: Path, rows: int | None) -> None:
    """Print the CCC of CHECKPOINT as JSON: Emo-DB by split, EmoTale as a whole."""
    torch.set_num_threads(1)
    model, spec = load_checkpoint(checkpoint)
    if corpus == "emodb":
        clips = load_emodb(data)
        parts = {part: of_speakers(clips, who) for part, who in EMODB_SPLIT.items()}
    else:
        parts = {"all": load_emotale(data)}
    result = {part: evaluate(model, spec, clips, rows) for part, clips in parts.items()}
    click.echo(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
