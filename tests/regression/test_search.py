"""`toolkit search` with real trainings: killed, joined, gone on with; what it leaves trains."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra `train`")
pytest.importorskip("optuna", reason="needs the extra `search`")

from tests.support.cli import COMMAND, refused, toolkit  # noqa: E402
from tests.support.corpus import search_text, write_corpus  # noqa: E402
from tests.support.quick import ROOT  # noqa: E402
from toolkit.training.rungs import inherited  # noqa: E402

SEARCH = ("search", "s.toml", "--cache", "cache")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search")
    labels = write_corpus(path / "corpus")
    text = search_text(labels).replace("steps = 4", "steps = 60").replace("[2]", "[20]")
    (path / "s.toml").write_text(text, encoding="utf-8")
    return path


def begun(folder: Path) -> subprocess.Popen[bytes]:
    """A worker that is at its first training."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*COMMAND, *SEARCH], cwd=folder, env=environment)
    journal = folder / "out/s/study.journal"
    for _ in range(3000):
        if journal.is_file() and b'"beat":' in journal.read_bytes():
            time.sleep(0.05)  # killed while it writes it leaves a lock, for half a minute
            return process
        time.sleep(0.01)
    raise AssertionError("nothing was begun")


def test_killed_and_gone_on_with_it_leaves_what_trains(folder: Path) -> None:
    process = begun(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = toolkit(*SEARCH, "--json", cwd=folder)
    assert run.exit_code == 0, run
    (found,) = run.json["studies"]
    assert (found["trained"], found["failed"]) == (3, 1)
    assert found["whole"] + found["stopped"] == 3
    best = found["points"][0]
    assert best["estimated"]["flash_bytes"] <= 65_536
    train, build = (command.split()[1:] for command in best["commands"])
    assert toolkit(*train, "--steps", "4", "--cache", "cache", cwd=folder).exit_code == 0
    onnx, *target = build[1:]
    report = toolkit("profile", onnx, *target, "--json", cwd=folder).json
    figures = {m["name"]: m["value"] for m in report["measurements"]}
    for name, value in best["estimated"].items():
        assert figures[name] == pytest.approx(value, rel=0.01), name
    assert (folder / "out/s/pareto.svg").read_bytes().startswith(b"<?xml")


def test_a_random_search_stands_beside_it(folder: Path) -> None:
    run = toolkit(*SEARCH, "--random", cwd=folder)
    assert run.exit_code == 0, run
    assert "s-random (random)" in run.stdout and "s (nsga2)" in run.stdout
    assert run.stdout.count("toolkit train out/s/genomes/") == 2


def test_impossible_budgets_and_nobody_to_validate_are_one_line(folder: Path) -> None:
    text = (folder / "s.toml").read_text()
    (folder / "tight.toml").write_text(text.replace('"64 KiB"', "1000\nflash = 1"))
    assert "no figure of a genome" in refused(toolkit("search", "tight.toml", cwd=folder))
    tight = text.replace('"64 KiB"', "1000").replace("population", "screen = 20\npopulation")
    (folder / "tight.toml").write_text(tight)
    run = toolkit("search", "tight.toml", "--cache", "cache", cwd=folder)
    assert run.exit_code == 1 and "Relax hearing-aid flash_bytes to" in run.stderr
    deaf = text + 'split = { train = ["a", "b"] }\n'
    (folder / "deaf.toml").write_text(deaf)
    run = toolkit("search", "deaf.toml", "--cache", "cache", cwd=folder)
    assert run.exit_code == 2 and "no recording is in the split 'validation'" in run.stderr


def test_weights_are_inherited_where_they_overlap() -> None:
    mine = {"a": torch.zeros(2, 3), "b": torch.zeros(2), "adv.weight": torch.zeros(3, 4)}
    theirs = {"a": torch.ones(3, 2), "b": torch.ones(2, 2), "adv.weight": torch.ones(3, 8)}
    found = inherited(mine, theirs, same_rows=True)
    assert found["a"].tolist() == [[1, 1, 0], [1, 1, 0]]
    assert not found["b"].any() and not found["adv.weight"].any() and not mine["a"].any()
    whole = inherited(mine, {"adv.weight": torch.ones(3, 4)}, same_rows=True)
    assert whole["adv.weight"].all()
    assert not inherited(mine, whole, same_rows=False)["adv.weight"].any()
