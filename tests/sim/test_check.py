"""`toolkit check`: a planted regression for each kind of budget fails it with the line that names
the layer or function; without it the budget holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest

from tests.support.cli import Run, image_model, speech_model, toolkit
from tests.support.gates import problem
from tests.support.plant import damaged_dense, kernel, paths, plant, wrong_features, wrong_weights
from toolkit.features.spec import WAV2SMALL_RUNNING
from toolkit.resources import data_dir

SHORT = ("--target", "cortex-m4", "--seconds", "0.2", "--json")
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "toolkit" / "report" / "schema.json").read_text(encoding="utf-8")
)

# --- what is built, once -------------------------------------------------------------------------


def slow_and_deep(files: dict[str, bytes]) -> None:
    """The mean takes longer, and 600 bytes of stack."""
    body = rb"(void tk_\w+_mean_s8_accumulate_row\([^)]*\)\s*\{)"
    waste = (
        rb'\1 uint8_t deep[600]; __asm__ volatile("" ::"r"(deep) : "memory");'
        rb" for (volatile int i = 0; i < 500; i++) { }"
    )
    for path in kernel(files, "tk_mean_s8"):
        files[path] = re.sub(body, waste, files[path])


def wrong(files: dict[str, bytes]) -> None:
    """One mel weight is wrong, and every weight of the last layer."""
    wrong_features(files)
    wrong_weights(files)


def wrong_window(files: dict[str, bytes]) -> None:
    """The first coefficient of the window is 0.5, not 0."""
    first = rb"(window\[\d+\] = \{\s*)0\.0F"
    for path in paths(files, r"\w+_features\.c"):
        files[path] = re.sub(first, rb"\g<1>0.5F", files[path])


#: Longer than what C keeps of a name.
PREFIX = "encoder/block_with_a_name_that_is_longer_than_c_keeps_of_it/x"


def prefixed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same with names of layers that agree in 60 characters."""
    names = {name: PREFIX + name for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    for value in model.graph.output:
        value.name = names[value.name]
    return model


BIGGER_FFT = replace(WAV2SMALL_RUNNING, frame_samples=128).to_json()
MODELS: dict[str, Callable[[], onnx.ModelProto]] = {
    "base": speech_model,
    "channel": lambda: speech_model(channels=5),
    "fft": lambda: speech_model(BIGGER_FFT),
    "slow": speech_model,
    "wrong": speech_model,
    "kernel": speech_model,
    "window": speech_model,
    "long": lambda: prefixed(speech_model()),
    "long channel": lambda: prefixed(speech_model(channels=5)),
    "long slow": lambda: prefixed(speech_model()),
}
EDITS = {
    "slow": slow_and_deep,
    "long slow": slow_and_deep,
    "wrong": wrong,
    "kernel": damaged_dense,
    "window": wrong_window,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """The report.json of a variant of the model, built when first asked for."""
    folder = tmp_path_factory.mktemp("variants")

    def report(variant: str) -> Path:
        path = folder / f"{variant}.json"
        if not path.exists():
            onnx.save(MODELS[variant](), folder / "m.onnx")
            with pytest.MonkeyPatch.context() as patch:
                if variant in EDITS:
                    plant(patch, EDITS[variant])
                run = toolkit(
                    "build", "m.onnx", *SHORT, "--out", variant, "--report", path, cwd=folder
                )
            assert run.exit_code == (variant in ("wrong", "kernel", "window")), run
        return path

    yield report


def budget(folder: Path, text: str, name: str = "toolkit.toml") -> Path:
    path = folder / name
    path.write_text(f'version = 1\n[[budget]]\ntarget = "cortex-m4"\n{text}', encoding="utf-8")
    return path


def verdict(run: Run, name: str) -> dict[str, Any]:
    (gate,) = run.json["gates"]
    return next(v for v in gate["verdicts"] if v["name"] == name)


# --- a planted regression of every kind -----------------------------------------------------------

REGRESSIONS = {
    "flash": ("channel", "flash_bytes", "0", "layer 't1' +"),
    "weights": ("channel", "weights_bytes", "0", "layer 't1' +13 B"),
    "RAM": ("channel", "ram_static_bytes", "0", "row 't1' +26 B"),
    "state": ("channel", "state_bytes", "0", "row 't1' +26 B"),
    "work": ("channel", "macs_per_inference", "'5 %'", "layer 't1'"),
    "RAM of the features": ("fft", "ram_static_bytes", "'10 %'", "object 'features'"),
    "latency of a bigger FFT": ("fft", "frame_latency_ms_mean", "'3 %'", "(features)"),
    "cycles of a bigger FFT": ("fft", "cycles_features", "'3 %'", "(features)"),
    "flash of a bigger FFT": ("fft", "flash_bytes", "64", "table 'mel_weights' +480 B"),
    "stack": ("slow", "stack_bound_bytes", "64", "function 'tk_mean_s8_accumulate_row'"),
    "stack, painted": ("slow", "stack_painted_bytes", "64", "function 'tk_mean_s8_accumulate_row'"),
    "latency, mean": ("slow", "frame_latency_ms_mean", "'1 %'", "changed most: layer 't2'"),
    "latency, worst": ("slow", "frame_latency_ms_worst", "'1 %'", "changed most: layer 't2'"),
    "latency of a second": (
        "slow",
        "latency_ms_per_audio_second",
        "'1 %'",
        "changed most: layer 't2'",
    ),
    "cycles": ("slow", "cycles_per_inference", "'1 %'", "changed most: layer 't2'"),
    "instructions": ("slow", "instructions_per_inference", "'1 %'", "changed most: layer 't2'"),
    "energy": ("slow", "energy_uj_per_audio_second", "'1 %'", "changed most: layer 't2'"),
    "features": ("wrong", "feature_max_error_steps", "0", "features.c: largest at frame "),
    "features, fraction": (
        "wrong",
        "feature_identical_fraction",
        "0",
        "1 of 26 bands differ: the filterbank's weights",
    ),
    "features, window": (
        "window",
        "feature_identical_fraction",
        "0",
        "25 of 26 bands differ: level, window, FFT or logarithm",
    ),
    "bits": ("wrong", "output_mismatches", "0", "first wrong layer 't4' (fully_connected)"),
    "bits of a kernel": (
        "kernel",
        "output_mismatches",
        "0",
        "first wrong layer 't4' (fully_connected)",
    ),
}


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_a_planted_regression_is_named(
    built: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    variant, figure, growth, named = REGRESSIONS[kind]
    rules = f'baseline = "{built("base")}"\n[budget.growth]\n{figure} = {growth}\n'
    path = budget(tmp_path, rules)
    fixed = toolkit("check", "--report", built("base"), "--budget", path, "--json", cwd=tmp_path)
    assert fixed.exit_code == 0, fixed
    assert verdict(fixed, figure)["outcome"] == "holds"
    options = ("--budget", path, "--json")
    run = toolkit("check", "--report", built(variant), *options, cwd=tmp_path)
    assert run.exit_code == 1, run
    found = verdict(run, figure)
    assert found["outcome"] == "exceeded" and found["fails"]
    assert named in found["message"], found["message"]


@pytest.mark.parametrize(
    ("variant", "figure", "layer"),
    [
        ("long channel", "flash_bytes", "t1"),
        ("long channel", "ram_static_bytes", "t1"),
        ("long channel", "weights_bytes", "t1"),
        ("long channel", "macs_per_inference", "t1"),
        ("long slow", "cycles_per_inference", "t2"),
        ("long slow", "instructions_per_inference", "t2"),
    ],
)
def test_layers_of_one_prefix_are_told_apart(
    built: Callable[[str], Path], tmp_path: Path, variant: str, figure: str, layer: str
) -> None:
    rules = f'baseline = "{built("long")}"\n[budget.growth]\n{figure} = 0\n'
    path = budget(tmp_path, rules)
    options = ("--budget", path, "--json")
    found = verdict(toolkit("check", "--report", built(variant), *options, cwd=tmp_path), figure)
    words = re.split("changed most: |peak in step '[^']*': ", found["message"])[1]
    first = words.partition(" +")[0]
    assert first.endswith(f" '{PREFIX}{layer}'"), found["message"]


def test_an_absolute_limit_names_what_contributes_most(
    built: Callable[[str], Path], tmp_path: Path
) -> None:
    """Exactly at the limit holds, one byte less does not."""
    rows = json.loads(built("base").read_text(encoding="utf-8"))["measurements"]
    flash = next(m["value"] for m in rows if m["name"] == "flash_bytes")
    for limit, exit_code in ((flash, 0), (flash - 1, 1)):
        path = budget(tmp_path, f"[budget.limits]\nflash_bytes = {limit}\n")
        run = toolkit("check", "--report", built("base"), "--budget", path, cwd=tmp_path)
        assert run.exit_code == exit_code
    assert "1 B too much; largest: " in run.stdout


def test_a_failed_bit_match_fails_whatever_the_budget_says(
    built: Callable[[str], Path], tmp_path: Path
) -> None:
    path = budget(tmp_path, "[budget.limits]\nflash_bytes = 1e9\n")
    run = toolkit("check", "--report", built("wrong"), "--budget", path, "--json", cwd=tmp_path)
    assert run.exit_code == 1
    assert verdict(run, "flash_bytes")["outcome"] == "holds"
    assert verdict(run, "bit_match")["fails"]


# --- baselines ------------------------------------------------------------------------------------


def test_what_cannot_be_compared_is_an_error(built: Callable[[str], Path], tmp_path: Path) -> None:
    """Another toolchain, simulator, schedule or schema, each by its name; limits are judged."""
    base = json.loads(built("base").read_text(encoding="utf-8"))
    rules = "[budget.limits]\nflash_bytes = 1\n[budget.growth]\nflash_bytes = 0\n"
    path = budget(tmp_path, f'baseline = "b.json"\n{rules}')
    command = ("check", "--report", built("base"), "--budget", path, "--json")
    changes = {"toolchain": "gcc 12", "simulator": "qemu", "schedule": "batch"}
    for key, other in changes.items():
        (tmp_path / "b.json").write_text(json.dumps({**base, key: other}), encoding="utf-8")
        run = toolkit(*command, cwd=tmp_path)
        assert f"{key} changed: {base[key]} ← {other}" in problem(run)
        assert f"--allow-different={key}" in problem(run)
        limit, growth = (v for v in run.json["gates"][0]["verdicts"] if v["name"] == "flash_bytes")
        assert (limit["outcome"], growth["outcome"]) == ("exceeded", "not compared")
        run = toolkit(*command, f"--allow-different={key}", cwd=tmp_path)
        assert run.exit_code == 1 and run.json["gates"][0]["error"] is None, run
        growth = run.json["gates"][0]["verdicts"][1]
        assert growth["outcome"] == "holds"
        assert toolkit(*command, "--allow-different=options", cwd=tmp_path).exit_code == 2
    (tmp_path / "b.json").unlink()
    assert "--update" in problem(toolkit(*command, cwd=tmp_path))
    assert "nothing is called 'tolchain'" in problem(
        toolkit(*command, "--allow-different=tolchain", cwd=tmp_path)
    )


@pytest.mark.parametrize("key", ["model", "toolkit_version"])
def test_a_changed_model_or_toolkit_is_said(
    built: Callable[[str], Path], tmp_path: Path, key: str
) -> None:
    base = json.loads(built("base").read_text(encoding="utf-8"))
    other = {"name": "m", "sha256": "0" * 64} if key == "model" else "0.0.1"
    (tmp_path / "b.json").write_text(json.dumps({**base, key: other}), encoding="utf-8")
    path = budget(tmp_path, 'baseline = "b.json"\n[budget.growth]\nflash_bytes = 0\n')
    run = toolkit("check", "--report", built("base"), "--budget", path, "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    (said,) = run.json["gates"][0]["changes"]
    assert re.fullmatch(r"(model changed: \w{12} ← 0{12}|toolkit changed: \S+ ← 0\.0\.1)", said)


def test_a_foreign_baseline_blocks_no_limits(built: Callable[[str], Path], tmp_path: Path) -> None:
    base = json.loads(built("base").read_text(encoding="utf-8"))
    (tmp_path / "b.json").write_text(json.dumps({**base, "toolchain": "gcc 1"}), encoding="utf-8")
    path = budget(tmp_path, 'baseline = "b.json"\n[budget.limits]\nflash_bytes = 1e6\n')
    run = toolkit("check", "--report", built("base"), "--budget", path, cwd=tmp_path)
    assert run.exit_code == 0, run


def test_update_judges_first(built: Callable[[str], Path], tmp_path: Path) -> None:
    rules = "[budget.growth]\nflash_bytes = 0\nram_static_bytes = 0\n"
    path = budget(tmp_path, f'baseline = "ci/of/b.json"\n{rules}')
    command = ("check", "--budget", path, "--update", "--report")
    run = toolkit(*command, built("base"), cwd=tmp_path)
    assert run.exit_code == 0 and "baseline written: " in run.stdout, run
    file = tmp_path / "ci" / "of" / "b.json"
    written = file.read_bytes()
    assert len(written.splitlines()) < 80
    run = toolkit(*command, built("base"), cwd=tmp_path)
    assert run.exit_code == 0 and "baseline unchanged: " in run.stdout, run
    assert file.read_bytes() == written, "same inputs, same bytes"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ci", "toolkit.toml"]
    # What breaks a rule must be accepted, and is said: old → new.
    run = toolkit(*command, built("channel"), cwd=tmp_path)
    assert run.exit_code == 1 and "--accept accepts what is broken" in run.stdout
    assert file.read_bytes() == written
    run = toolkit(*command, built("channel"), "--accept", cwd=tmp_path)
    assert run.exit_code == 0, run
    assert re.search(r"  flash_bytes [\d,]+ B → [\d,]+ B\n", run.stdout)
    assert "accepted with this change" in run.stdout
    assert (
        toolkit("check", "--budget", path, "--report", built("channel"), cwd=tmp_path).exit_code
        == 0
    )
    # Firmware with wrong bits is no baseline, accepted or not.
    accepted = file.read_bytes()
    run = toolkit(*command, built("wrong"), "--accept", cwd=tmp_path)
    assert run.exit_code == 1 and "baseline not written: bit_match" in run.stdout
    assert file.read_bytes() == accepted


@pytest.mark.parametrize(("missing", "exit_code"), [("fail", 1), ("warn", 0)])
def test_missing_figures_and_checks(
    built: Callable[[str], Path], tmp_path: Path, missing: str, exit_code: int
) -> None:
    rules = f'missing = "{missing}"\nchecks = ["no_such"]\n'
    path = budget(tmp_path, f"{rules}[budget.limits]\nint8_snr_db = 28\n")
    run = toolkit("check", "--report", built("base"), "--budget", path, "--json", cwd=tmp_path)
    assert run.exit_code == exit_code
    for name in ("int8_snr_db", "no_such"):
        found = verdict(run, name)
        assert (found["outcome"], found["fails"]) == ("missing", missing == "fail")


# --- a model given by name, and what CI sees ------------------------------------------------------


def test_the_model_is_built_or_profiled(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    rules = 'mode = "{}"\nmodel = "m.onnx"\nchecks = ["fits_ram"]\n'
    for mode, figure in (("profile", "arena_bytes"), ("build", "output_mismatches")):
        path = budget(tmp_path, f"{rules.format(mode)}[budget.limits]\n{figure} = 9999\n")
        run = toolkit("check", "--budget", path, "--json", cwd=tmp_path)
        assert run.exit_code == 0, run
        assert verdict(run, figure)["value"]["provenance"]
        assert verdict(run, "fits_ram")["kind"] == "check"


def test_a_missing_tool_has_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    onnx.save(image_model(), tmp_path / "m.onnx")
    path = budget(tmp_path, 'toolchain = "gcc"\n[budget.limits]\nflash_bytes = 1\n')
    run = toolkit("check", "m.onnx", "--budget", path, "--json", cwd=tmp_path)
    assert run.exit_code == 3 and "gcc" in problem(run)


def test_every_output_for_ci(
    built: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("before\n", encoding="utf-8")
    rules = 'missing = "warn"\n[budget.limits]\nflash_bytes = 10\nccc_arousal = 0.5\n'
    path = budget(tmp_path, rules)
    options = ("--markdown", "c.md", "--junit", "c.xml", "--report", built("base"))
    run = toolkit("check", "--budget", path, *options, cwd=tmp_path)
    assert run.exit_code == 1
    comment = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- hearing-aid-toolkit: check -->\n")
    assert "❌" in comment and "- **flash\\_bytes**: " in comment
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == f"before\n{comment}"
    xml = (tmp_path / "c.xml").read_text(encoding="utf-8")
    assert '<failure message="flash ' in xml and '<skipped message="CCC arousal' in xml
    error, warning = run.messages
    title = "flash_bytes%3A any model on cortex-m4"
    assert error.startswith(f"::error file={path},line=6,title={title}::flash ")
    assert warning.startswith("::warning ")
    assert "FAIL flash_bytes" in run.stdout and "warn ccc_arousal" in run.stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[budget.limits]\nflash_byts = 1\n", "did you mean 'flash_bytes'"),
        ("[budget.limits]\nflash_bytes = 'x'\n", "must be a number"),
        ("[budget.limits]\nflash_bytes = nan\n", "must be a number"),
        ("[budget.growth]\nflash_bytes = 1\n", "growth needs a baseline"),
        ("[budget.limits]\nflash_bytes = '9 ms'\n", "is in B, kB, KiB"),
        ("[budget.limits]\nmacs_per_inference = '9 %'\n", "a part has no macs_per_inference"),
        ("[budget.limits]\nflash_bytes = {amount = 1, levl = 'warn'}\n", "unknown key 'levl'"),
        ("baseline = 'b'\n[budget.growth]\nflash_bytes = '2 % and at least 1 %'\n", "like '2 %"),
        ("checks = ['fits_ramm']\n", "did you mean 'fits_ram'"),
        ("baseline = 'b'\n[budget.growth]\nflash_bytes = 'x %'\n", "'N %'"),
        ("baseline = 'b'\n[budget.growth]\nflash_bytes = -1\n", "must not be negative"),
        ("modell = 'x'\n", "did you mean 'model'"),
        ("mode = 'fast'\n", "must be build or profile"),
        ("", "demands nothing"),
        ("[budget.limits\n", "is not TOML"),
    ],
)
def test_a_wrong_budget_is_refused(
    built: Callable[[str], Path], tmp_path: Path, text: str, found: str
) -> None:
    path = budget(tmp_path, text)
    run = toolkit("check", "--report", built("base"), "--budget", path, "--json", cwd=tmp_path)
    assert run.exit_code == 2 and found in problem(run)


def test_what_is_no_report_is_refused(built: Callable[[str], Path], tmp_path: Path) -> None:
    path = budget(tmp_path, "[budget.limits]\nflash_bytes = 1\n")
    base = json.loads(built("base").read_text(encoding="utf-8"))
    without_layers = {key: value for key, value in base.items() if key != "layers"}
    for content in ("", "[]", "{}", "NaN", json.dumps(without_layers)):
        (tmp_path / "r.json").write_text(content, encoding="utf-8")
        run = toolkit("check", "--report", "r.json", "--budget", path, "--json", cwd=tmp_path)
        assert run.exit_code == 2 and problem(run).startswith("r.json: ")
    other = budget(tmp_path, 'model = "other"\n[budget.limits]\nflash_bytes = 1\n')
    command = ("check", "--json", "--report", built("base"), "--budget")
    assert "no budget applies" in problem(toolkit(*command, other, cwd=tmp_path))
    run = toolkit(*command, path, "--report", built("fft"), cwd=tmp_path)
    assert "is another model" in problem(run)


# --- the report's JSON ----------------------------------------------------------------------------


def naked(node: Any, path: str = "", known: bool = False) -> Iterator[str]:
    """Where a number stands without an object around it that states provenance and basis."""
    if isinstance(node, dict):
        known = known or {"provenance", "basis"} <= node.keys()
        for key, child in node.items():
            if f"{path}/{key}" != "/schema_version":
                yield from naked(child, f"{path}/{key}", known)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from naked(child, f"{path}/{index}", known)
    elif isinstance(node, int | float) and not isinstance(node, bool) and not known:
        yield path


@pytest.fixture(scope="module")
def reports(
    built: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Reports of every origin: build, profile (both schedules), convert, check's baseline."""
    folder = tmp_path_factory.mktemp("reports")
    onnx.save(speech_model(), folder / "m.onnx")
    found = {"build": json.loads(built("base").read_text(encoding="utf-8"))}
    for schedule in ("batch", "stream"):
        run = toolkit("profile", "m.onnx", "--schedule", schedule, "--json", cwd=folder)
        found[schedule] = run.json
    found["convert"] = toolkit("convert", "m.onnx", "-o", "m.tflite", "--json", cwd=folder).json
    return found


@pytest.mark.parametrize("origin", ["build", "batch", "stream", "convert"])
def test_json_is_as_its_schema_says(reports: dict[str, dict[str, Any]], origin: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.validate(reports[origin])
    without = {key: value for key, value in reports[origin].items() if key != "checks"}
    for broken in ({**reports[origin], "extra": 1}, without):
        assert not validator.is_valid(broken)


@pytest.mark.parametrize("origin", ["build", "batch", "stream", "convert"])
def test_every_figure_has_its_provenance(reports: dict[str, dict[str, Any]], origin: str) -> None:
    report = json.loads(json.dumps(reports[origin]))
    assert list(naked(report)) == []
    del report["measurements"][0]["provenance"]
    assert list(naked(report)) == ["/measurements/0/value"]


def test_memory_and_stack_add_up(reports: dict[str, dict[str, Any]]) -> None:
    report = reports["build"]
    rows = sorted(report["measurements"], key=lambda m: m["provenance"] != "estimated")
    values = {m["name"]: m["value"] for m in rows}
    assert sum(f["size_bytes"] for f in report["stack"]["frames"]) == values["stack_bound_bytes"]
    for fit in report["fits"]:
        assert sum(part["size_bytes"] for part in fit["parts"]) == fit["used_bytes"]
    for origin in ("build", "batch", "stream"):
        memory = reports[origin]["memory"]
        for row in memory["rows"]:
            assert row["offset_bytes"] + row["size_bytes"] <= memory["size_bytes"]
            assert 0 <= row["first_step"] <= row["last_step"] < len(memory["steps"])
    (ram,) = (fit for fit in report["fits"] if fit["region"] == "ram")
    (features,) = (part for part in ram["parts"] if part["name"] == "features")
    assert report["memory"]["size_bytes"] + features["size_bytes"] == values["state_bytes"]


def test_the_zoo_has_budgets_and_baselines() -> None:
    """toolkit.toml of this repository covers every zoo model, with a baseline as it says."""
    from toolkit.budget.baseline import read_base
    from toolkit.budget.load import load_budgets

    top = data_dir("models").parent
    if not (top / "toolkit.toml").is_file():
        pytest.skip("toolkit.toml is not part of an installed package")
    budgets = load_budgets(top / "toolkit.toml")
    shipped = {path.parent.name for path in data_dir("models").glob("*/model.onnx")}
    assert {budget.subject.model for budget in budgets} == shipped
    for row in budgets:
        assert row.baseline is not None and row.problem is None
        text = row.baseline.read_text(encoding="utf-8")
        base = read_base(text, row.name)
        assert base.sealed and base.facts.identity["target"] == row.subject.target
        assert len(text.splitlines()) < 120
