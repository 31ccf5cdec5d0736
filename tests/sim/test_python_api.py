"""The Python API: the example runs, and the objects say what the command line says."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

import toolkit
from tests.support.cli import toolkit as command

EXAMPLE = Path(__file__).parents[2] / "examples" / "python_api.py"


def test_the_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=True
    )
    assert "built: ram_static_bytes" in done.stdout and "(measured)" in done.stdout
    assert "pass bit_match" in done.stdout and "FAIL" not in done.stdout


def test_the_report_is_that_of_the_command(tmp_path: Path) -> None:
    run = toolkit.load("wav2small", 0.1).deploy("cortex-m4").compile().run()
    built = command("build", "--target", "cortex-m4", "--json", cwd=tmp_path).json
    figures = {(m["name"], m["provenance"]): m["value"] for m in built["measurements"]}
    for measurement in run.report.measurements:
        if measurement.name in ("ram_static_bytes", "flash_bytes", "stack_bound_bytes"):
            key = (measurement.name, measurement.provenance.value)
            assert figures[key] == measurement.value


def test_a_run_tells_what_it_ran_on(tmp_path: Path) -> None:
    firmware = toolkit.load("wav2small").deploy("cortex-m4").compile(folder=tmp_path)
    run = firmware.run(simulator="host")
    assert run.clip is not None and run.clip.rows == 499
    assert run.outputs == list(run.expected)
    assert [p.label for p in run.predictions] == ["arousal", "dominance", "valence"]
    assert [p.device_value for p in run.predictions] == run.values.tolist()
    assert (tmp_path / "firmware" / "firmware.elf").is_file()


def test_a_folder_is_replaced_whole_or_refused(tmp_path: Path) -> None:
    model, foreign = toolkit.load("wav2small", 0.1), tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "README.md").write_text("mine")
    streamed, out = model.deploy("cortex-m4"), str(tmp_path / "out")
    with pytest.raises(toolkit.ToolkitError, match="files of other origin"):
        streamed.compile(folder=foreign)
    assert [path.read_text() for path in foreign.iterdir()] == ["mine"]
    first = streamed.compile(folder=out)
    batch = model.deploy("cortex-m4", toolkit.ScheduleRequest("batch"))
    second = batch.compile(folder=out)
    assert second.run().report.passed is not None
    with pytest.raises(toolkit.ToolkitError, match="not the one that was linked there"):
        first.run()


def test_a_temporary_folder_goes_with_its_firmware() -> None:
    firmware = toolkit.load("wav2small", 0.1).deploy("cortex-m4").compile()
    folder = firmware.folder
    assert (folder / "firmware" / "firmware.elf").is_file()
    del firmware
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"schedule": "fast"}, "schedule must be"), ({"optimize": "best"}, "optimize must be")],
)
def test_unusable_options(options: dict[str, str], message: str) -> None:
    with pytest.raises(toolkit.ToolkitError, match=message):
        toolkit.ScheduleRequest(**options)


def test_unusable_names() -> None:
    model = toolkit.load("wav2small", 0.1)
    with pytest.raises(toolkit.ToolkitError, match="unknown target"):
        model.deploy("cortex-m5")
    with pytest.raises(toolkit.ToolkitError, match="arithmetic must be"):
        model.deploy("cortex-m4", arithmetic="float16")
    with pytest.raises(toolkit.ToolkitError, match="unknown model"):
        toolkit.load("no_such_model")


def test_every_public_name_is_there() -> None:
    assert all(getattr(toolkit, name) is not None for name in toolkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'loda'"):
        _ = toolkit.loda  # type: ignore[attr-defined]
