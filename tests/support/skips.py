"""Skips are seen: with ``--allowed-skips FILE`` a run fails on reasons that the file does not have.

A line of the file is a regular expression of a whole reason; ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

OPTION = "--allowed-skips"


def add_option(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=Path, help="fail on skips whose reason this file does not have")


def allowed(path: Path) -> list[re.Pattern[str]]:
    """The reasons that a file allows."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [re.compile(line) for line in lines if line]


class SkipWatch:
    """Counts the reasons of skips, and ends a run with 1 where one is not allowed."""

    def __init__(self, patterns: list[re.Pattern[str]]) -> None:
        self._patterns = patterns
        self._others: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self._see(report.longrepr[2])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self._see(report.longrepr[2])

    def _see(self, text: str) -> None:
        reason = text.removeprefix("Skipped: ")
        if not any(pattern.fullmatch(reason) for pattern in self._patterns):
            self._others[reason] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._others and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for reason, count in sorted(self._others.items()):
            terminalreporter.write_line(f"not allowed to skip, {count}×: {reason}", red=True)
