"""How near the device's features are: ``python -m benchmarks.fidelity [--dry-run] [--clips N]``.

The generated C, compiled for the workstation, against the numpy reference on all recordings, in
int8 steps; and what one float network says behind the C's features and behind librosa's.  Rewrites
its part of docs/RESULTS.md; needs $TOOLKIT_DATA and librosa.
"""

from __future__ import annotations

import argparse
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.documents import RESULTS, write_generated
from benchmarks.features import quantisation
from benchmarks.tables import markdown
from toolkit.compare.features import BOUNDS
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import (
    KEYWORD_MFCC,
    MICRO_SPEECH,
    WAV2SMALL,
    WAV2SMALL_RUNNING,
    FeatureSpec,
    LogMel,
    Mfcc,
)
from toolkit.metrics import concordance
from toolkit.resources import data_dir
from toolkit.verbs.features import load_front_end, rows_from_c

MODULE = "benchmarks.fidelity"
DATA = Path(os.environ.get("TOOLKIT_DATA", "$TOOLKIT_DATA"))
MODEL = data_dir("models") / "wav2small" / "model.onnx"
RATE_HZ = 16_000
_COARSE: LogMel = replace(WAV2SMALL_RUNNING, frame_samples=512, hop_samples=160, n_mels=40)
SPECS: Mapping[str, FeatureSpec] = {
    "Wav2Small, level of the clip": WAV2SMALL,
    "Wav2Small, running level": WAV2SMALL_RUNNING,
    "log-mel 512/160, 40 bands, HTK, ln": replace(
        _COARSE, mel_scale="htk", mel_norm="none", log="ln"
    ),
    "MFCC 480/320, 10 of 40 (keyword spotting)": KEYWORD_MFCC,
    "MFCC 512/160, 13 of 40": Mfcc(**{**vars(_COARSE), "n_mfcc": 13}),
    "micro_frontend 480/320, 40 channels": MICRO_SPEECH,
}
#: Clips that a process holds at once.
CHUNK = 60


@dataclass(frozen=True)
class Difference:
    """The C's int8 values against the reference's."""

    values: int
    different: int
    steps: int

    def __add__(self, other: Difference) -> Difference:
        return Difference(
            self.values + other.values,
            self.different + other.different,
            max(self.steps, other.steps),
        )

    @property
    def identical(self) -> float:
        return 1.0 - self.different / self.values


@dataclass(frozen=True)
class Agreement:
    """A float network behind the C's features and behind librosa's: CCC and the largest deviation
    of each output."""

    clips: int
    ccc: tuple[float, ...]
    deviation: tuple[float, ...]


def recordings(pattern: str) -> list[Path]:
    """SystemExit where there are none."""
    paths = sorted(DATA.glob(pattern))
    if not paths:
        raise SystemExit(f"{DATA / pattern}: no file (TOOLKIT_DATA names the folder of recordings)")
    return paths


def compare(spec: FeatureSpec, arithmetic: str, paths: Sequence[Path]) -> Difference:
    """The generated C against the reference on some recordings."""
    scale, zero_point = quantisation(spec)
    clips = [load_clip(path, RATE_HZ).samples for path in paths]
    found = rows_from_c(FrontEnd(spec, scale, zero_point, arithmetic), clips, "zig")
    total = Difference(0, 0, 0)
    for samples, rows in zip(clips, found, strict=True):
        expected = quantise_features(extract(samples, spec), scale, zero_point)
        apart = np.abs(rows.astype(int) - expected.astype(int))
        total += Difference(apart.size, int(np.count_nonzero(apart)), int(apart.max(initial=0)))
    return total


def arithmetics(spec: FeatureSpec) -> tuple[str, ...]:
    """Those that the C of a specification has."""
    return ("float32",) if spec.kind == "micro_frontend" else ("float32", "fixed")


def difference(pool: ProcessPoolExecutor, name: str, arithmetic: str, n: int) -> Difference:
    paths = recordings("emo*/audio/*.flac")[:n]
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    parts = pool.map(partial(compare, SPECS[name], arithmetic), chunks)
    return sum(parts, start=Difference(0, 0, 0))


def librosa_features(samples: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.float32]:
    """Log-mel [rows, n_mels] by librosa behind the running level as LevelSpec writes it down."""
    import librosa

    assert isinstance(spec, LogMel)
    frames = librosa.util.frame(
        samples / 32768.0, frame_length=spec.frame_samples, hop_length=spec.hop_samples, axis=0
    )
    decay = 1 - np.exp(-spec.hop_samples / (spec.level.time_constant_s * spec.sample_rate_hz))
    levelled = np.empty_like(frames)
    mean = square = 0.0
    for n, frame in enumerate(frames):
        a = max(1 / (n + 1), decay)
        mean += a * (frame.mean() - mean)
        square += a * (np.mean(frame**2) - square)
        levelled[n] = (frame - mean) / np.sqrt(max(square - mean**2, 0.0) + spec.level.epsilon)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the band that holds no FFT bin
        mel = librosa.feature.melspectrogram(
            y=levelled.ravel(),  # frame after frame, each by itself
            sr=spec.sample_rate_hz,
            n_fft=spec.frame_samples,
            hop_length=spec.frame_samples,
            center=False,
            n_mels=spec.n_mels,
            fmin=spec.f_min_hz,
            fmax=spec.f_max_hz,
            dtype=np.float64,
        )
    decibels = librosa.power_to_db(mel.T, ref=1.0, amin=spec.floor, top_db=None)
    return np.asarray(decibels, np.float32)


def agreement(arithmetic: str, paths: Sequence[Path]) -> Agreement:
    """Arousal, dominance and valence of the zoo's float Wav2Small on some recordings."""
    subject = load_front_end("wav2small")
    spec = subject.spec
    assert subject.quantisation is not None
    scale, zero_point = subject.quantisation
    samples = [load_clip(path, spec.sample_rate_hz).samples for path in paths]
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name

    def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {entry: features[None, None]})[0]).reshape(3)

    def both() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        from_c = rows_from_c(FrontEnd(spec, scale, zero_point, arithmetic), samples, "zig")
        for clip, rows in zip(samples, from_c, strict=True):
            device = np.float32(scale) * (rows.astype(np.float32) - zero_point)
            yield predict(device), predict(librosa_features(clip, spec))

    pairs = np.array(list(both()), np.float64)  # [clips, two, outputs]
    found, expected = pairs[:, 0], pairs[:, 1]
    return Agreement(
        len(samples),
        tuple(concordance(found[:, i], expected[:, i]) for i in range(3)),
        tuple(np.abs(found - expected).max(axis=0).tolist()),
    )


def text(
    clips: int, found: Mapping[tuple[str, str], Difference], heard: Mapping[str, Agreement]
) -> str:
    """The generated part, markers excluded."""

    def cells(name: str) -> list[str]:
        ones = [found.get((name, arithmetic)) for arithmetic in ("float32", "fixed")]
        shown = [
            ("", "") if o is None else (f"{100 * o.identical:.4f} %", str(o.steps)) for o in ones
        ]
        return [name, f"{found[name, 'float32'].values:,}", *shown[0], *shown[1]]

    head = ("features", "values", "float32 identical", "steps", "fixed point identical", "steps")
    table = markdown(head, [cells(name) for name in SPECS])
    by_network = markdown(
        ("arithmetic", "clips", "CCC, A / D / V", "largest deviation, A / D / V"),
        [
            [
                arithmetic,
                f"{one.clips:,}",
                " / ".join(f"{value:.6f}" for value in one.ccc),
                " / ".join(f"{value:.4f}" for value in one.deviation),
            ]
            for arithmetic, one in heard.items()
        ],
    )
    asked = ", ".join(
        f"{kind} {100 * least:g} % and {most} step{'' if most == 1 else 's'}"
        for kind, (least, most) in BOUNDS.items()
    )
    return f"""\
The generated C, compiled for the workstation (zig), against the numpy reference in int8 steps on
{clips:,} recordings of Emo-DB and EmoTale, *measured*. `toolkit features check` asks:
{asked}.
micro_frontend, integer by definition, has one arithmetic, here in float32's column.

{table}
Arousal, dominance and valence of the zoo's float Wav2Small behind the C's int8 features, against
the same network behind librosa's float features, on EmoTale, *measured*:

{by_network}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--dry-run", action="store_true", help="print, rewrite nothing")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        heard = {
            arithmetic: pool.submit(
                agreement, arithmetic, recordings("emotale/audio/*.flac")[: arguments.clips]
            )
            for arithmetic in ("float32", "fixed")
        }
        found = {
            (name, arithmetic): difference(pool, name, arithmetic, arguments.clips)
            for name, spec in SPECS.items()
            for arithmetic in arithmetics(spec)
        }
        clips = len(recordings("emo*/audio/*.flac")[: arguments.clips])
        result = text(clips, found, {name: job.result() for name, job in heard.items()})
    print(result)
    if not arguments.dry_run and arguments.clips is None:
        write_generated(RESULTS, MODULE, result)


if __name__ == "__main__":
    main()
