"""Features in front of networks: what a network says with ours and with those it knows.

Arousal, dominance and valence from the device's int8 features against librosa's float features,
the same float network behind both: what differs is the features alone, quantisation included.
And MLPerf Tiny's published keyword spotter, trained on TensorFlow's MFCC, on ours.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.fidelity import agreement
from tests.support import outside
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import KEYWORD_MFCC
from toolkit.features.tables import ARITHMETICS
from toolkit.ops.execute import run_graph
from toolkit.tflite.read import read_tflite


def assert_same_predictions(arithmetic: str, step: int, least_ccc: float) -> None:
    clips = outside.files(outside.DATA, "emotale/audio/*.flac")[::step]
    if not clips:
        pytest.skip("there is no speech in $TOOLKIT_DATA")
    found = agreement(arithmetic, clips)
    print(f"{arithmetic}: {found}")
    assert min(found.ccc) >= least_ccc
    assert max(found.deviation) <= 0.002


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
