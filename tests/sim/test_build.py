"""`toolkit build`: every compiler with every simulator, the report, determinism, planted bugs."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from tests.support import tiny
from tests.support.cli import (
    Run,
    built,
    image_model,
    refused,
    speech_model,
    toolkit,
    toolkit_process,
    tree,
)
from tests.support.plant import (
    damaged_dense,
    damaged_mean,
    lost_row,
    plant,
    wrong_features,
    wrong_weights,
)
from toolkit.deploy.harness import Execution, Harness
from toolkit.emit.write import MARKER
from toolkit.simulate.protocol import HarnessOutput

SHORT = ("--target", "cortex-m4", "--seconds", "0.1", "--json")

#: Figures that every build of a model with features reports, with the unit DESIGN and docs fix.
FIGURES = {
    "flash_bytes": "B",
    "weights_bytes": "B",
    "ram_static_bytes": "B",
    "arena_bytes": "B",
    "state_bytes": "B",
    "state_lower_bound_bytes": "B",
    "batch_arena_bytes": "B",
    "delay_frames": "frames",
    "cycles_per_frame_mean": "cycles",
    "cycles_per_frame_worst": "cycles",
    "stack_bound_bytes": "B",
    "stack_painted_bytes": "B",
    "macs_per_inference": "MACs",
    "instructions_per_inference": "instructions",
    "cycles_per_inference": "cycles",
    "cycles_per_audio_second": "cycles",
    "frame_latency_ms_mean": "ms",
    "frame_latency_ms_worst": "ms",
    "latency_ms_per_audio_second": "ms",
    "latency_ms": "ms",
    "realtime_factor": "",
    "output_mismatches": "bytes",
    "feature_identical_fraction": "fraction",
    "feature_max_error_steps": "steps",
}

#: Of a build of Wav2Small; kernels with their tag cut off.
FILES = {
    *(f"wav2small/{name}" for name in ("CMakeLists.txt", "LICENSE", "README.md")),
    *(f"wav2small/wav2small{suffix}" for suffix in (".tflite", "_fused.tflite", "Config.cmake")),
    *(f"wav2small/include/wav2small{suffix}.h" for suffix in ("", "_audio", "_cost", "_resampled")),
    *(
        f"wav2small/src/wav2small{suffix}.c"
        for suffix in ("", "_audio", "_features", "_resampled", "_weights")
    ),
    *(f"wav2small/src/wav2small_{suffix}.h" for suffix in ("features", "weights")),
    *(f"wav2small/kernels/tk_concatenation.{suffix}" for suffix in "ch"),
    *(f"harness/{name}" for name in ("CMakeLists.txt", "linker.ld", "main.c")),
    *(f"firmware/firmware.{suffix}" for suffix in ("elf", "bin", "hex", "map")),
    "report/report.json",
}


def values(report: Any) -> dict[str, Any]:
    """Figures by name; an estimate only where nothing better is there."""
    rows = sorted(report["measurements"], key=lambda row: row["provenance"] != "estimated")
    return {row["name"]: row["value"] for row in rows}


def measurements(node: Any) -> Iterator[Any]:
    """Every object of a JSON document that states a value, wherever it lies."""
    if isinstance(node, dict):
        if "value" in node:
            yield node
        for child in node.values():
            yield from measurements(child)
    elif isinstance(node, list):
        for child in node:
            yield from measurements(child)


@pytest.mark.parametrize("schedule", ["stream", "batch"])
def test_all_pairs_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    outputs: dict[tuple[str, str], HarnessOutput] = {}
    reports: dict[tuple[str, str], Any] = {}
    run = Harness.run
    pairs = list(itertools.product(("zig", "gcc"), ("unicorn", "qemu", "host")))
    for pair in pairs:
        tiny.toolchain_or_skip(pair[0])
        tiny.simulator_or_skip(pair[1])

        def record(harness: Harness, *arguments: Any, pair: tuple[str, str] = pair) -> Execution:
            execution = run(harness, *arguments)
            outputs[pair] = execution.output
            return execution

        monkeypatch.setattr(Harness, "run", record)
        options = ("--toolchain", pair[0], "--simulator", pair[1], "--out", "-".join(pair))
        options += ("--schedule", schedule)
        reports[pair] = built(toolkit("build", *SHORT, *options, cwd=tmp_path))
    (first,) = outputs[pairs[0]].cases
    assert first.rows is not None and first.rows.shape == (49, 26)
    for pair in pairs:
        (case,) = outputs[pair].cases
        assert case.rows is not None
        assert case.rows.tobytes() == first.rows.tobytes(), pair
        assert case.outputs == first.outputs, pair
        figures = values(reports[pair])
        assert figures["output_mismatches"] == 0
        assert figures["feature_identical_fraction"] == 1.0
        assert figures["feature_max_error_steps"] == 0
    for toolchain in ("zig", "gcc"):
        unicorn, qemu = (reports[toolchain, name] for name in ("unicorn", "qemu"))
        assert values(unicorn)["instructions_per_inference"] > 1_000_000
        counts = [
            [(f["name"], f["phase"], f["measurements"][0]["value"]) for f in r["functions"]]
            for r in (unicorn, qemu)
        ]
        assert counts[0] == counts[1]
        for name in ("instructions_per_inference", "cycles_per_inference", "stack_painted_bytes"):
            assert values(unicorn)[name] == values(qemu)[name]
        folders = [tree(tmp_path / f"{toolchain}-{s}") for s in ("unicorn", "qemu", "host")]
        said = ["report/report.json", "wav2small/README.md", "wav2small/include/wav2small_cost.h"]
        said.append(MARKER)  # has the hashes of these
        for folder in folders:
            assert all(folder.pop(path) for path in said)  # what was simulated, and where
            assert folder == folders[0]


def test_the_demo_and_its_report(tmp_path: Path) -> None:
    run = toolkit("build", "--target", "cortex-m4", "--out", "out", "--json", cwd=tmp_path)
    report = built(run)
    assert (tmp_path / "out" / "report" / "report.json").read_text(encoding="utf-8") == run.stdout
    files = tree(tmp_path / "out")
    assert {re.sub(r"_[0-9a-f]{8}(?=\.[ch]$)", "", name) for name in files} >= FILES
    readme = (tmp_path / "out" / "wav2small" / "README.md").read_text(encoding="utf-8")
    for name in files:
        folder, _, inside = name.partition("/")
        if folder == "wav2small" and inside.startswith(("include/", "src/")):
            assert f"`{inside}`" in readme, name

    assert report["schema_version"] == 1
    assert report["model"]["name"] == "wav2small"
    assert re.fullmatch("[0-9a-f]{64}", report["model"]["sha256"])
    assert report["target"] == "cortex-m4"
    assert report["toolchain"].startswith("zig ")
    assert (report["simulator"], report["schedule"]) == ("unicorn", "stream")
    assert FIGURES.items() <= {row["name"]: row["unit"] for row in report["measurements"]}.items()
    rows = list(measurements(report))
    assert len(rows) > 50
    for row in rows:
        assert row["provenance"] in ("measured", "simulated", "estimated"), row
        assert row["basis"] and row["name"] and isinstance(row["value"], int | float), row
    for check in report["checks"]:
        assert check.keys() == {"name", "passed", "required", "detail", "where"}
        assert check["detail"]
    assert [issue["code"] for issue in report["issues"]] == ["time.zero_wait"]

    figures = values(report)
    assert figures["arena_bytes"] == 0
    assert figures["state_lower_bound_bytes"] <= figures["state_bytes"]
    assert figures["state_bytes"] <= figures["ram_static_bytes"] <= 24 * 1024
    assert figures["batch_arena_bytes"] > 300_000
    assert figures["cycles_per_frame_mean"] <= figures["cycles_per_frame_worst"]
    frames = 499 * figures["cycles_per_frame_mean"] + figures["cycles_at_end_of_clip"]
    assert frames == pytest.approx(figures["cycles_per_inference"], rel=1e-3)
    assert figures["stack_painted_bytes"] <= figures["stack_bound_bytes"]
    assert figures["flash_bytes"] == (tmp_path / "out" / "firmware" / "firmware.bin").stat().st_size
    assert figures["macs_per_inference"] == 61_901_827
    assert 0.5 < figures["instructions_per_inference"] / figures["macs_per_inference"] < 1.2
    spent = {
        unit: sum(
            m["value"] for f in report["functions"] for m in f["measurements"] if m["unit"] == unit
        )
        for unit in ("instructions", "cycles")
    }
    assert spent["instructions"] == figures["instructions_per_inference"]
    assert spent["cycles"] == figures["cycles_per_inference"]
    assert figures["cycles_features"] + figures["cycles_model"] == spent["cycles"]
    assert figures["latency_ms"] == pytest.approx(spent["cycles"] / tiny.TARGET.clock_hz * 1e3)
    assert figures["realtime_factor"] == pytest.approx(figures["latency_ms"] / 1e3)
    assert figures["macs_per_inference"] == sum(row["macs"] for row in report["layers"])
    checks = {check["name"]: check["passed"] for check in report["checks"]}
    assert checks.pop("tflm_match") is None  # it has custom operators
    assert checks == dict.fromkeys(
        (
            *("bit_match", "features_match", "stack_within_bound", "plan_linked"),
            *("device_near_float", "import_match", "import_match_other_lengths"),
            *("fits_flash", "fits_ram", "fits_stack", "real_time"),
        ),
        True,
    )
    labels = [row["label"] for row in report["predictions"]]
    assert labels == ["arousal", "dominance", "valence"]
    for row in report["predictions"]:
        assert abs(row["float"] - row["device"]) < 0.1


def test_the_same_build_gives_the_same_bytes(tmp_path: Path) -> None:
    """In another folder, from another folder, with another hash seed: report.json too."""
    found = []
    for seed in ("1", "2"):
        folder = tmp_path / f"{seed} folder {seed * 20}"
        (folder / "tmp").mkdir(parents=True)
        env = {**os.environ, "PYTHONHASHSEED": seed, "TMPDIR": str(folder / "tmp")}
        built(toolkit_process("build", *SHORT, "--out", f"out{seed}", cwd=folder, env=env))
        found.append(tree(folder / f"out{seed}"))
    assert found[0] == found[1]
    for name, content in found[0].items():
        assert content is None or str(tmp_path).encode() not in content, name


def test_continuous_mode(tmp_path: Path) -> None:
    """An output every hop, each equal to the reference; how far it is from clip mode is said."""
    options = ("--target", "cortex-m4", "--hop-out", "0.2", "--window", "0.4", "--json")
    report = built(toolkit("build", *options, "--out", "out", cwd=tmp_path))
    assert report["schedule"] == "continuous"
    figures = values(report)
    assert figures["output_mismatches"] == 0
    for label in ("arousal", "dominance", "valence"):
        assert -1 <= figures[f"continuous_ccc_{label}"] <= 1
        assert -1 <= figures[f"continuous_ccc_same_level_{label}"] <= 1
    assert figures["continuous_max_deviation"] > 0
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["plan_linked"]["passed"] and checks["bit_match"]["passed"]
    assert "of 12 output bytes" in checks["bit_match"]["detail"]  # 4 hops of 3 outputs
    assert "remainder 0 B" in checks["plan_linked"]["detail"]
    codes = [issue["code"] for issue in report["issues"]]
    assert codes == ["schedule.continuous", "time.zero_wait"]
    assert [row["float"] for row in report["predictions"]] == [None] * 3


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (("0", "1"), "0 < hop-out <= window"),
        (("2", "1"), "0 < hop-out <= window"),
        (("nan", "1"), "0 < hop-out <= window"),
        (
            ("0.3", "1"),
            "--window: must be a multiple of 0.3 s; got 1. The nearest are 0.9 or 1.2 s",
        ),
        (
            ("0.25", "1"),
            "--hop-out: must be a multiple of 0.004 s; got 0.25. The nearest are 0.248",
        ),
        (("0.5", "50"), "demo_clip.wav: lasts 1 s"),
    ],
)
def test_unusable_times_of_continuous_mode(
    tmp_path: Path, times: tuple[str, str], found: str
) -> None:
    hop_out, window = times
    options = ("--target", "cortex-m4", "--hop-out", hop_out, "--window", window, "--out", "out")
    assert found in refused(toolkit("build", *options, cwd=tmp_path), exit_code=2)
    assert not list(tmp_path.iterdir())


def test_continuous_mode_is_no_batch(tmp_path: Path) -> None:
    options = ("--target", "cortex-m4", "--hop-out", "0.2", "--schedule", "batch", "--out", "out")
    assert "without an end" in refused(toolkit("build", *options, cwd=tmp_path), 2)


def test_a_level_that_restarts_gives_a_window_its_own_features(tmp_path: Path) -> None:
    """The default window fits the shipped clip; what the level has heard no longer matters."""
    options = ("--target", "cortex-m4", "--hop-out", "0.2", "--json", "--simulator", "host")
    report = built(toolkit("build", *options, "--level", "restart", "--out", "o", cwd=tmp_path))
    figures = values(report)
    assert figures["continuous_max_deviation"] == figures["continuous_max_same_level_deviation"]
    windows = {g["value"]: g["measurements"] for g in report["groups"]}
    assert list(windows) == ["0.2", "0.4", "0.6", "0.8"]
    last = {m["name"]: m["value"] for m in windows["0.8"]}
    shown = {p["label"]: p["device"] for p in report["predictions"]}
    assert last == {f"output_{label}": value for label, value in shown.items()}
    running = built(toolkit("build", *options, "--out", "r", cwd=tmp_path))
    assert values(running)["continuous_max_deviation"] > figures["continuous_max_deviation"]


def test_continuous_mode_needs_features_of_endless_audio(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    options = ("--target", "cortex-m4", "--hop-out", "1", "--out", "out")
    assert "feature specification" in refused(toolkit("build", "m.onnx", *options, cwd=tmp_path), 2)


# --- planted bugs -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("edit", "layer"),
    [(wrong_weights, "'t4'"), (damaged_dense, "'t4'"), (damaged_mean, "'t2'")],
)
def test_a_planted_bug_fails_the_bit_match(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    edit: Callable[[dict[str, bytes]], None],
    layer: str,
) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    plant(monkeypatch, edit)
    options = ("--target", "cortex-m4", "--json")
    run = toolkit("build", "m.onnx", *options, "--out", "out", cwd=tmp_path)
    assert (run.exit_code, run.stderr) == (1, "")
    checks = {check["name"]: check for check in run.json["checks"]}
    assert not checks["bit_match"]["passed"]
    assert "output bytes differ" in checks["bit_match"]["detail"]
    assert f"first wrong layer {layer}" in checks["bit_match"]["detail"]
    assert not checks["tflm_match"]["passed"]
    assert values(run.json)["output_mismatches"] > 0
    assert (tmp_path / "out" / "report" / "report.json").is_file(), "kept for study"
    verified = toolkit("verify", "m.onnx", *options, cwd=tmp_path)
    assert verified.exit_code == 1
    assert verified.json["wrong_layer"].startswith(f"first wrong layer {layer}")


def test_a_bug_of_the_schedule_is_no_layer_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    plant(monkeypatch, lost_row)
    run = toolkit("build", "m.onnx", *SHORT, "--schedule", "stream", "--out", "out", cwd=tmp_path)
    assert run.exit_code == 1
    (check,) = (check for check in run.json["checks"] if check["name"] == "bit_match")
    assert "every layer agrees on the workstation in batch" in check["detail"]


def test_a_planted_bug_in_the_features_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(speech_model(), tmp_path / "m.onnx")
    plant(monkeypatch, wrong_features)
    run = toolkit("build", "m.onnx", *SHORT, "--out", "out", cwd=tmp_path)
    assert values(run.json)["feature_identical_fraction"] < 1.0
    assert values(run.json)["output_mismatches"] == 0


def test_a_planted_fault_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation that faults is an internal error, and leaves nothing."""

    def edit(files: dict[str, bytes]) -> None:
        call = rb"(void m_net_invoke\(m_net \*\w+\)\s*\{)"
        crash = rb"\1 *(volatile uint32_t *)0xF0000000u = 1u;"
        files["m_net/src/m_net.c"] = re.sub(call, crash, files["m_net/src/m_net.c"])

    onnx.save(image_model(), tmp_path / "m.onnx")
    plant(monkeypatch, edit)
    run: Run = toolkit("build", "m.onnx", "--target", "cortex-m4", "--out", "out", cwd=tmp_path)
    assert "in m_net_invoke" in refused(run, exit_code=4)
    assert sorted(tree(tmp_path)) == ["m.onnx"]
