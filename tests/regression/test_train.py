"""`toolkit train` and `toolkit export`, from recordings to a model that builds."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")

from tests.support.cli import COMMAND, refused, toolkit  # noqa: E402
from tests.support.corpus import config_text, write_corpus  # noqa: E402
from tests.support.onnx_models import onnxruntime_output  # noqa: E402
from tests.support.quick import ROOT  # noqa: E402
from toolkit.features.spec import METADATA_KEY, from_json  # noqa: E402
from toolkit.frontend.reader import RANGES_KEY  # noqa: E402
from toolkit.training.checkpoint import load_checkpoint  # noqa: E402

WEIGHTS = ("model.onnx", "model.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, its config, and a finished run of it in ``run``."""
    path = tmp_path_factory.mktemp("train")
    labels = write_corpus(path / "corpus")
    (path / "c.toml").write_text(config_text(labels, corpus='licence = "CC0"'), encoding="utf-8")
    run = train(path, "run")
    assert run.exit_code == 0, run
    return path


def train(folder: Path, out: str, *options: str, config: str = "c.toml"):  # type: ignore[no-untyped-def]
    return toolkit("train", config, "--out", out, "--cache", "cache", *options, cwd=folder)


def test_a_run_leaves_all_that_it_says(folder: Path) -> None:
    out = folder / "run"
    facts = json.loads((out / "run.json").read_text())
    assert facts["status"] == "finished" and facts["torch"] == torch.__version__
    assert set(facts["ccc"]) == {"train", "validation", "test"}
    assert facts["recordings"] == {"tones train": 24, "tones validation": 12, "tones test": 12}
    assert len(facts["recordings_sha256"]["tones"]) == 64
    card = tomllib.loads((out / "card.toml").read_text())
    assert card["weights_licence"] == "CC0" and card["training"]["corpus"][0]["test"] == ["d"]
    assert "regulated" in card["unintended_use"]
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert {"loss", "arousal", "dominance", "valence"} < set(rows[0])
    assert (out / "curve.svg").read_bytes().startswith(b"<?xml")


def test_the_model_carries_features_labels_and_ranges(folder: Path) -> None:
    model = onnx.load(folder / "run/model.onnx")
    metadata = {p.key: p.value for p in model.metadata_props}
    spec = from_json(metadata[METADATA_KEY])
    assert spec.hop_samples == 256 and "/" in metadata[RANGES_KEY]
    net, same = load_checkpoint(folder / "run/model.safetensors")
    assert same == spec
    features = np.random.default_rng(0).normal(-20, 10, (1, 1, 70, 26)).astype(np.float32)
    with torch.inference_mode():
        expected = net.trunk(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(onnxruntime_output(model, features), expected, atol=1e-5)


def test_a_build_needs_no_calibration_and_keeps_no_ranges(folder: Path) -> None:
    run = toolkit("convert", "run/model.onnx", "-o", "m.tflite", "--json", cwd=folder)
    assert run.exit_code == 0 and run.json["issues"] == []
    assert b"toolkit.ranges" not in (folder / "m.tflite").read_bytes()
    report = toolkit(
        "profile", "run/model.onnx", "--target", "cortex-m4", "--json", cwd=folder
    ).json
    assert report["schedule"] == "stream"


def test_exports_are_the_same_bytes(folder: Path) -> None:
    run = toolkit("export", "run", "-o", "again.onnx", "--cache", "cache", cwd=folder)
    assert run.exit_code == 0, run
    assert (folder / "again.onnx").read_bytes() == (folder / "run/model.onnx").read_bytes()


def test_weights_alone_are_exported_with_the_users_recordings(folder: Path) -> None:
    weights, audio = "run/model.safetensors", ("--calib", "corpus/audio")
    run = toolkit("export", weights, "-o", "calibrated.onnx", *audio, cwd=folder)
    assert run.exit_code == 0 and "no ranges" not in run.stdout
    run = toolkit("export", weights, "-o", "bare.onnx", cwd=folder)
    assert run.exit_code == 0 and "no ranges" in run.stdout
    keys = {p.key for p in onnx.load(folder / "bare.onnx").metadata_props}
    assert RANGES_KEY not in keys and METADATA_KEY in keys


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at its first validation; what it has is exported too."""
    from toolkit.verbs import train as verb

    def stop(row: object, steps: int) -> None:
        raise KeyboardInterrupt

    import toolkit.cli.train as command

    with monkeypatch.context() as patch:
        patch.setattr(command, "_tell", stop)
        assert train(folder, "stopped").exit_code == 130
    assert json.loads((folder / "stopped" / verb.RUN).read_text())["status"] == "running"
    half = toolkit("export", "stopped", "-o", "half.onnx", "--cache", "cache", cwd=folder)
    assert half.exit_code == 0, half
    assert "holds a run already" in refused(train(folder, "stopped"))
    assert "another config" in refused(train(folder, "stopped", "--resume", "--seed", "5"))
    assert train(folder, "stopped", "--resume").exit_code == 0
    for name in WEIGHTS:
        same = (folder / "stopped" / name).read_bytes() == (folder / "run" / name).read_bytes()
        assert same, name
    assert (folder / "half.onnx").read_bytes() != (folder / "run/model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "is no folder of `toolkit train`"), ("x.safetensors", "must be a safetensors")],
)
def test_what_is_no_run_is_refused(folder: Path, name: str, words: str) -> None:
    if "." not in name:
        (folder / name).mkdir(exist_ok=True)
    # Stages may have been announced; the refusal is one line.
    assert words in refused(toolkit("export", name, "-o", "x.onnx", cwd=folder))


def test_a_wrong_config_is_refused_in_one_line(folder: Path) -> None:
    (folder / "wrong.toml").write_text('net = "x"\n', encoding="utf-8")
    line = refused(train(folder, "wrong", config="wrong.toml"))
    assert "wrong.toml" in line and not (folder / "wrong").exists()


@pytest.mark.exhaustive
def test_a_killed_run_goes_on_to_the_same_bytes(folder: Path) -> None:
    command = [*COMMAND, "train", "c.toml", "--cache", "cache", "--steps", "30", "--out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command, "unkilled"], cwd=folder, env=environment, check=True)
    with subprocess.Popen([*command, "killed"], cwd=folder, env=environment) as process:
        while not (folder / "killed/log.csv").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert json.loads((folder / "killed/run.json").read_text())["status"] == "running"
    subprocess.run([*command, "killed", "--resume"], cwd=folder, env=environment, check=True)
    for name in WEIGHTS:
        same = (folder / "killed" / name).read_bytes() == (folder / "unkilled" / name).read_bytes()
        assert same, name


@pytest.mark.exhaustive
def test_two_processes_share_a_batch(folder: Path) -> None:
    """torchrun with gloo: one run comes out, near that of one process (normalisation is local)."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launcher, "-m", "toolkit", "train", "c.toml", "--cache", "cache", "--out", "shared"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
    assert json.loads((folder / "shared/run.json").read_text())["status"] == "finished"
    shared, alone = (load_checkpoint(folder / n / WEIGHTS[1])[0] for n in ("shared", "run"))
    for (name, a), b in zip(shared.named_parameters(), alone.parameters(), strict=True):
        assert (a - b).abs().max() < 0.05, name
