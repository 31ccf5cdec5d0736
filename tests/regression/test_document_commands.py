"""The documents' commands, run whole, in the folder of somebody who has what they name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import onnx
import pytest

from tests.support import outside, qdq
from tests.support.cli import speech_model, toolkit, write_noise
from tests.support.onnx_models import conv_1d

ROOT = Path(__file__).resolve().parents[2]
CLIPS = ROOT / "ci" / "test_clips"
DOCUMENTS = ("README", "docs/EVALUATION", "docs/FEATURES", "docs/QUANTISED_MODELS", "docs/CI")
#: Documents whose commands other tests run whole, each by itself.
OTHERS = {
    "docs/BOARDS": "tests/sim/test_flash.py",
    "docs/INTEGRATION": "tests/sim/test_integration.py",
    "docs/TRAINING": "tests/regression/test_train.py",
}
#: Commands that need what a machine of tests has not, and the test that runs them.
ELSEWHERE = {
    "toolkit train": "tests/regression/test_train.py",
    "toolkit export": "tests/regression/test_no_network.py",
    "toolkit flash": "tests/sim/test_flash.py",
    "toolkit diff": "tests/sim/test_diff.py",
    "toolkit build model.onnx --target cortex-m4 --state": "tests/sim/test_states_sim.py",
    "toolkit build wav2small --target cortex-m4 --engine": "tests/sim/test_tflm.py",
    "toolkit build --target cortex-m4 --toolchain gcc": "tests/sim/test_build.py",
    "toolkit verify": "tests/regression/test_wav2small_accuracy.py",
    "toolkit check": "tests/sim/test_check.py",
    "toolkit eval MODEL": "tests/regression/test_eval.py",
}


def commands(document: str) -> list[str]:
    """Every `toolkit` command of a document, optional parts left out, the first of alternatives."""
    found = []
    text = (ROOT / f"{document}.md").read_text(encoding="utf-8")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M):
        for line in block.splitlines() if language in ("", "sh") else ():
            command = re.sub(r"\[[^\]]*\]", "", line.split(" #")[0]).strip()
            if command.startswith("toolkit "):
                found.append(re.sub(r"(\w+)(\|[\w.]+)+", r"\1", command))
    return list(dict.fromkeys(found))


def prepared(folder: Path) -> Path:
    """Models, clips and labels by the names that the documents use."""
    onnx.save(speech_model(labels=json.dumps(["a", "b", "c"])), folder / "model.onnx")
    for name in ("clips", "speech"):
        ignore = shutil.ignore_patterns("*.txt", "silence*")
        shutil.copytree(CLIPS, folder / name, ignore=ignore)
    write_noise(folder / "clip.wav", 16_000, 1, "PCM_16")
    write_noise(folder / "long.wav", 16_000, 1, "PCM_16", seconds=3.0)
    rows = ["yes_1000ms.wav,x,.1,.2,.3", "no_1000ms.wav,y,.4,.1,.2", "noise_1000ms.wav,y,.2,.3,.1"]
    text = "\n".join(["file,speaker,a,b,c", *rows]) + "\n"
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    data = qdq.noise((1, 6, 50), qdq.CALIBRATION_CASES)
    onnx.save(qdq.quantize_with_onnxruntime(conv_1d(), data, folder), folder / "model_qdq.onnx")
    return folder


@pytest.mark.parametrize("document", [*DOCUMENTS, *OTHERS])
def test_every_command_is_run_here_or_elsewhere(document: str) -> None:
    assert commands(document)
    for where in (*ELSEWHERE.values(), *OTHERS.values()):
        assert (ROOT / where).is_file()
    for begins in ELSEWHERE:
        assert any(line.startswith(begins) for name in DOCUMENTS for line in commands(name)), begins


@pytest.mark.exhaustive
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_run(document: str, tmp_path: Path) -> None:
    """In their order: some use what those before them left."""
    folder = prepared(tmp_path)
    if document == "docs/EVALUATION":
        (folder / "emotale").symlink_to(outside.folder(outside.DATA) / "emotale")
    for command in commands(document):
        if command.startswith(tuple(ELSEWHERE)):
            continue
        line, _, file = command.partition(" > ")
        run = toolkit(*shlex.split(line)[1:], cwd=folder)
        assert run.exit_code == 0, (command, run.stderr)
        if file:
            (folder / file).write_text(run.stdout, encoding="utf-8")
