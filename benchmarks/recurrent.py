"""Recurrent networks in int8 on the simulated core: accepted or why not, drift, cost.

``python -m benchmarks.recurrent [--dry-run]`` builds the networks of `recurrent_nets` for
Cortex-M4, compares a minute of speech with float, trains one of them (minutes, one thread, every
draw seeded) and writes the table of docs/RESULTS.md.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import soundfile
import torch
from torch import nn
from torch.nn import functional

from benchmarks.denoiser import (
    SPEC,
    TEST_SNR_DB,
    Rows,
    ideal_mask,
    masked,
    si_sdr_db,
    training_mixtures,
    unheard_mixture,
)
from benchmarks.documents import RESULTS, write_generated
from benchmarks.recurrent_nets import NETS, Layered, Net, two_lstms
from benchmarks.tables import markdown
from toolkit.deploy.model import load
from toolkit.errors import ToolkitError
from toolkit.features.extract import extract
from toolkit.features.framing import as_fractions
from toolkit.features.spec import METADATA_KEY
from toolkit.ir import DType
from toolkit.ir.tensor import Array, quantize
from toolkit.measurement import Provenance
from toolkit.model.clip_ranges import clip_ranges, with_ranges
from toolkit.model.int8 import Int8Model
from toolkit.ops.execute import run_graph
from toolkit.ops.parts.recurrent import RecurrentAttrs
from toolkit.plan.time_axis import find_time_axis, retime
from toolkit.quantize.outputs import real
from toolkit.quantize.snr import int8_snr_db
from toolkit.report.model import Report
from toolkit.targets import load_target

MODULE = "benchmarks.recurrent"
TARGET = "cortex-m4"
#: Frames of 32 ms every 10 ms.
HOP = replace(SPEC, hop_samples=160)
#: Files that others made, and the states of a step.
PUBLISHED = {
    "tflm_lstm_int8.tflite": (),
    "gtcrn.onnx": tuple(
        f"{name}={name}_out" for name in ("conv_cache", "tra_cache", "inter_cache")
    ),
}
_CALIBRATING, _BATCH, _LEARNING_RATE = 160, 16, 3e-3
_DEVICE_SECONDS, _PART_SECONDS = 1, 10
_LAST_LAYER = 8.0  # times PyTorch's weights, so that masks differ from frame to frame

TEXT = """\
Masks of {bands} mel bands (32 ms every {hop_ms:g} ms), weights as PyTorch draws them, the last
layer's times eight, so that masks differ. Each is built as by `toolkit build --target {target}`
from torch's ONNX; a check of the build (wrong bytes, TFLM where all operators are builtin,
onnxruntime) ends the program. SNR: the integer reference against float, {seconds} s of Emo-DB's
test speakers (Burkhardt et al., Interspeech 2005) in noise, none of it calibrated on, then its
first and last {part} s; measured, masks against onnxruntime. The sigmoid of a mask has steps of
1/256 in int8, which is what limits masks that move little. RAM
and flash: linker map, measured; cycles: of the first frames, counted instructions × the core's
timing table, features included, simulated at zero wait states. Delay: from the first sample of a
row's frame, estimated from the schedule. The published files are TFLM's `trained_lstm_int8` and
GTCRN (stream form, one frame of 16 ms a step, calibrated on noise, so without a ratio here).
"""

TRAINED = """\
LSTM 64, 64, trained {steps} steps as the denoiser above, in the same noise at {snr_db:g} dB, on the
same minute: SI-SDR {noisy:.2f} dB as it came, {float_:.2f} dB by the float mask, {int8:.2f} dB by
the int8 mask (measured; masks laid over the spectrum by numpy). SNR, all, first and last 10 s:
mask {mask} dB, LSTM {state} dB.
"""


@dataclass(frozen=True)
class Size:
    """How much is heard and trained: seconds of the test, clips and steps of training."""

    seconds: int = 60
    clips: int = 320
    steps: int = 900


@dataclass(frozen=True, eq=False)
class Outcome:
    """Masks [T, bands] of a clip, and what the last recurrent layer gave, [T, values]: of float and
    of the integer reference."""

    float_mask: Array
    int8_mask: Array
    float_state: Array
    int8_state: Array

    def ratios(self, state: bool = False) -> str:
        """The ratios over all rows, the first and the last."""
        want, have = self.float_mask, self.int8_mask
        if state:
            want, have = self.float_state, self.int8_state
        part = _PART_SECONDS * HOP.sample_rate_hz // HOP.hop_samples
        rows = (slice(None), slice(part), slice(-part, None))
        return " / ".join(f"{int8_snr_db(want[r], have[r]):.1f}" for r in rows)


def export(model: nn.Module, image: bool, features: Sequence[Rows], path: Path) -> None:
    """Write the network with its features and ranges, of any number of frames."""
    axis, buffer = 2 if image else 1, io.BytesIO()
    shape = (1, 1, 100, SPEC.n_mels) if image else (1, 100, SPEC.n_mels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(shape),),
            buffer,
            opset_version=17,
            input_names=["features"],
            output_names=["mask"],
            dynamic_axes={"features": {axis: "frames"}, "mask": {1: "frames"}},
            dynamo=False,
        )
    proto = onnx.load_from_string(buffer.getvalue())
    proto.metadata_props.add(key=METADATA_KEY, value=HOP.to_json())
    path.write_bytes(proto.SerializeToString())
    path.write_bytes(with_ranges(path.read_bytes(), clip_ranges(path, features)))


def heard(path: Path, int8: Int8Model, features: Rows) -> Outcome:
    """What float and integers make of ``features`` [T, bands]: masks by onnxruntime and by the
    integer reference, states by the reference of either kind."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    entry = session.get_inputs()[0]
    ours = features.reshape(1, *(1,) * (len(entry.shape) - 3), *features.shape)
    (want,) = session.run(None, {entry.name: ours})
    assert int8.quantized is not None
    states, masks = [], []
    for graph in (int8.quantized.conversion.float_graph, int8.quantized.conversion.quantized):
        network = retime(find_time_axis(graph), len(features))
        tensor = network.tensors[network.inputs[0]]
        given = features.reshape(tensor.shape)
        if tensor.quant is not None and tensor.dtype is not DType.FLOAT32:
            given = quantize(given, tensor.quant, tensor.dtype)
        values = run_graph(network, {tensor.name: given})
        recurrent = [n for n in network.nodes if isinstance(n.attrs, RecurrentAttrs)]
        names = (recurrent[-1].outputs[0], network.outputs[0])
        rows = [real(network, name, values[name]).reshape(len(features), -1) for name in names]
        states.append(rows[0])
        masks.append(rows[1])
    return Outcome(want.reshape(len(features), -1), masks[1], states[0], states[1])


def figure(report: Report, name: str, provenance: Provenance) -> float:
    found = report.find(name, provenance)
    assert found is not None, name
    return float(found.value)


def built(path: Path, audio: Path | None, states: Sequence[str] = ()) -> Report:
    """The report of a build that has passed its checks."""
    firmware = load(path, states=states).deploy(TARGET).compile()
    run = firmware.run() if audio is None else firmware.run(audio)
    if not run.report.passed:
        raise SystemExit(f"{path.name}: a check of the build failed")
    return run.report


def row(net: Net, calibration: Sequence[Rows], audio: Path, features: Rows) -> tuple[str, ...]:
    """A network's row of the table."""
    torch.manual_seed(0)
    model = net.make()
    model.leave.weight.data *= _LAST_LAYER
    weights = sum(parameter.numel() for parameter in model.parameters())
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        path = Path(scratch) / "net.onnx"
        export(model, net.image, calibration, path)
        report = built(path, audio)
        masks = heard(path, load(path).int8, features)
    return (
        f"{net.name} ({weights:,})",
        report.schedule,
        masks.ratios(state=True),
        masks.ratios(),
        *costs(report),
        f"{figure(report, 'algorithmic_delay_ms', Provenance.ESTIMATED):g} ms",
    )


def costs(report: Report) -> tuple[str, str, str]:
    """RAM, flash and cycles."""
    per_second = report.find("cycles_per_audio_second", Provenance.SIMULATED)
    name = "cycles_per_inference" if per_second is None else "cycles_per_audio_second"
    unit = "step" if report.schedule == "step" else "clip"
    cycles = figure(report, name, Provenance.SIMULATED) / 1e6
    return (
        f"{figure(report, 'ram_static_bytes', Provenance.MEASURED):,.0f}",
        f"{figure(report, 'flash_bytes', Provenance.MEASURED):,.0f}",
        f"{cycles:.2f} M" + ("" if per_second else f" a {unit}"),
    )


def published(path: Path) -> tuple[str, ...]:
    """The row of a file that others made; the reason where it is not accepted."""
    try:
        report = built(path, None, PUBLISHED[path.name])
    except ToolkitError as error:
        reason = " ".join(str(error).split())
        return (path.name, f"refused: {reason[:160]}", *("",) * 6)
    passed = {check.name for check in report.checks if check.passed}
    agrees = "TFLM's bits" if "tflm_match" in passed else "float as onnxruntime's"
    return (path.name, report.schedule, agrees, "", *costs(report), "")


def train(features: Sequence[Rows], masks: Sequence[Rows], steps: int) -> Layered:
    """Fit masks [T, bands] to the ideal ones; the same weights on the same machine and torch."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Layered(two_lstms(64))
    rng, optimiser = np.random.default_rng(0), torch.optim.AdamW(model.parameters(), _LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LEARNING_RATE, steps)
    rows = 200  # two seconds of each clip
    for _ in range(steps):
        picks = rng.choice(len(features), _BATCH, replace=False)
        starts = [int(rng.integers(0, max(1, len(features[i]) - rows))) for i in picks]
        parts = [(i, slice(s, s + rows)) for i, s in zip(picks, starts, strict=True)]
        x, y = (
            torch.from_numpy(np.stack([clips[i][part] for i, part in parts]))
            for clips in (features, masks)
        )
        loss = functional.binary_cross_entropy_with_logits(model.logits(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model


def trained(data: Path, size: Size) -> str:
    """What int8 costs a network that was trained, in words."""
    pairs = [
        (extract(m.noisy, HOP), ideal_mask(m, HOP).astype(np.float32))
        for m in training_mixtures(data, size.clips)
    ]
    features, masks = ([pair[i] for pair in pairs] for i in (0, 1))
    model, mixture = train(features, masks, size.steps), unheard_mixture(data, size.seconds)
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        path = Path(scratch) / "trained.onnx"
        export(model, False, features[:_CALIBRATING], path)
        found = heard(path, load(path).int8, extract(mixture.noisy, HOP))
    ratios = [
        si_sdr_db(mixture.speech, masked(mixture.noisy, mask.astype(np.float64), HOP), HOP)
        for mask in (found.float_mask, found.int8_mask)
    ]
    return TRAINED.format(
        steps=size.steps,
        snr_db=TEST_SNR_DB,
        noisy=si_sdr_db(mixture.speech, as_fractions(mixture.noisy, HOP), HOP),
        float_=ratios[0],
        int8=ratios[1],
        mask=found.ratios(),
        state=found.ratios(state=True),
    )


def table(data: Path, cases: Path, size: Size) -> str:
    """Every network's row."""
    calibration = [extract(m.noisy, HOP) for m in training_mixtures(data, _CALIBRATING)]
    mixture = unheard_mixture(data, size.seconds)
    features = extract(mixture.noisy, HOP)
    with tempfile.TemporaryDirectory(prefix="toolkit-") as scratch:
        audio = Path(scratch) / "noisy.wav"
        clip = mixture.noisy[: _DEVICE_SECONDS * HOP.sample_rate_hz]
        soundfile.write(audio, clip, HOP.sample_rate_hz, "PCM_16")
        rows = [row(net, calibration, audio, features) for net in NETS]
    rows += [published(cases / "models" / "real" / name) for name in PUBLISHED]
    head = (
        "network (weights)",
        "runs",
        "SNR of the last recurrent layer, dB",
        "SNR of the mask, dB",
    )
    return markdown((*head, "RAM, B", "flash, B", "cycles a second of audio", "delay"), rows)


def text(size: Size) -> str:
    """What was built and heard."""
    return TEXT.format(
        bands=HOP.n_mels,
        hop_ms=1000 * HOP.hop_samples / HOP.sample_rate_hz,
        target=load_target(TARGET).name,
        seconds=size.seconds,
        part=_PART_SECONDS,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of Emo-DB; $TOOLKIT_DATA/emodb, if not")
    parser.add_argument("--cases", type=Path, help="published files; $TOOLKIT_CASES, if not")
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    data = arguments.data or Path(os.environ.get("TOOLKIT_DATA", "$TOOLKIT_DATA")) / "emodb"
    cases = arguments.cases or Path(os.environ.get("TOOLKIT_CASES", "$TOOLKIT_CASES"))
    size = Size()
    figures = f"{text(size)}\n{table(data, cases, size)}\n{trained(data, size)}"
    print(figures)
    if not arguments.dry_run:
        write_generated(RESULTS, MODULE, figures)


if __name__ == "__main__":
    main()
