"""Networks whose outputs keep time, built and run on the simulated core: a minute of speech."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.support.cli import built, toolkit
from tests.support.row_models import FORMS, hearing, quantized
from toolkit.boards import load_board
from toolkit.deploy.application import Application
from toolkit.emit import FirmwareProject
from toolkit.errors import InputError
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.plan import plan_stream
from toolkit.resources import data_dir

#: Hops of 10 ms, of frames of 25 ms.
SPEC = replace(WAV2SMALL_RUNNING, frame_samples=400, hop_samples=160)
SECONDS, ROWS = 60, SPEC.rows_for_samples(60 * SPEC.sample_rate_hz)


@dataclass(frozen=True)
class Build:
    """A build's folder, its report, and recordings of a minute and of a second."""

    folder: Path
    report: Any
    minute: Path
    second: Path


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    home = tmp_path_factory.mktemp("rows")
    speech, rate = soundfile.read(data_dir("models") / "wav2small" / "demo_clip.wav", dtype="int16")
    for seconds in (SECONDS, 1):
        soundfile.write(home / f"{seconds}.wav", np.resize(speech, seconds * rate), rate)
    (home / "net.onnx").write_bytes(hearing(SPEC).SerializeToString())
    minute, out = home / f"{SECONDS}.wav", home / "out"
    options = ("--target", "cortex-m4", "--audio", minute, "--out", out, "--json")
    report = built(toolkit("build", home / "net.onnx", *options, cwd=home))
    return Build(out, report, minute, home / "1.wav")


def figures(report: Any, provenance: str) -> dict[str, float]:
    rows = report["measurements"]
    return {row["name"]: row["value"] for row in rows if row["provenance"] == provenance}


def test_a_minute_of_rows_in_constant_memory(build: Build) -> None:
    checks = {check["name"]: check for check in build.report["checks"]}
    bytes_of = {"mask": 12 * ROWS, "scores": 3, "speech": (ROWS - 2) // 2 + 1}
    assert f"0 of {sum(bytes_of.values())} output bytes" in checks["bit_match"]["detail"]
    for name in ("plan_linked", "stack_within_bound", "import_match"):
        assert checks[name]["passed"], checks[name]
    assert checks["import_match_other_lengths"]["passed"]
    planned = figures(build.report, "estimated")
    assert 20 * planned["state_bytes"] < planned["batch_arena_bytes"]
    row = toolkit("run", build.folder, "--audio", build.second, "--json", cwd=build.folder.parent)
    (second,) = row.json["rows"]
    assert second["seconds"] == pytest.approx(1, abs=0.02) and not second["refused"]
    assert len(second["values"]) == len(row.json["labels"]) == 12 + 3 + 1


def test_the_delay_stands_beside_the_time_of_a_frame(build: Build) -> None:
    """Three frames of look-ahead, and the frame that the row is for."""
    planned, simulated = (figures(build.report, kind) for kind in ("estimated", "simulated"))
    assert planned["algorithmic_delay_frames"] == 3
    assert planned["algorithmic_delay_ms"] == pytest.approx(3 * 10 + 25)
    assert 0 < simulated["frame_latency_ms_worst"] < 10
    predictions = build.report["predictions"]
    assert len(predictions) == 16 and all(p["float"] is not None for p in predictions)
    (note,) = (i for i in build.report["issues"] if i["code"] == "outputs.rows")
    assert note["message"].count("'") == 4, "both outputs with time are named"


@pytest.mark.parametrize("form", ["causal", "two_inputs"])
def test_boards_take_one_input_and_outputs_at_the_end(form: str, tmp_path: Path) -> None:
    run = SimpleNamespace(plan=plan_stream(quantized(FORMS[form](), tmp_path / "net.onnx")))
    with pytest.raises(InputError, match="gives rows on the way, or has several inputs"):
        Application(run, FirmwareProject({}), load_board("mps2-an386"))  # type: ignore[arg-type]


def test_arrays_for_several_inputs_are_verified(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(FORMS["two_inputs"]().SerializeToString())
    options = ("--target", "cortex-m4", "--schedule", "stream", "--time-axis", "2", "--json")
    run = toolkit("verify", "net.onnx", *options, cwd=tmp_path)
    assert run.exit_code == 0, run
    assert (run.json["schedule"], run.json["mismatches"]) == ("stream", [])
