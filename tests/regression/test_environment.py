"""Builds do not depend on where and how they are run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import onnx
import pytest

from tests.support.cli import (
    COMMAND,
    Run,
    built,
    image_model,
    speech_model,
    toolkit,
    toolkit_process,
    tree,
    write_noise,
)

ODD = 'it\'s a "té,st" = $HOME; dir'


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with variables set, or (None) removed."""
    merged = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def test_two_builds_at_once_with_one_cold_cache_and_odd_paths(tmp_path: Path) -> None:
    """One on each simulator; cache, temporary files, model, clip and output in the odd folder."""
    simulators = ["unicorn", "qemu" if shutil.which("qemu-system-arm") else "unicorn"]
    folder = tmp_path / ODD
    for name in ("cache", "tmp"):
        (folder / name).mkdir(parents=True)
    onnx.save(speech_model(), folder / "my model.onnx")
    write_noise(folder / "my clip.wav", 16_000, 1, "PCM_16")
    env = environment(XDG_CACHE_HOME=str(folder / "cache"), TMPDIR=str(folder / "tmp"))
    options = ["--target", "cortex-m4", "--seconds", "0.1", "--json"]
    options += ["--audio", str(folder / "my clip.wav")]
    command = [*COMMAND, "build", str(folder / "my model.onnx"), *options]
    running = [
        subprocess.Popen(
            [*command, "--simulator", simulator, "--out", str(folder / f"out {number}")],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, simulator in enumerate(simulators)
    ]
    for process in running:
        stdout, stderr = process.communicate()
        built(Run(process.returncode, stdout, stderr))
    first, second = (tree(folder / f"out {number}") for number in range(2))
    assert first.pop("report/report.json") and second.pop("report/report.json")
    assert first == second
    assert list((folder / "tmp").iterdir()) == []


def test_nothing_can_be_written_but_the_output(tmp_path: Path) -> None:
    """A working directory and a cache that refuse, no home, no locale."""
    onnx.save(image_model(), tmp_path / "m.onnx")
    (tmp_path / "tmp").mkdir()
    env = environment(
        HOME=None, XDG_CACHE_HOME="/proc/none", TMPDIR=str(tmp_path / "tmp"), LC_ALL="C"
    )
    options = ["--target", "cortex-m4", "--out", tmp_path / "out", "--json"]
    run = toolkit_process("build", tmp_path / "m.onnx", *options, cwd=Path("/proc"), env=env)
    built(run)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_relative_cache_is_not_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.toolchain.cache import user_cache_dir

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert user_cache_dir() == tmp_path / "home" / ".cache" / "hearing-aid-toolkit"
    assert not (tmp_path / "cache").exists()


def test_a_terminal_that_knows_ascii_only(tmp_path: Path) -> None:
    env = environment(PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C", COLUMNS="60")
    run = toolkit_process("profile", "--seconds", "0.1", cwd=tmp_path, env=env)
    assert (run.exit_code, run.stderr) == (0, "")
    assert run.stdout.isascii()


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """`toolkit … | head -1` says nothing on standard error."""
    for verb in ("targets", "--help", "profile --json"):
        command = [*COMMAND, *verb.split()]
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == "", verb
        process.wait()


def test_a_build_replaces_the_one_before_and_reads_from_elsewhere(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    options = ["--target", "cortex-m4", "--simulator", "host", "--json", "--out"]
    built(toolkit("build", "m.onnx", *options, "out", cwd=tmp_path))
    before = tree(tmp_path / "out")
    elsewhere = ("build", "../../m.onnx", *options, "../../out")
    (tmp_path / "out" / "mine.txt").touch()
    run = toolkit(*elsewhere, cwd=tmp_path / "deep" / "er")
    assert run.exit_code == 2 and "'mine.txt'" in run.stderr, "nobody's files are deleted"
    (tmp_path / "out" / "mine.txt").unlink()
    built(toolkit(*elsewhere, cwd=tmp_path / "deep" / "er"))
    assert tree(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "m.onnx", "out"]
