"""Many budgets in one file, one broken in each way: every other verdict stands, names differ, and
two runs give the same bytes."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import onnx
import pytest

from tests.support.cli import Run, image_model, toolkit
from tests.support.gates import gates, problem, verdicts
from tests.support.onnx_models import ModelMaker
from toolkit.compare import outputs as compare_outputs
from toolkit.verbs import check_make

TARGETS = ("cortex-m4", "cortex-m33", "cortex-m0plus")
#: What is wrong with which budget, and what it becomes.
BROKEN = {
    "0 on cortex-m4": ('[budget.limits]\nflash_bytes = "1 KiB"\n', "fail"),
    "0 on cortex-m33": ('[budget.limits]\nram_static_bytes = "0.01 %"\n', "fail"),
    "0 on cortex-m0plus": ('checks = ["bit_match"]\n', "fail"),
    "1 on cortex-m4": ("[budget.limits]\nint8_snr_db = 20\n", "fail"),
    "1 on cortex-m33": ("[budget.limits]\nflash_byts = 1\n", "error"),
}


def monorepo(folder: Path, models: int) -> Path:
    """Models that are all called model.onnx, on every target; layers have hostile names."""
    blocks = ['version = 1\n[defaults]\nmode = "profile"\n']
    for number in range(models):
        home = folder / str(number)
        home.mkdir()
        model = image_model()
        for node in model.graph.node:
            node.name = f"@team/{number}"
        onnx.save(model, home / "model.onnx")
        for target in TARGETS:
            name = f"{number} on {target}"
            rules = BROKEN.get(name, ('[budget.limits]\nflash_bytes = "64 KiB"\n', ""))[0]
            head = f'[[budget]]\nmodel = "{number}/model.onnx"\ntarget = "{target}"\n'
            blocks.append(head + rules)
    (folder / "toolkit.toml").write_text("".join(blocks), encoding="utf-8")
    return folder


def outputs(folder: Path, *options: str) -> tuple[Run, dict[str, str]]:
    files = ("--markdown", "c.md", "--junit", "j.xml", "--result", "r.json")
    run = toolkit("check", *files, *options, cwd=folder)
    texts = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("c.md", "j.xml", "r.json")
    }
    texts["j.xml"] = re.sub(r' time="[\d.]+"', "", texts["j.xml"])
    return run, {
        **texts,
        "stdout": run.stdout,
        "annotations": "\n".join(line for line in run.messages if line.startswith("::")),
    }


@pytest.mark.parametrize("models", [3, pytest.param(10, marks=pytest.mark.exhaustive)])
def test_one_error_hides_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: int
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    folder = monorepo(tmp_path, models)
    run, first = outputs(folder, "--cache", "cache")
    assert run.exit_code == 2, run
    found = {gate["name"]: gate for gate in json.loads(first["r.json"])["gates"]}
    names = {f"{number}/model on {target}" for number in range(models) for target in TARGETS}
    assert len(found) == 3 * models and len(names & found.keys()) == 3 * models - 1
    states = {name: gate["state"] for name, gate in found.items()}
    assert list(states.values()).count("error") == 1
    assert list(states.values()).count("fail") == 4
    assert list(states.values()).count("ok") == 3 * models - 5
    # JUnit: a name each, a body where it fails, the error as one.
    cases = list(ET.fromstring(first["j.xml"]).iter("testcase"))
    assert len({(c.get("classname"), c.get("name")) for c in cases}) == len(cases)
    bodies = [node.text for case in cases for node in case.findall("failure")]
    assert len(bodies) == 4 and all(bodies)
    assert [case.get("name") for case in cases if case.find("error") is not None] == ["judged"]
    # The comment: under the limit, the bad ones first, nobody is called.
    comment = first["c.md"]
    assert len(comment) < 60_000
    places = [comment.index(f"### {symbol} ") for symbol in ("💥", "❌")]
    assert places == sorted(places) and places[1] < comment.index("<details>")
    assert not re.search(r"@\w", comment)
    # Annotations: of a level at most as many as GitHub shows, each at a line of the file.
    lines = first["annotations"].splitlines()
    assert len(lines) == 5
    for line in lines:
        assert re.match(r"::error file=toolkit\.toml,line=\d+,title=", line), line
    # Again, several at a time and with what was kept: the same bytes.
    for options in (("-j", "2", "--cache", "other"), ("--cache", "cache")):
        _, again = outputs(folder, *options)
        assert again == first, options


def test_a_damaged_file_of_budgets_is_an_error_in_all_outputs(tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text("[[budget]\n", encoding="utf-8")
    run, texts = outputs(tmp_path)
    assert run.exit_code == 2
    assert "is not TOML" in run.stdout and "is not TOML" in texts["c.md"]
    assert '<error message="toolkit.toml: is not TOML' in texts["j.xml"]


def test_everything_is_checked_before_the_first_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged baselines where nothing but growth is asked for, misspelt outputs, missing data,
    models, targets, simulators: nothing is made, all of it is told at once."""

    def built(*_: object) -> None:
        raise AssertionError("something was built")

    monkeypatch.setattr("toolkit.verbs.check_make._do", built)
    onnx.save(image_model(), tmp_path / "m.onnx")
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    tables = {
        "baseline": 'baseline = "bad.json"\n[budget.growth]\nflash_bytes = 0\n',
        "absent": 'baseline = "absent.json"\n[budget.growth]\nflash_bytes = 0\n',
        "output": '[budget.limits]\n"int8_ccc_to_float_output[7]" = 0.9\n',
        "data": 'test = "absent"\n[budget.limits]\nint8_snr_db = 1\n',
        "model": 'model = "bad.onnx"\n[budget.limits]\nflash_bytes = 1\n',
        "target": 'target = "cortex-m99"\n[budget.limits]\nflash_bytes = 1\n',
        "simulator": 'simulator = "qemu"\ntarget = "cortex-m0plus"\nchecks = ["bit_match"]\n',
        "axis": 'time_axis = "two"\n[budget.limits]\nflash_bytes = 1\n',
    }
    text = 'version = 1\n[defaults]\nmodel = "m.onnx"\ntarget = "cortex-m4"\n'
    for name, table in tables.items():
        text += f'[[budget]]\nname = "{name}"\n{table}'
    (tmp_path / "toolkit.toml").write_text(text, encoding="utf-8")
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 2
    messages = {name: gate["error"]["message"] for name, gate in gates(run).items()}
    words = {
        "baseline": "is no baseline of format 1",
        "absent": "no baseline yet. Run `toolkit check --update` and commit 'absent.json'",
        "output": "Did you mean 'int8_ccc_to_float_output[",
        "data": "'absent' does not exist",
        "model": "bad.onnx",
        "target": "cortex-m99",
        "simulator": "has no simulator 'qemu'",
        "axis": "time_axis must be a whole number",
    }
    assert messages.keys() == words.keys()
    for name, found in words.items():
        assert found in messages[name], messages[name]


def test_two_budgets_do_not_share_a_baseline(tmp_path: Path) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    block = '[[budget]]\nmodel = "m.onnx"\ntarget = "cortex-m4"\nmode = "profile"\n'
    block += 'baseline = "b.json"\noptimize = "{}"\n[budget.growth]\nflash_bytes = 0\n'
    text = "version = 1\n" + block.format("size") + block.format("speed")
    (tmp_path / "toolkit.toml").write_text(text, encoding="utf-8")
    run = toolkit("check", "--update", "--json", cwd=tmp_path)
    assert run.exit_code == 2
    states = {name: gate["state"] for name, gate in gates(run).items()}
    assert states == {
        "m on cortex-m4 (optimize=size)": "ok",
        "m on cortex-m4 (optimize=speed)": "error",
    }


def test_results_of_several_jobs_are_merged(tmp_path: Path) -> None:
    """Gates of one name stay apart; a job that left nothing is an error."""
    onnx.save(image_model(), tmp_path / "m.onnx")
    text = 'version = 1\n[[budget]]\nmodel = "m.onnx"\ntarget = "cortex-m4"\nmode = "profile"\n'
    (tmp_path / "toolkit.toml").write_text(f"{text}[budget.limits]\nflash_bytes = 1e6\n")
    for title in ("zig", "gcc"):
        options = (
            "--title",
            title,
            "--result",
            f"results/{title}.json",
            "--markdown",
            f"{title}.md",
        )
        assert toolkit("check", *options, cwd=tmp_path).exit_code == 0
    markers = {
        (tmp_path / f"{t}.md").read_text(encoding="utf-8").splitlines()[0] for t in ("zig", "gcc")
    }
    assert markers == {f"<!-- hearing-aid-toolkit: check {t} -->" for t in ("zig", "gcc")}
    options = ("--junit", "j.xml", "--markdown", "c.md", "--json")
    run = toolkit("check", "merge", "results", *options, cwd=tmp_path)
    assert run.exit_code == 0, run
    assert list(gates(run)) == ["gcc: m on cortex-m4", "zig: m on cortex-m4"]
    run = toolkit("check", "merge", "results", "lost.json", *options, cwd=tmp_path)
    assert run.exit_code == 2
    assert gates(run)["lost.json"]["state"] == "error"
    assert "lost.json: cannot be read" in (tmp_path / "j.xml").read_text(encoding="utf-8")


# --- what not every machine has -------------------------------------------------------------------


def test_a_check_that_this_machine_cannot_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line, and a failure where it is named; the baseline has the same bytes."""
    pytest.importorskip("tflite_micro", reason="the baseline is written where it is installed")
    m = ModelMaker(1, 16)
    onnx.save(m.model(m.dense("x", 16, 3)), tmp_path / "m.onnx")
    text = 'version = 1\n[[budget]]\nmodel = "m.onnx"\ntarget = "cortex-m4"\nbaseline = "b.json"\n'
    rules = "[budget.growth]\nflash_bytes = 0\n"
    (tmp_path / "toolkit.toml").write_text(text + rules, encoding="utf-8")
    run = toolkit("check", "--update", "--json", cwd=tmp_path)
    name = "m on cortex-m4"
    assert run.exit_code == 0 and verdicts(run, name)["tflm_match check"]["outcome"] == "holds"
    baseline = (tmp_path / "b.json").read_bytes()
    (tmp_path / "b.json").unlink()
    monkeypatch.setattr(compare_outputs, "tflm_available", lambda: False)
    run = toolkit("check", "--update", "--json", cwd=tmp_path)
    assert run.exit_code == 0, run
    found = verdicts(run, name)["tflm_match check"]
    assert (found["outcome"], found["fails"]) == ("not run", False)
    assert found["message"] == "not checked: tflite-micro is not installed"
    assert (tmp_path / "b.json").read_bytes() == baseline
    named = f'{text}checks = ["tflm_match"]\n{rules}'
    (tmp_path / "toolkit.toml").write_text(named, encoding="utf-8")
    run = toolkit("check", "--json", cwd=tmp_path)
    assert run.exit_code == 1 and verdicts(run, name)["tflm_match check"]["fails"]


def test_no_budget_applies(tmp_path: Path) -> None:
    text = 'version = 1\n[[budget]]\nmodel = "m.onnx"\ntarget = "cortex-m4"\n'
    (tmp_path / "toolkit.toml").write_text(f"{text}[budget.limits]\nflash_bytes = 1\n")
    assert "no budget applies" in problem(toolkit("check", "other.onnx", "--json", cwd=tmp_path))


def _fatal(task: object) -> object:
    """Like a build that is out of memory: the process ends."""
    if getattr(task, "optimize", "") == "size":
        os._exit(9)
    return check_make._do(task)  # type: ignore[arg-type]


def test_a_process_that_ends_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(image_model(), tmp_path / "m.onnx")
    text = 'version = 1\n[defaults]\nmodel = "m.onnx"\nmode = "profile"\ntarget = "cortex-m4"\n'
    for optimize in ("size", "balanced", "speed"):
        text += f'[[budget]]\nname = "{optimize}"\noptimize = "{optimize}"\n'
        text += "[budget.limits]\nflash_bytes = 1e6\n"
    (tmp_path / "toolkit.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(check_make, "_do", _fatal)
    run = toolkit("check", "-j", "2", "--json", cwd=tmp_path)
    assert run.exit_code == 4, run
    states = {name: gate["state"] for name, gate in gates(run).items()}
    assert states == {"size": "error", "balanced": "ok", "speed": "ok"}
