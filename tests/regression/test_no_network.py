"""No verb opens a connection, but `flash` to a GDB server on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.support.cli import image_model, speech_model, toolkit, write_noise
from tests.support.corpus import config_text, search_text, write_corpus
from tests.support.offline import sitecustomize
from tests.support.quick import ROOT
from toolkit.cli import VERBS

_FLASH = "--run" if shutil.which("qemu-system-arm") else "--dry-run"
#: A typical call of every verb, in an order in which each finds what others left.
CALLS = {
    "targets": "targets",
    "boards": "boards",
    "doctor": "doctor",
    "teach": "teach corpus/audio -o labels.parquet --teacher teacher.safetensors",
    "train": "train config.toml --out trained --cache cache",
    "search": "search search.toml --out found --cache cache",
    "export": "export trained/model.safetensors -o exported.onnx",
    "convert": "convert model.onnx -o model.tflite",
    "inspect": "inspect model.tflite",
    "profile": "profile model.onnx --target cortex-m4",
    "features": "features show model.onnx",
    "eval": "eval model.onnx --data labels.csv --audio .",
    "build": "build model.onnx --board mps2-an386 --package zephyr --audio clip.wav --out out",
    "run": "run out --audio clip.wav",
    "verify": "verify image.onnx --target cortex-m4 --inputs x.npy",
    "flash": f"flash out {_FLASH}",
    "init": "init image.onnx --budget first.toml",
    "completion": "completion bash",
    "check": "check --report out/report/report.json",
    "diff": "diff out out",
}
BUDGET = """version = 1
[[budget]]
target = "cortex-m4"
[budget.limits]
flash_bytes = 1_000_000
"""
REACH_OUT = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"
LOOK_UP = "import socket; socket.getaddrinfo('example.invalid', 443)"
STAY = (
    "import socket; server = socket.create_server(('127.0.0.1', 0));"
    "socket.create_connection(server.getsockname())"
)


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with what this process and those it starts tried to reach; it does not exist yet."""
    path = tmp_path / "connections.txt"
    folder = str(Path(sitecustomize.__file__).parent)
    monkeypatch.setenv(sitecustomize.NOTES, str(path))
    monkeypatch.setenv("PYTHONPATH", folder, prepend=os.pathsep)
    return path


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stderr


def test_a_way_out_is_seen(notes: Path) -> None:
    assert python(STAY) == "" and not notes.exists()
    for code in (REACH_OUT, LOOK_UP):
        assert "is not allowed here" in python(code)
        with pytest.raises(OSError, match="is not allowed here"):
            exec(code)
    assert len(notes.read_text(encoding="utf-8").splitlines()) == 4


def test_no_verb_reaches_out(tmp_path: Path, notes: Path) -> None:
    pytest.importorskip("torch", reason="train needs the extra `train`")
    pytest.importorskip("optuna", reason="search needs the extra `search`")
    pytest.importorskip("pyarrow", reason="teach needs the extra `teach`")
    assert CALLS.keys() == VERBS.keys(), "a verb needs its typical call in CALLS"
    onnx.save(speech_model(labels=json.dumps(["a", "b", "c"])), tmp_path / "model.onnx")
    write_noise(tmp_path / "clip.wav", 16_000, 1, "PCM_16", seconds=0.2)
    labels = "file,speaker,a,b,c\nclip.wav,x,0.1,0.2,0.3\nclip.wav,y,0.3,0.1,0.2\n"
    (tmp_path / "labels.csv").write_text(labels, encoding="utf-8")
    (tmp_path / "toolkit.toml").write_text(BUDGET, encoding="utf-8")
    config = config_text(write_corpus(tmp_path / "corpus"), corpus='licence = "CC0"')
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    (tmp_path / "search.toml").write_text(search_text(tmp_path / "corpus/labels.csv"))
    teacher = ROOT / "models/wav2small-ha/model.safetensors"
    (tmp_path / "teacher.safetensors").write_bytes(teacher.read_bytes())
    onnx.save(image_model(), tmp_path / "image.onnx")
    np.save(tmp_path / "x.npy", np.zeros((1, 1, 8, 8), np.float32))
    for call in CALLS.values():
        run = toolkit(*call.split(), cwd=tmp_path)
        assert run.exit_code == 0, (call, run)
        assert not notes.exists(), (call, notes.read_text(encoding="utf-8"))
