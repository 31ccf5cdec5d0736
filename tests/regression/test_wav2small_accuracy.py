"""Wav2Small in int8 on real speech: signal-to-noise ratio, and TFLM's bytes of the builtin form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import toolkit
from tests.support.oracle import run_numpy
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.ir.tensor import Array, quantize
from toolkit.model.inputs import feature_cases
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import load_tflite

CLIPS = 30

#: Attention, seconds → the least int8_snr_db: 1 dB below what these clips gave.
PROMISED = {("fused", 1): 33.0, ("fused", 3): 32.0, ("builtin", 1): 33.0, ("builtin", 3): 32.0}


@pytest.fixture(scope="module")
def speech(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to clips spread over both corpora: all speakers, three languages."""
    folder = tmp_path_factory.mktemp("speech")
    clips = sorted((data_dir / "emodb/audio").iterdir())
    clips = clips[:: 2 * len(clips) // CLIPS][: CLIPS // 2]
    others = sorted((data_dir / "emotale/audio").iterdir())
    clips += others[:: len(others) // (CLIPS - len(clips))][: CLIPS - len(clips)]
    assert len(clips) == CLIPS
    for clip in clips:
        (folder / clip.name).symlink_to(clip)
    return folder


@pytest.mark.parametrize(("attention", "seconds"), PROMISED)
def test_signal_to_noise_ratio(speech: Path, tmp_path: Path, attention: str, seconds: int) -> None:
    options = ("--attention", attention, "--seconds", str(seconds), "--json", "-o", "m.tflite")
    run = toolkit("convert", "wav2small", *options, "--test", speech, cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (0, "")
    custom = {"file.custom_operators"} if attention == "fused" else set()
    assert {issue["code"] for issue in run.json["issues"]} == {"test.data", *custom}
    (snr,) = [row for row in run.json["measurements"] if row["name"] == "int8_snr_db"]
    assert (snr["unit"], snr["provenance"]) == ("dB", "measured")
    assert snr["value"] >= PROMISED[attention, seconds], snr


def builtin_inputs(speech: Path, folder: Path, seconds: int, cases: int) -> Array:
    """Writes ``m.tflite``, the builtin form; returns int8 cases of real speech for it."""
    options = ("--attention", "builtin", "--seconds", str(seconds), "-o", "m.tflite")
    assert toolkit("convert", "wav2small", *options, cwd=folder).exit_code == 0
    graph = load_tflite(folder / "m.tflite")
    entry = graph.tensors[graph.inputs[0]]
    assert entry.quant is not None
    rows = entry.elements // WAV2SMALL_RUNNING.n_mels
    features = list(feature_cases(speech, WAV2SMALL_RUNNING, rows))[:: CLIPS // cases][:cases]
    return quantize(np.stack(features).reshape(cases, *entry.shape), entry.quant, entry.dtype)


@pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")
@pytest.mark.parametrize(("seconds", "cases"), [(1, 6), (3, 3)])
def test_the_builtin_form_gives_tflms_bytes(
    speech: Path, tmp_path: Path, seconds: int, cases: int
) -> None:
    """numpy and the generated C, in stock operators only, against TFLM's interpreter."""
    inputs = builtin_inputs(speech, tmp_path, seconds, cases)
    graph = load_tflite(tmp_path / "m.tflite")
    (expected,) = run_tflm((tmp_path / "m.tflite").read_bytes(), [inputs]).outputs
    assert len(np.unique(expected.reshape(cases, -1), axis=0)) == cases
    (found,) = run_numpy(graph, [inputs])
    assert found.tobytes() == expected.tobytes()
    np.save(tmp_path / "x.npy", inputs)
    np.save(tmp_path / "y.npy", expected)
    arrays = ("--inputs", "x.npy", "--expected", "y.npy", "--simulator", "host")
    run = toolkit("verify", "m.tflite", "--target", "cortex-m4", *arrays, cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (0, "")
    assert f"{cases} of {cases} cases equal y.npy" in run.stdout
