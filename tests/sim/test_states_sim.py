"""Networks with states through the verbs: built, run in a simulator, measured on arrays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

from tests.support import outside
from tests.support.cli import refused, toolkit
from tests.support.states import LISTENING, listening_model, recurrent_model, ring_model, wandering
from toolkit import report
from toolkit.deploy.model import load
from toolkit.features.audio import load_clip
from toolkit.features.extract import extract
from toolkit.features.quantise import quantise_features
from toolkit.features.spec import METADATA_KEY
from toolkit.model.reference import steps_of
from toolkit.model.source import demo_clip
from toolkit.tflite.oracle import run_tflm, tflm_available
from toolkit.tflite.read import load_tflite
from toolkit.tflite.write import write_tflite

SCHEMA = Path(report.__file__).with_name("schema.json")
RING = ("--state", "a=new_a", "--state", "b=new_b")
WAKE_WORD = "models/real/mww_vad.tflite"
needs_tflm = pytest.mark.skipif(not tflm_available(), reason="tflite-micro is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("states")
    ring_model(path / "ring.onnx")
    recurrent_model(path / "cell.onnx")
    np.savez(path / "ring.npz", x=wandering((1, 4, 1), 60, clips=3))
    np.savez(path / "cell.npz", x=wandering((1, 8), 60, clips=3))
    return path


def test_a_build_proves_every_step(folder: Path) -> None:
    run = toolkit("build", "ring.onnx", "--target", "cortex-m4", "--toolchain", "gcc", *RING,
                  "--calib", "ring.npz", "--out", "built", "--json", cwd=folder)  # fmt: skip
    assert run.exit_code == 0 and run.json["schedule"] == "step"
    jsonschema.validate(run.json, json.loads(SCHEMA.read_text()))
    checks = {check["name"]: check for check in run.json["checks"]}
    for name in ("bit_match", "device_near_float", "import_match", "plan_linked"):
        assert checks[name]["passed"], checks[name]
    assert checks["bit_match"]["detail"].startswith("0 of 512 ")  # 4 clips of 16 steps of 8 values
    assert checks["tflm_match"]["passed"] or not tflm_available()
    figures = {m["name"]: m for m in run.json["measurements"]}
    assert figures["state_bytes"]["value"] == 24
    assert 1000 < figures["cycles_per_inference"]["value"] < 4000  # a step of 64
    kept = [row for row in run.json["memory"]["rows"] if row["kind"] == "state"]
    assert sum(row["size_bytes"] for row in kept) == 24
    header = (folder / "built" / "ring_net" / "include" / "ring_net.h").read_text()
    assert "#define RING_NET_STATE_BYTES 24u" in header and "ring_net_reset" in header


def test_accuracy_is_that_of_the_loop(folder: Path) -> None:
    run = toolkit("convert", "cell.onnx", "-o", "cell.tflite", "--state", "h=h_out",
                  "--calib", "cell.npz", "--test", "cell.npz", "--json", cwd=folder)  # fmt: skip
    assert run.exit_code == 0
    snr = next(m for m in run.json["measurements"] if m["name"] == "int8_snr_db")
    assert snr["value"] > 28 and "states carried from step to step" in snr["basis"]
    verified = toolkit("verify", "cell.tflite", "--target", "cortex-m4", "--toolchain", "gcc",
                       "--inputs", "cell.npz", cwd=folder)  # fmt: skip
    assert verified.exit_code == 0 and "3 of 3 cases" in verified.stdout


def test_labelled_arrays_are_evaluated(folder: Path) -> None:
    rows = ["file,output[0],output[1],output[2]"]
    for number, clip in enumerate(wandering((1, 8), 20, clips=4, seed=2)):
        np.savez(folder / f"clip{number}.npz", x=clip)
        rows.append(f"clip{number}.npz,0.1,{number},0.3")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    run = toolkit("eval", "cell.onnx", "--state", "h=h_out", "--calib", "cell.npz",
                  "--data", "labels.csv", "--audio", ".", "--toolchain", "gcc", "--json",
                  cwd=folder)  # fmt: skip
    assert run.exit_code == 0
    figures = {m["name"]: m["value"] for m in run.json["measurements"]}
    assert figures["int8_snr_db"] > 25


def test_a_float_network_hears_clips(folder: Path) -> None:
    """Calibrated on recordings, run on one, and held against float step by step."""
    listening_model(folder / "listening.onnx")
    run = toolkit("build", "listening.onnx", "--target", "cortex-m4", "--toolchain", "gcc",
                  "--calib", str(demo_clip().parent), "--out", "heard", "--json",
                  cwd=folder)  # fmt: skip
    assert run.exit_code == 0
    checks = {check["name"]: check for check in run.json["checks"]}
    for name in ("bit_match", "device_near_float", "import_match"):
        assert checks[name]["passed"], checks[name]
    assert "32 rows" in checks["device_near_float"]["detail"]  # as many as steps
    steps = [issue for issue in run.json["issues"] if issue["code"] == "calibration.data"]
    assert "32 steps of 1 files" in steps[0]["message"]
    assert len(run.json["predictions"]) == 2 and run.json["predictions"][0]["float"] is not None


@pytest.mark.parametrize(
    "options", [("--schedule", "stream"), ("--time-axis", "1"), ("--hop-out", "0.5")]
)
def test_words_of_other_schedules_are_refused(folder: Path, options: tuple[str, str]) -> None:
    run = toolkit("build", "cell.onnx", "--target", "cortex-m4", "--state", "h=h_out",
                  *options, "--out", "refused", cwd=folder)  # fmt: skip
    assert "has states and runs step by step" in refused(run)


# --- a published model on speech -----------------------------------------------------------------
def recording(folder: Path, files: list[Path], seconds: float) -> Path:
    """So much speech of others, as one file."""
    samples = [load_clip(file, 16000).samples for file in files]
    joined = np.concatenate(samples)[: round(seconds * 16000)]
    soundfile.write(folder / "speech.wav", joined, 16000, subtype="PCM_16")
    return folder / "speech.wav"


@needs_tflm
@pytest.mark.parametrize(
    "seconds", [2.0, pytest.param(60.0, marks=pytest.mark.exhaustive)], ids=["short", "minute"]
)
def test_a_published_network_hears_speech(tmp_path: Path, seconds: float) -> None:
    """Probabilities at every step are those of TFLM's interpreter on the file as it was published,
    on features that the firmware computed."""
    path = outside.file(outside.CASES, WAKE_WORD)
    spec = replace(LISTENING, n_mels=40)
    graph = load_tflite(path).with_metadata(**{METADATA_KEY: spec.to_json()})
    (tmp_path / "vad.tflite").write_bytes(write_tflite(graph))
    audio = recording(tmp_path, outside.files(outside.DATA, "emodb/audio/*.flac")[:40], seconds)
    run = load(tmp_path / "vad.tflite").deploy("cortex-m4").compile("gcc").run(audio)
    assert {c.name: c.passed for c in run.checks} | {"device_near_float": None} == {
        "bit_match": True, "features_match": True, "tflm_match": True, "device_near_float": None,
    }  # fmt: skip
    entry = graph.tensors[graph.inputs[0]]
    rows = quantise_features(
        extract(load_clip(audio, 16000).samples, spec), entry.scale, entry.zero_point
    )
    steps = steps_of(rows, entry)
    assert len(steps) == round((seconds - 0.02) * 100) // 3
    theirs = run_tflm(path.read_bytes(), [steps]).outputs[0].ravel()
    ours = np.frombuffer(run.outputs[0][0], np.int8).astype(int) + 128
    np.testing.assert_array_equal(ours, theirs)
    assert len(np.unique(ours)) > 20 and ours.max() > 200 and ours.min() < 20
    figures = {m.name: m.value for m in run.report.measurements}
    assert figures["arena_bytes"] < 0.25 * figures["tflm_arena_bytes"]
