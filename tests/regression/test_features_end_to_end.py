"""Features in front of networks: what a network says with ours and with those it knows.

Arousal, dominance and valence from the device's int8 features against librosa's float features,
the same float network behind both: what differs is the features alone, quantisation included.
And MLPerf Tiny's published keyword spotter, trained on TensorFlow's MFCC, on ours.
"""

from __future__ import annotations

import warnings

import librosa
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.support import outside
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import KEYWORD_MFCC, FeatureSpec
from toolkit.features.tables import ARITHMETICS
from toolkit.metrics import concordance
from toolkit.ops.execute import run_graph
from toolkit.resources import data_dir
from toolkit.tflite.read import read_tflite
from toolkit.verbs.features import load_front_end, rows_from_c

MODEL = data_dir("models") / "wav2small" / "model.onnx"


def librosa_features(samples: NDArray[np.int16], spec: FeatureSpec) -> NDArray[np.float32]:
    """Log-mel by librosa behind the running level as LevelSpec writes it down."""
    x = samples / 32768.0
    frames = librosa.util.frame(
        x, frame_length=spec.frame_samples, hop_length=spec.hop_samples, axis=0
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


def assert_same_predictions(arithmetic: str, step: int, least_ccc: float) -> None:
    clips = outside.files(outside.DATA, "emotale/audio/*.flac")[::step]
    if not clips:
        pytest.skip("there is no speech in $TOOLKIT_DATA")
    front_end = load_front_end("wav2small")
    spec = front_end.spec
    assert front_end.quantisation is not None
    scale, zero_point = front_end.quantisation
    samples = [load_clip(path, spec.sample_rate_hz).samples for path in clips]
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name

    def predict(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {entry: features[None, None]})[0]).reshape(3)

    device, reference = [], []
    front_end = FrontEnd(spec, scale, zero_point, arithmetic)
    from_device = rows_from_c(front_end, samples, "zig")
    for clip, rows in zip(samples, from_device, strict=True):
        device.append(predict(np.float32(scale) * (rows.astype(np.float32) - zero_point)))
        reference.append(predict(librosa_features(clip, spec)))
    found, expected = np.array(device, np.float64), np.array(reference, np.float64)
    deviation = np.abs(found - expected).max(axis=0)
    agreement = [concordance(found[:, i], expected[:, i]) for i in range(3)]
    print(
        f"{arithmetic}, {len(clips)} clips; CCC {agreement}; "
        f"largest deviation {deviation.tolist()} (A, D, V)"
    )
    assert min(agreement) >= least_ccc
    assert deviation.max() <= 0.002


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_a_sample_of_emotale_is_heard_alike(arithmetic: str) -> None:
    assert_same_predictions(arithmetic, step=25, least_ccc=0.9999)


@pytest.mark.exhaustive
@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_all_of_emotale_is_heard_alike(arithmetic: str) -> None:
    assert_same_predictions(arithmetic, step=1, least_ccc=0.99999)  # as docs/FEATURES.md says


@pytest.mark.parametrize(("name", "word"), [("yes", 9), ("silence", 10), ("noise", 11), ("no", 1)])
def test_the_published_keyword_spotter_understands_our_mfcc(name: str, word: int) -> None:
    """Its classes 9, 10, 11, 1: "yes", silence, unknown, "go", which it hears in "no"."""
    model = outside.file(outside.MODELS, "mlperf_tiny_kws_int8.tflite")
    path = outside.file(outside.DATA, f"tflm_micro_speech/{name}_1000ms.wav")
    graph = read_tflite(model.read_bytes(), model.stem)
    entry = graph.tensors[graph.inputs[0]]
    samples = load_clip(path, 16_000).samples.astype(np.float64)
    features = extract(samples / max(samples.max(), 1.0), KEYWORD_MFCC)  # as in its training
    rows = quantise_features(features, entry.scale, entry.zero_point).reshape(entry.shape)
    scores = run_graph(graph, {entry.name: rows})[graph.outputs[0]].ravel()
    assert scores.argmax() == word
    assert np.sort(scores)[-2] < 0 < scores.max()
