"""A causal network that takes noise out of speech, trained here, on the simulated core.

``python -m benchmarks.denoiser [--dry-run]`` trains on Emo-DB's training speakers in noise made by
numpy (minutes, one thread, every draw seeded), builds the network for Cortex-M4, runs a minute of
speech that it has not heard, and writes the table of docs/RESULTS.md.  It is a measuring object, no
product: a plain mask of mel bands, one row a frame, as networks of this kind have.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.documents import RESULTS, write_generated
from benchmarks.tables import markdown
from toolkit.deploy.model import load
from toolkit.deploy.run import Run
from toolkit.features.extract import extract
from toolkit.features.framing import Samples, as_fractions, cut_frames
from toolkit.features.mel import hz_to_mel, mel_filterbank
from toolkit.features.spec import METADATA_KEY, LevelSpec, LogMel
from toolkit.features.window import window
from toolkit.measurement import Provenance
from toolkit.model.clip_ranges import clip_ranges, with_ranges
from toolkit.quantize.outputs import decoded, real
from toolkit.quantize.snr import int8_snr_db
from toolkit.targets import load_target
from toolkit.training.data import EMODB_SPLIT, load_emodb, of_speakers

MODULE = "benchmarks.denoiser"
TARGET = "cortex-m4"
#: Frames of 32 ms every 8 ms; the running level stands in for a gain control.
SPEC = LogMel(
    sample_rate_hz=16_000,
    frame_samples=512,
    hop_samples=128,
    level=LevelSpec("running"),
    n_mels=40,
    f_min_hz=0.0,
    f_max_hz=8000.0,
    floor=1e-6,
    deviation=(10.0,),
)
CHANNELS = 48
DILATIONS = (1, 2, 4, 8, 16)
TEST_SNR_DB = 5.0
_TRAIN_SNR_DB = (-5.0, 15.0)
_NOISE_SECONDS = 5  # the noise of a test clip is another every so often
_BATCH = 16
_CALIBRATING = 64  # clips that give the ranges
_LEARNING_RATE = 3e-3

TEXT = """\
A mask of {bands} mel bands a frame (32 ms every 8 ms): {layers} dilated convolutions that look back
over {past} frames and not ahead, {weights:,} weights. It was trained here, {steps} steps, on
Emo-DB's training speakers (Burkhardt et al., Interspeech 2005) in coloured noise made by numpy; the
weights are not shipped. The ONNX file carries features and ranges, and is built as by
`toolkit build --target {target}`; the clip is {seconds} s of the two test speakers, {snr_db:g} dB
over noise of the same kind. The firmware is linked before the length of the clip is known, so its
RAM does not depend on it. The delay is that of a row, from the first sample of its frame. Wrong
bytes: against the batch model. Cycles: counted instructions × the core's timing table, features
included; mean and worst of the first frames, up to 511. Real time is that of {mhz:g} MHz. Float is
PyTorch on float features. Masks are laid over the spectrum by numpy on the workstation; the ideal
one is the share of speech in every band's power, which the network was trained to find.
"""

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """How much is trained and heard: clips of two utterances, steps, seconds of the test."""

    clips: int = 960
    steps: int = 2000
    seconds: int = 60


class Denoiser(nn.Module):  # type: ignore[misc]
    """Features [1, T, bands] to a mask [1, T, bands] in 0..1: dilated convolutions, each with a
    way around it, that look back only."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv1d(SPEC.n_mels, CHANNELS, 1)
        self.layers = nn.ModuleList(nn.Conv1d(CHANNELS, CHANNELS, 3, dilation=d) for d in DILATIONS)
        self.leave = nn.Conv1d(CHANNELS, SPEC.n_mels, 1)

    def logits(self, x: Tensor) -> Tensor:
        y = functional.relu(self.enter(x.transpose(1, 2)))
        for layer, dilation in zip(self.layers, DILATIONS, strict=True):
            y = y + functional.relu(layer(functional.pad(y, (2 * dilation, 0))))
        return self.leave(y).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(x))


# --- sound ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Mixture:
    """Speech and noise [n], fractions of full scale; ``noisy`` is their sum as int16."""

    speech: Floats
    noise: Floats

    @property
    def noisy(self) -> NDArray[np.int16]:
        return np.round(32768.0 * (self.speech + self.noise)).astype(np.int16)


def coloured_noise(rng: np.random.Generator, count: int) -> Floats:
    """Noise [count] of a random slope (0 to -6 dB an octave) and three humps, that swells."""
    hz = np.fft.rfftfreq(count, 1.0 / SPEC.sample_rate_hz) + 50.0
    gain = hz ** -rng.uniform(0.0, 1.0)
    for centre in rng.uniform(np.log(100.0), np.log(6000.0), 3):
        gain *= 1.0 + rng.uniform(0.0, 4.0) * np.exp(-(((np.log(hz) - centre) / 0.3) ** 2))
    phases = np.exp(2j * np.pi * rng.random(len(hz)))
    knots = rng.uniform(0.4, 1.0, 2 + count // 8000)
    swell = np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
    return np.asarray(np.fft.irfft(gain * phases, count) * swell)


def mix(speech: NDArray[np.int16], rng: np.random.Generator, snr_db: float) -> Mixture:
    """Speech in noise of that ratio, as loud as leaves room for both."""
    clean, step = as_fractions(speech, SPEC), _NOISE_SECONDS * SPEC.sample_rate_hz
    counts = [min(step, len(clean) - start) for start in range(0, len(clean), step)]
    parts = [coloured_noise(rng, count) for count in counts]
    noise = np.concatenate([part / np.sqrt(np.mean(part**2)) for part in parts])
    noise *= np.sqrt(np.mean(clean**2)) * 10.0 ** (-snr_db / 20.0)
    loud = 0.9 / np.abs(clean + noise).max()
    return Mixture(loud * clean, loud * noise)


def training_mixtures(data: Path, count: int) -> Iterator[Mixture]:
    """Pairs of utterances of Emo-DB's training speakers in noise; ``data`` is Emo-DB's folder."""
    rng = np.random.default_rng(0)
    clips = of_speakers(load_emodb(data), EMODB_SPLIT["train"])
    for _ in range(count):
        pair = [clips[i].samples for i in rng.choice(len(clips), 2, replace=False)]
        yield mix(np.concatenate(pair), rng, rng.uniform(*_TRAIN_SNR_DB))


def unheard_mixture(data: Path, seconds: int) -> Mixture:
    """Utterances of the test speakers, one after the other, in noise that no training has had."""
    clips = of_speakers(load_emodb(data), EMODB_SPLIT["test"])
    order = np.random.default_rng(1).permutation(len(clips))
    speech = np.concatenate([clips[i].samples for i in order])[: seconds * SPEC.sample_rate_hz]
    return mix(speech, np.random.default_rng(2), TEST_SNR_DB)


# --- masks ---------------------------------------------------------------------------------------
def spectra(samples: Samples, spec: LogMel = SPEC) -> NDArray[np.complex128]:
    """Spectra [T, bins] of the frames that features are made of."""
    return np.fft.rfft(cut_frames(as_fractions(samples, spec), spec) * window(spec))


def ideal_mask(mixture: Mixture, spec: LogMel = SPEC) -> Floats:
    """The share of speech in every band's power, [T, bands]: what the network is to find."""
    bank = mel_filterbank(spec).T
    speech, noise = (np.abs(spectra(x, spec)) ** 2 @ bank for x in (mixture.speech, mixture.noise))
    return np.asarray(speech / np.maximum(speech + noise, 1e-12))


def masked(noisy: NDArray[np.int16], mask: Floats, spec: LogMel = SPEC) -> Floats:
    """Speech [n] from a mask [T, bands]: gains between the bands' centres by straight lines on the
    mel scale, inverse FFT, overlap-add."""
    spectrum = spectra(noisy, spec)
    hz = np.linspace(0.0, spec.sample_rate_hz / 2.0, spectrum.shape[1])
    ends = hz_to_mel(np.array([spec.f_min_hz, spec.f_max_hz]), spec.mel_scale)
    centres = np.linspace(ends[0], ends[1], spec.n_mels + 2)[1:-1]
    gains = [np.interp(hz_to_mel(hz, spec.mel_scale), centres, row) for row in mask]
    shape = window(spec)
    out, weight = np.zeros(len(noisy)), np.full(len(noisy), 1e-9)
    for row, frame in enumerate(np.fft.irfft(spectrum * gains) * shape):
        place = slice(row * spec.hop_samples, row * spec.hop_samples + len(shape))
        out[place] += frame
        weight[place] += shape**2
    return np.asarray(out / weight)


def si_sdr_db(speech: Floats, heard: Floats, spec: LogMel = SPEC) -> float:
    """Scale-invariant signal-to-distortion ratio, where all frames overlap; in dB."""
    inner = slice(spec.frame_samples, -spec.frame_samples)
    s, x = speech[inner], heard[inner]
    target = s * (x @ s) / (s @ s)
    return float(10.0 * np.log10(np.sum(target**2) / np.sum((x - target) ** 2)))


# --- the network ---------------------------------------------------------------------------------
def train(features: Sequence[Rows], masks: Sequence[Rows], steps: int) -> Denoiser:
    """Fit masks [T, bands] to the ideal ones of clips of one length; the same weights on the same
    machine and torch."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(0)
    x, y = (torch.from_numpy(np.stack(rows)) for rows in (features, masks))
    rng, model = np.random.default_rng(0), Denoiser()
    optimiser = torch.optim.AdamW(model.parameters(), _LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, steps)
    for _ in range(steps):
        picks = torch.from_numpy(rng.choice(len(x), _BATCH, replace=False))
        loss = functional.binary_cross_entropy_with_logits(model.logits(x[picks]), y[picks])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.eval()
    return model


def export(model: Denoiser, features: Sequence[Rows], path: Path) -> None:
    """Write the network with its feature specification and ranges, of any number of frames."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, yet its graph is the smaller and cleaner one.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)  # of the padding's shape
        torch.onnx.export(
            model,
            (torch.zeros(1, 100, SPEC.n_mels),),
            buffer,
            opset_version=17,
            input_names=["features"],
            output_names=["mask"],
            dynamic_axes={"features": {1: "frames"}, "mask": {1: "frames"}},
            dynamo=False,
        )
    proto = onnx.load_from_string(buffer.getvalue())
    proto.metadata_props.add(key=METADATA_KEY, value=SPEC.to_json())
    path.write_bytes(proto.SerializeToString())
    path.write_bytes(with_ranges(path.read_bytes(), clip_ranges(path, features)))


# --- what it does --------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outcome:
    """A run of the firmware on ``mixture``, and the masks [T, bands] by float and by the device."""

    run: Run
    mixture: Mixture
    float_mask: Floats
    device_mask: Floats


def measure(data: Path, size: Size) -> Outcome:
    """Train, build, and hear the test speakers; SystemExit where a check of the build fails."""
    pairs = [
        (extract(m.noisy, SPEC), ideal_mask(m).astype(np.float32))
        for m in training_mixtures(data, size.clips)
    ]
    features, masks = zip(*pairs, strict=True)
    model, mixture = train(features, masks, size.steps), unheard_mixture(data, size.seconds)
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        path, audio = Path(scratch) / "denoiser.onnx", Path(scratch) / "noisy.wav"
        export(model, features[:_CALIBRATING], path)
        soundfile.write(audio, mixture.noisy, SPEC.sample_rate_hz, "PCM_16")
        run = load(path).deploy(TARGET).compile().run(audio)
        if not run.report.passed:
            raise SystemExit("the denoiser: a check of the build failed")
    with torch.no_grad():
        ours = model(torch.from_numpy(extract(mixture.noisy, SPEC))[None])[0].numpy()
    (name,), (mask,) = run.graph.outputs, decoded(run.graph, run.outputs[0])
    theirs = real(run.graph, name, mask).reshape(ours.shape)
    return Outcome(run, mixture, ours.astype(np.float64), theirs)


def table(outcome: Outcome) -> str:
    """The figures of a run, each with where it is from."""
    report, mixture = outcome.run.report, outcome.mixture

    def figures(provenance: Provenance, *names: str) -> list[float]:
        found = [report.find(name, provenance) for name in names]
        return [measurement.value for measurement in found if measurement is not None]

    (wrong,) = figures(Provenance.MEASURED, "output_mismatches")
    ram, stack = figures(Provenance.MEASURED, "ram_static_bytes", "stack_bound_bytes")
    delay = ("algorithmic_delay_frames", "algorithmic_delay_ms")
    frames, milliseconds = figures(Provenance.ESTIMATED, *delay)
    cycles = ("cycles_per_frame_mean", "cycles_per_frame_worst")
    mean, worst = figures(Provenance.SIMULATED, *cycles)
    (factor,) = figures(Provenance.SIMULATED, "realtime_factor")
    snr_db = int8_snr_db(outcome.float_mask, outcome.device_mask)
    masks = {
        "float mask": outcome.float_mask,
        "int8 mask": outcome.device_mask,
        "ideal mask": ideal_mask(mixture),
    }
    heard = {name: masked(mixture.noisy, mask) for name, mask in masks.items()}
    ratios = {
        f"SI-SDR, {name}": f"{si_sdr_db(mixture.speech, samples):.1f} dB"
        for name, samples in {"noisy": as_fractions(mixture.noisy, SPEC), **heard}.items()
    }
    bytes_wrong = f"{wrong:.0f} of {outcome.device_mask.size:,}"
    rows = [
        ("wrong bytes, all rows of the mask", bytes_wrong, "measured"),
        ("static RAM / stack bound", f"{ram:,.0f} B / {stack:,.0f} B", "measured"),
        ("algorithmic delay", f"{frames:.0f} frames, {milliseconds:g} ms", "estimated"),
        ("cycles per frame, mean / worst", f"{mean:,.0f} / {worst:,.0f}", "simulated"),
        ("real-time factor", f"{factor:.2f}", "simulated"),
        ("SNR of the mask, int8 against float", f"{snr_db:.1f} dB", "measured"),
        *((name, ratio, "measured") for name, ratio in ratios.items()),
    ]
    return markdown(("figure", "value", "provenance"), rows)


def text(size: Size) -> str:
    """What was trained and run."""
    return TEXT.format(
        bands=SPEC.n_mels,
        layers=len(DILATIONS),
        past=2 * sum(DILATIONS),
        weights=sum(parameter.numel() for parameter in Denoiser().parameters()),
        steps=size.steps,
        target=TARGET,
        seconds=size.seconds,
        snr_db=TEST_SNR_DB,
        mhz=load_target(TARGET).clock_hz / 1e6,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of Emo-DB; $TOOLKIT_DATA/emodb, if not")
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    data = arguments.data or Path(os.environ.get("TOOLKIT_DATA", "$TOOLKIT_DATA")) / "emodb"
    size = Size()
    figures = table(measure(data, size))
    print(figures)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, f"{text(size)}\n{figures}")


if __name__ == "__main__":
    main()
