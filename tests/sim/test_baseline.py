"""Instruction counts of the zoo's model against the baseline that is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import baseline
from benchmarks.models import Result, run_all
from toolkit.toolchain import DEFAULT_TOOLCHAIN

TARGET = "cortex-m4"


@pytest.fixture(scope="module")
def results() -> list[Result]:
    found, skipped = run_all(baseline.QUICK, TARGET, [DEFAULT_TOOLCHAIN])
    assert not skipped
    return found


@pytest.fixture
def measured(results: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is measured once."""
    monkeypatch.setattr(baseline, "run_all", lambda *_: (results, []))


@pytest.mark.usefixtures("measured")
def test_no_count_rose(capsys: pytest.CaptureFixture[str]) -> None:
    path = baseline.BASELINES / f"{TARGET}.json"
    assert baseline.run(baseline.QUICK, TARGET, path, False) == baseline.HOLDS, (
        capsys.readouterr().out
    )


@pytest.mark.usefixtures("measured")
def test_a_planted_rise_fails_and_an_update_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "baseline.json"
    assert baseline.run(baseline.QUICK, TARGET, path, True) == baseline.HOLDS
    document = json.loads(path.read_text())
    assert path.read_text() == json.dumps(document, indent=1, sort_keys=True) + "\n"
    (entry,) = document.values()
    layer = next(name for name in entry["instructions"] if name.startswith("01"))
    entry["instructions"][layer] = round(entry["instructions"][layer] / 1.03)
    path.write_text(json.dumps(document))
    capsys.readouterr()
    assert baseline.run(baseline.QUICK, TARGET, path, False) == baseline.ROSE
    (line,) = capsys.readouterr().out.splitlines()
    assert layer in line
    assert line.endswith("+3.0%")
    baseline.run(baseline.QUICK, TARGET, path, True)
    assert baseline.run(baseline.QUICK, TARGET, path, False) == baseline.HOLDS


def test_models_that_are_absent_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.models.MODELS", tmp_path)
    outside = tuple(b for b in baseline.BENCHMARKS if b not in baseline.QUICK and not b.is_present)
    found, skipped = run_all(outside, TARGET, [DEFAULT_TOOLCHAIN])
    assert not found
    assert len(skipped) == 2
    assert all("left out" in line and str(tmp_path) in line for line in skipped)
