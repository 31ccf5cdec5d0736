"""Rules as users write them, where they stand, and what is left of a comment that has no room."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.budget.amounts import Amount, parse_amount
from toolkit.budget.baseline import baseline_text, read_base
from toolkit.budget.facts import facts_of
from toolkit.budget.judge import Base, judge
from toolkit.budget.load import load_budgets
from toolkit.budget.model import Budget, Gate, Problem, Result, Rule, Subject, Verdict
from toolkit.budget.outputs import comment, github_annotations, result_junit
from toolkit.errors import InputError
from toolkit.measurement import Check, Measurement, Provenance
from toolkit.report import Report
from toolkit.report.model import Fit


@pytest.mark.parametrize(
    ("value", "figure", "found"),
    [
        (64, "flash_bytes", Amount(64)),
        ("64 KiB", "flash_bytes", Amount(65_536)),
        ("1_000 kB", "flash_bytes", Amount(1_000_000)),
        ("1.5MiB", "ram_static_bytes", Amount(1_572_864)),
        ("2 %", "flash_bytes", Amount(2, True)),
        ("2 % and at least 64 B", "flash_bytes", Amount(2, True, 64)),
        ("1.5 % but at least 1 KiB", "flash_bytes", Amount(1.5, True, 1024)),
        ("0.5 dB", "int8_snr_db", Amount(0.5)),
        ("30 ms", "frame_latency_ms_worst", Amount(30)),
        ("1.5 s", "latency_ms", Amount(1500)),
        ("2 mJ", "energy_uj_per_audio_second", Amount(2000)),
        ("3 Mcycles", "cycles_per_inference", Amount(3_000_000)),
    ],
)
def test_amounts(value: object, figure: str, found: Amount) -> None:
    assert parse_amount(value, figure, "x") == found


@pytest.mark.parametrize(
    ("value", "figure"),
    [
        ("64 ms", "flash_bytes"),
        ("64 KiB", "latency_ms"),
        ("x", "flash_bytes"),
        ("", "flash_bytes"),
        ("2 % and at least", "flash_bytes"),
        ("2 B and at least 3 B", "flash_bytes"),
        ("1e999", "flash_bytes"),
        (True, "flash_bytes"),
        (float("nan"), "flash_bytes"),
        ("1 KiB", "realtime_factor"),
    ],
)
def test_what_is_no_amount(value: object, figure: str) -> None:
    with pytest.raises(ValueError, match="x"):
        parse_amount(value, figure, "x")


TOML = """version = 1
[defaults]
level = "warn"
[defaults.limits]
flash_bytes = 1

[[budget]]   # first
target = "cortex-m4"
limits.ram_static_bytes = 2
"limits".stack_bound_bytes = 3

[[ budget ]]
target = "cortex-m4"
  [budget.limits]
  flash_bytes = { amount = "50 %", level = "fail" }
  "ram_static_bytes" = 5
"""


def test_rules_know_their_lines_and_defaults(tmp_path: Path) -> None:
    path = tmp_path / "toolkit.toml"
    path.write_text(TOML, encoding="utf-8")
    first, second = load_budgets(path, "m.onnx")
    assert [b.line for b in (first, second)] == [7, 12]
    rules = {
        (b.name, r.figure): (r.line, r.amount, r.level) for b in (first, second) for r in b.rules
    }
    assert {key: row for key, row in rules.items() if key[0] == first.name} == {
        (first.name, "flash_bytes"): (5, 1, "warn"),
        (first.name, "ram_static_bytes"): (9, 2, "warn"),
        (first.name, "stack_bound_bytes"): (10, 3, "warn"),
    }
    assert rules[(second.name, "flash_bytes")] == (15, 50, "fail")
    assert rules[(second.name, "ram_static_bytes")] == (16, 5, "warn")
    assert first.name != second.name


# --- judging --------------------------------------------------------------------------------------

IDENTITY = {"model": "a" * 16, "toolchain": "zig 1"}


def report(flash: float, checks: tuple[Check, ...] = ()) -> Report:
    measured = Measurement("flash_bytes", flash, "B", Provenance.MEASURED, "map")
    fit = Fit("flash", int(flash), 1000, Provenance.MEASURED, "map", ())
    names = ("m", "a" * 64, "cortex-m4", "zig 1", "", "batch")
    return Report(*names, measurements=(measured,), checks=checks, fits=(fit,))


def gate(rule: Rule, flash: float, then: float | None = None, **budget: object) -> Gate:
    base = Base() if then is None else Base(facts_of(report(then), IDENTITY))
    made = replace(Budget("b", Subject("cortex-m4"), (rule,)), **budget)
    return judge(made, report(flash), IDENTITY, base)


@pytest.mark.parametrize(
    ("rule", "flash", "then", "states"),
    [
        (Rule("flash_bytes", "limit", 50, percent=True), 500, None, ["holds"]),
        (Rule("flash_bytes", "limit", 50, percent=True), 501, None, ["exceeded"]),
        (Rule("flash_bytes", "growth", 2, True, 64), 564, 500, ["holds"]),
        (Rule("flash_bytes", "growth", 2, True, 64), 565, 500, ["exceeded"]),
        (Rule("flash_bytes", "growth", 20, True, 64), 600, 500, ["holds"]),
        (Rule("flash_bytes", "growth", 20, True, 64), 601, 500, ["exceeded"]),
        (Rule("flash_bytes", "growth", 10, True, tighten="warn"), 450, 500, ["holds"]),
        (Rule("flash_bytes", "growth", 10, True, tighten="warn"), 449, 500, ["holds", "loose"]),
        (Rule("flash_bytes", "growth", 0), 500, None, ["new"]),
    ],
)
def test_rules_at_their_edge(
    rule: Rule, flash: float, then: float | None, states: list[str]
) -> None:
    found = gate(rule, flash, then)
    assert [v.outcome for v in found.verdicts] == states
    assert found.passed == (states != ["exceeded"])
    assert gate(replace(rule, level="warn"), flash, then).passed


@pytest.mark.parametrize(
    ("named", "check", "outcome", "fails"),
    [
        (False, Check("import_match", None, "not checked: no memory"), "not run", False),
        (True, Check("import_match", None, "not checked: no memory"), "not run", True),
        (True, Check("import_match", False, "differs", required=False), "exceeded", True),
        (False, Check("import_match", False, "differs"), "exceeded", True),
    ],
)
def test_checks_that_were_not_made(named: bool, check: Check, outcome: str, fails: bool) -> None:
    budget = Budget("b", Subject("cortex-m4"), checks=("import_match",) if named else ())
    (verdict,) = judge(budget, report(1, (check,)), IDENTITY, Base()).verdicts
    assert (verdict.outcome, verdict.fails) == (outcome, fails)
    assert verdict.message == check.detail


# --- baselines ------------------------------------------------------------------------------------


def test_a_baseline_is_read_as_it_was_written() -> None:
    facts = facts_of(report(500), IDENTITY)
    text = baseline_text("b", facts, facts.figures, {"flash_bytes": (400, 500)})
    read = read_base(text, "b.json")
    assert read.sealed and read.accepted == {"flash_bytes": (400, 500)}
    assert read.facts.find("flash_bytes", Provenance.MEASURED) is not None
    assert baseline_text("b", replace(read.facts), read.facts.figures, read.accepted) == text


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda text: text.replace("500", "501"), "was edited by hand"),
        (lambda text: text.replace('"toolchain": "zig 1"', '"toolchain": "zig 2"'), "was edited"),
        (lambda text: f"<<<<<<< HEAD\n{text}=======\n>>>>>>> x\n", "conflict markers"),
        (lambda text: text[:-4], "is no baseline"),
        (lambda text: "[]", "is no baseline"),
        (lambda text: text.replace('"baseline": 1', '"baseline": 9'), "is no baseline of format"),
    ],
)
def test_a_baseline_that_was_touched(edit: object, words: str) -> None:
    facts = facts_of(report(500), IDENTITY)
    text = baseline_text("b", facts, facts.figures, {})
    assert callable(edit)
    with pytest.raises(InputError, match=words):
        read_base(edit(text), "b.json")


# --- outputs that have a limit --------------------------------------------------------------------


def many(count: int, rules: int, words: str = "x" * 3000) -> Result:
    """Gates of which every third fails in everything and every seventh is an error."""
    gates = []
    for number in range(count):
        bad = number % 3 == 0
        verdicts = tuple(
            Verdict(f"figure_{i}", "limit", "exceeded" if bad else "holds", "r", words, fails=bad)
            for i in range(rules)
        )
        problem = Problem(words) if number % 7 == 0 else None
        gates.append(Gate(f"gate {number} @team", "m", "t", verdicts, problem=problem, line=3))
    return Result(tuple(gates), "toolkit.toml", "many", "c" * 40, "main")


@pytest.mark.parametrize("count", [1, 23, 300])
@pytest.mark.parametrize("words", ["x" * 3000, "|" * 3000, "@a #1 " * 500])
def test_a_comment_has_room(count: int, words: str) -> None:
    text = comment(many(count, 20, words))
    assert len(text) <= 60_000
    assert text.startswith("<!-- hearing-aid-toolkit: check many -->\n")
    assert text.count("<details>") == text.count("</details>")
    assert not re.search(r"@\w|#\d", text)
    for block in text.split("\n\n"):
        if block.startswith("|"):  # tables are whole
            assert len({len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}) == 1
    if count == 23:
        assert text.index("### 💥 gate 0") < text.index("### ❌ gate 3") < text.index("<details>")
    if count == 300:
        assert "### 💥 gate 294" in text


@pytest.mark.parametrize(("count", "lines"), [(1, 4), (23, 10), (300, 10)])
def test_annotations_are_as_many_as_are_shown(count: int, lines: int) -> None:
    found = github_annotations(many(count, 3))
    assert len([line for line in found if line.startswith("::error")]) == lines
    assert all(line.startswith("::error file=toolkit.toml,line=3,title=") for line in found)
    assert all("\n" not in line and len(line) < 5000 for line in found)
    if count > 23:
        assert "more budgets" in found[-1]


def test_junit_has_errors_and_bodies() -> None:
    root = ET.fromstring(result_junit(many(23, 3)))
    cases = [(c.get("classname"), c.get("name")) for c in root.iter("testcase")]
    assert len(set(cases)) == len(cases) == 23 * 4
    assert sum(int(suite.get("errors", 0)) for suite in root) == 4
    assert all(node.text for node in root.iter("failure"))


def test_data_guard_accuracy_only() -> None:
    """A budget that got a test set is not in error where no accuracy may only grow."""
    now, then = {**IDENTITY, "test": "b" * 16}, {**IDENTITY, "test": "none"}
    base = Base(facts_of(report(500), then))
    rules = (Rule("flash_bytes", "growth", 0),)
    found = judge(Budget("b", Subject("cortex-m4"), rules), report(500), now, base)
    assert found.passed and found.changes == ("test changed: bbbbbbbbbbbb ← none",)
    accuracy = (*rules, Rule("int8_snr_db", "growth", 1))
    found = judge(Budget("b", Subject("cortex-m4"), accuracy), report(500), now, base)
    assert found.exit_code == 2 and found.verdicts[0].outcome == "holds"
