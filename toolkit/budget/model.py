"""What a budget demands, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit.measurement import Measurement
from toolkit.report import Report

Missing = Literal["fail", "warn"]
Kind = Literal["limit", "growth"]
Outcome = Literal["holds", "exceeded", "missing"]


@dataclass(frozen=True)
class Rule:
    """A demand on one figure: an absolute limit, or how much worse than the baseline it may be.

    A limit is the most allowed, or the least where more is better.  ``growth`` is in the figure's
    unit, or in percent of the baseline's value.
    """

    figure: str
    kind: Kind
    amount: float
    percent: bool = False


@dataclass(frozen=True)
class Budget:
    """One ``[[budget]]`` of a toolkit.toml: what is built for which target, and its rules.

    Without ``model`` it holds for whichever model is checked.  ``checks`` are those of the report
    that must pass besides the required ones.  ``mode`` profile takes estimates, build compiles and
    simulates.  ``calib`` calibrates the model.  Accuracy is measured on ``test`` (a folder of audio
    or an array), and on the recordings in ``audio`` against ``labels``, whose ``label_range``
    becomes 0..1.
    """

    target: str
    rules: tuple[Rule, ...]
    model: str | None = None
    baseline: Path | None = None
    checks: tuple[str, ...] = ()
    missing: Missing = "fail"
    mode: Literal["build", "profile"] = "build"
    toolchain: str = "zig"
    schedule: str = "auto"
    seconds: float | None = None
    calib: Path | None = None
    test: Path | None = None
    labels: Path | None = None
    audio: Path | None = None
    label_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """How a rule, or a check, came out; ``message`` is one line that names the culprits."""

    name: str
    kind: Literal[Kind, "check"]
    outcome: Outcome
    rule: str
    message: str
    value: Measurement | None = None
    baseline: Measurement | None = None
    fails: bool = False


@dataclass(frozen=True)
class Gate:
    """A budget held against a report."""

    budget: Budget
    report: Report
    verdicts: tuple[Verdict, ...]
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule and check holds; a missing figure counts as the budget says."""
        return not any(verdict.fails for verdict in self.verdicts)

    @property
    def title(self) -> str:
        return f"{self.report.model_name} on {self.report.target}"
