"""JUnit XML: every check a test case, every figure a property."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.report.model import Report

#: Characters that XML 1.0 cannot hold, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One test case; ``message`` is why it failed or was skipped, ``body`` all that is to say of
    it, ``seconds`` how long it took where that is known."""

    name: str
    outcome: Literal["passed", "failed", "skipped", "error"]
    message: str
    body: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Suite:
    """Test cases under one name, with properties as (name, value)."""

    name: str
    cases: Sequence[Case]
    properties: Sequence[tuple[str, str]] = ()


def report_junit(report: Report) -> str:
    """The report's checks; one that could not be made, or only informs and
    does not pass, is skipped."""
    cases = [
        Case(
            c.name,
            "passed" if c.passed else "failed" if c.failed and c.required else "skipped",
            c.detail,
        )
        for c in report.checks
    ]
    properties = [
        (f"{m.name} ({m.provenance.value})", f"{m.value} {m.unit}".rstrip())
        for m in report.measurements
    ]
    return junit([Suite(f"{report.model_name} on {report.target}", cases, properties)])


def junit(suites: Sequence[Suite]) -> str:
    """JUnit XML of suites, ending in a newline."""
    root = ET.Element("testsuites")
    for suite in suites:
        outcomes = [case.outcome for case in suite.cases]
        node = ET.SubElement(
            root,
            "testsuite",
            name=_text(suite.name),
            tests=str(len(outcomes)),
            failures=str(outcomes.count("failed")),
            errors=str(outcomes.count("error")),
            skipped=str(outcomes.count("skipped")),
        )
        if suite.properties:
            listed = ET.SubElement(node, "properties")
            for name, value in suite.properties:
                ET.SubElement(listed, "property", name=_text(name), value=_text(value))
        seconds = [case.seconds for case in suite.cases if case.seconds is not None]
        if seconds:
            node.set("time", f"{sum(seconds):.2f}")
        for case in suite.cases:
            _case(node, suite.name, case)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


_TAGS = {"failed": "failure", "skipped": "skipped", "error": "error"}


def _case(suite: ET.Element, suite_name: str, case: Case) -> None:
    node = ET.SubElement(suite, "testcase", classname=_text(suite_name), name=_text(case.name))
    if case.seconds is not None:
        node.set("time", f"{case.seconds:.2f}")
    if case.outcome == "passed":
        ET.SubElement(node, "system-out").text = _text(case.body or case.message)
    else:
        found = ET.SubElement(node, _TAGS[case.outcome], message=_text(case.message))
        found.text = _text(case.body) or None


def _text(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
