"""The README's commands, run whole, in the folder of somebody who has what they name."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import onnx
import pytest

from tests.support.cli import speech_model, toolkit, write_noise

README = Path(__file__).resolve().parents[2] / "README.md"
CLIPS = README.parent / "ci" / "test_clips"
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
}


def commands() -> list[str]:
    """Every `toolkit` command of the README, optional parts left out, the first of alternatives."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.S):
        for line in block.splitlines():
            command = re.sub(r"\[[^\]]*\]", "", line.split(" #")[0]).strip()
            if command.startswith("toolkit "):
                found.append(re.sub(r"(\w+)(\|[\w.]+)+", r"\1", command))
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    onnx.save(speech_model(labels=json.dumps(["a", "b", "c"])), path / "model.onnx")
    shutil.copytree(CLIPS, path / "clips", ignore=shutil.ignore_patterns("*.txt", "silence*"))
    write_noise(path / "clip.wav", 16_000, 1, "PCM_16")
    write_noise(path / "long.wav", 16_000, 1, "PCM_16", seconds=3.0)
    rows = ["yes_1000ms.wav,x,.1,.2,.3", "no_1000ms.wav,y,.4,.1,.2", "noise_1000ms.wav,y,.2,.3,.1"]
    text = "\n".join(["file,speaker,a,b,c", *rows]) + "\n"
    (path / "labels.csv").write_text(text, encoding="utf-8")
    return path


def test_every_command_is_run_here_or_elsewhere() -> None:
    found = commands()
    assert len(found) > 20
    for begins, where in ELSEWHERE.items():
        assert [command for command in found if command.startswith(begins)], begins
        assert (README.parent / where).is_file()


@pytest.mark.exhaustive
def test_the_commands_run(folder: Path) -> None:
    """In their order: some use what those before them left."""
    for command in commands():
        if command.startswith(tuple(ELSEWHERE)):
            continue
        run = toolkit(*shlex.split(command)[1:], cwd=folder)
        assert run.exit_code == 0, (command, run.stderr)
