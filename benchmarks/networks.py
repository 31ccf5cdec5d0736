"""Small networks trained briefly on Emo-DB, on which conversion is measured.

``python -m benchmarks.networks --data $TOOLKIT_DATA/emodb --out build/networks`` writes one ONNX
file each (a few minutes, one thread, the same bytes on the same machine and torch).  They are
measuring objects, no products: seven acted emotions from one second of speech, in four shapes that
devices run.
"""

from __future__ import annotations

import argparse
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from toolkit.features.extract import extract
from toolkit.features.spec import METADATA_KEY, LevelSpec, LogMel
from toolkit.training.data import EMODB_SPLIT, Clip, load_emodb, of_speakers

SPEC = LogMel(
    16_000, 512, 160, LevelSpec("running"), n_mels=40, f_min_hz=0.0, f_max_hz=8000.0, log="ln"
)
ROWS = SPEC.rows_for_samples(16_000)
CONTEXT_ROWS = 5  # what the autoencoder sees
#: Emo-DB's.
CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
_BATCH = 32
_LEARNING_RATE = 2e-3
_NOISE = 0.5  # added to features in training

Floats = NDArray[np.float32]


def _conv(i: int, o: int, kernel: tuple[int, int], stride: int = 1, groups: int = 1) -> nn.Module:
    padding = (kernel[0] // 2, kernel[1] // 2)
    convolution = nn.Conv2d(i, o, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(o))


class DsCnn(nn.Module):  # type: ignore[misc]
    """Depthwise-separable convolutions, the shape of MLPerf Tiny's keyword spotter."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        layers = [_conv(1, channels, (9, 5), 2), nn.ReLU()]
        for _ in range(3):
            layers += [_conv(channels, channels, (3, 3), groups=channels), nn.ReLU()]
            layers += [_conv(channels, channels, (1, 1)), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(channels, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class SqueezeExcite(nn.Module):  # type: ignore[misc]
    """A gate for each channel from the channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, channels // 4, 1)
        self.up = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = functional.relu(self.down(functional.adaptive_avg_pool2d(x, 1)))
        return x * functional.hardsigmoid(self.up(gate))


class InvertedResidual(nn.Module):  # type: ignore[misc]
    """MobileNetV3's block: expand, depthwise, squeeze-excite, project, add where shapes allow."""

    def __init__(self, i: int, o: int, hidden: int, stride: int, excite: bool, hard: bool) -> None:
        super().__init__()
        activation = nn.Hardswish if hard else nn.ReLU
        layers = [_conv(i, hidden, (1, 1)), activation()]
        layers += [_conv(hidden, hidden, (3, 3), stride, hidden), activation()]
        if excite:
            layers.append(SqueezeExcite(hidden))
        self.body = nn.Sequential(*layers, _conv(hidden, o, (1, 1)))
        self.adds = stride == 1 and i == o

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.adds else self.body(x)


class MobileNetV3(nn.Module):  # type: ignore[misc]
    """MobileNetV3-Small in little."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(1, 16, (3, 3), 2),
            nn.Hardswish(),
            InvertedResidual(16, 16, 16, 2, True, False),
            InvertedResidual(16, 24, 48, 1, False, False),
            InvertedResidual(24, 24, 64, 1, True, True),
            InvertedResidual(24, 32, 64, 2, True, True),
            InvertedResidual(32, 32, 96, 1, True, True),
            _conv(32, 96, (1, 1)),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(96, 64),
            nn.Hardswish(),
        )
        self.head = nn.Linear(64, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Conv1d(nn.Module):  # type: ignore[misc]
    """One-dimensional convolutions over time, mel bands as channels."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, o in ((SPEC.n_mels, 32), (32, 32), (32, 48)):
            layers += [nn.Conv1d(i, o, 7, 2, 3, bias=False), nn.BatchNorm1d(o), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten())
        self.head = nn.Linear(48, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x[:, 0].transpose(1, 2)))


class Autoencoder(nn.Module):  # type: ignore[misc]
    """Dense layers around a bottleneck of eight, the shape of MLPerf Tiny's anomaly detector."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, o in ((CONTEXT_ROWS * SPEC.n_mels, 64), (64, 64), (64, 8), (8, 64), (64, 64)):
            layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(64, CONTEXT_ROWS * SPEC.n_mels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@dataclass(frozen=True)
class Recipe:
    """How one network is made."""

    make: Callable[[], nn.Module]
    steps: int
    reconstructs: bool = False


RECIPES = {
    "ds_cnn": Recipe(DsCnn, 250),
    "mobilenet_v3": Recipe(MobileNetV3, 300),
    "conv_1d": Recipe(Conv1d, 300),
    "autoencoder": Recipe(Autoencoder, 1500, reconstructs=True),
}


def inputs(name: str, clips: list[Clip]) -> Floats:
    """Inputs of a network, ``[n, 1, ROWS, mels]``, or contexts ``[n, rows * mels]``."""
    features = [extract(clip.samples, SPEC) for clip in clips]
    if not RECIPES[name].reconstructs:
        return np.stack([f[:ROWS][None] for f in features])
    starts = range(0, ROWS - CONTEXT_ROWS, 12)
    return np.stack([f[s : s + CONTEXT_ROWS].reshape(-1) for f in features for s in starts])


def train(name: str, data: Path) -> nn.Module:
    """Fit a network to Emo-DB's training speakers; every draw is seeded."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    rng, recipe = np.random.default_rng(0), RECIPES[name]
    clips = of_speakers(load_emodb(data), EMODB_SPLIT["train"])
    labels = torch.tensor([CLASSES.index(clip.emotion) for clip in clips])
    x = torch.from_numpy(inputs(name, clips))
    model = recipe.make()
    optimiser = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, recipe.steps)
    for _ in range(recipe.steps):
        picks = torch.from_numpy(rng.choice(len(x), _BATCH, replace=False))
        noise = rng.standard_normal((_BATCH, *x.shape[1:]), np.float32)
        out = model(x[picks] + _NOISE * torch.from_numpy(noise))
        if recipe.reconstructs:
            loss = functional.mse_loss(out, x[picks])
        else:
            loss = functional.cross_entropy(out, labels[picks], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def export(name: str, model: nn.Module, path: Path) -> None:
    """Write a network; where its input is a clip's features, with their specification."""
    shape = (
        (1, CONTEXT_ROWS * SPEC.n_mels) if RECIPES[name].reconstructs else (1, 1, ROWS, SPEC.n_mels)
    )
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, yet its graph is the smaller and cleaner one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model,
            (torch.zeros(shape),),
            buffer,
            opset_version=17,
            input_names=["features"],
            output_names=["output"],
            dynamo=False,
        )
    proto = onnx.load_from_string(buffer.getvalue())
    if not RECIPES[name].reconstructs:
        proto.metadata_props.add(key=METADATA_KEY, value=SPEC.to_json())
    path.write_bytes(proto.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of Emo-DB")
    parser.add_argument("--out", type=Path, required=True, help="folder for the ONNX files")
    parser.add_argument("--only", choices=RECIPES, help="one network")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in [arguments.only] if arguments.only else RECIPES:
        model = train(name, arguments.data)
        export(name, model, arguments.out / f"{name}.onnx")
        print(f"{name}: {accuracy(name, model, arguments.data)}")


def accuracy(name: str, model: nn.Module, data: Path) -> str:
    """What a network does on the speakers it has not heard, in words."""
    clips = of_speakers(load_emodb(data), (*EMODB_SPLIT["validation"], *EMODB_SPLIT["test"]))
    x = torch.from_numpy(inputs(name, clips))
    with torch.no_grad():
        out = model(x)
    if RECIPES[name].reconstructs:
        explained = 1.0 - float((out - x).square().mean() / x.var())
        return f"{100 * explained:.0f} % of the variance reconstructed"
    labels = torch.tensor([CLASSES.index(clip.emotion) for clip in clips])
    right = float((out.argmax(dim=1) == labels).float().mean())
    return f"{100 * right:.0f} % of {len(clips)} clips right, {len(CLASSES)} emotions"


if __name__ == "__main__":
    main()
