"""What a budget demands, of what, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from toolkit.measurement import Measurement

#: What a broken rule does: fails the check, or warns only.
Level = Literal["fail", "warn"]
Kind = Literal["limit", "growth"]
VerdictKind = Literal["limit", "growth", "check", "tighten"]
#: ``not run``: a check that this machine cannot make.  ``not compared``: the base is of something
#: else.  ``accepted``: broken, and accepted in the baseline that comes with the change.  ``loose``:
#: so much better than the baseline that what may grow has become more than the rule says.  ``new``:
#: the base has no such budget yet.
Outcome = Literal[
    "holds", "exceeded", "missing", "not run", "not compared", "accepted", "loose", "new"
]
State = Literal["ok", "fail", "error"]


@dataclass(frozen=True)
class Rule:
    """A demand on one figure: an absolute limit, or how much worse than the baseline it may be.

    A limit is the most allowed, or the least where more is better.  ``amount`` is in the figure's
    unit, or in ``percent``: of what the part has (a limit), of the baseline's value (growth).  A
    growth of less than ``least`` in the figure's unit is allowed whatever the percentage.
    ``tighten`` says what happens where the baseline has become loose; "" is nothing.  ``line`` is
    that of the budget's file.
    """

    figure: str
    kind: Kind
    amount: float
    percent: bool = False
    least: float = 0.0
    level: Level = "fail"
    tighten: Literal["", "warn", "fail"] = ""
    line: int = 0


@dataclass(frozen=True)
class Subject:
    """What is judged: a model built (or profiled) for a target, or the user's own firmware.

    Without ``model`` it is whichever model is checked.  ``mode`` profile takes estimates, build
    compiles and simulates, firmware reads ``elf`` or ``map``.  The options are those of
    `toolkit build`; ``features`` is a preset or the path of a specification, ``clip`` the audio
    that the firmware runs on.  ``calib`` calibrates the model.  Accuracy is measured on ``test`` (a
    folder of audio or an array), and on the recordings in ``audio`` against ``labels``, whose
    ``label_range`` becomes 0..1.
    """

    target: str
    model: str | None = None
    mode: Literal["build", "profile", "firmware"] = "build"
    toolchain: str = "zig"
    simulator: str | None = None
    schedule: str = "auto"
    optimize: str = "balanced"
    arithmetic: str = "auto"
    policy: str | None = None
    hot_code: str = "flash"
    weights: str = "flash"
    time_axis: int | None = None
    hop_out: float | None = None
    window: float | None = None
    seconds: float | None = None
    max_seconds: float | None = None
    state: tuple[str, ...] = ()
    features: str | None = None
    clip: Path | None = None
    calib: Path | None = None
    test: Path | None = None
    labels: Path | None = None
    audio: Path | None = None
    label_range: tuple[float, float] | None = None
    elf: Path | None = None
    map: Path | None = None


@dataclass(frozen=True)
class Problem:
    """Why a budget could not be judged, in one line; ``exit_code`` as of `toolkit.errors`."""

    message: str
    exit_code: int = 2

    @property
    def text(self) -> str:
        return " ".join(self.message.split())


@dataclass(frozen=True)
class Budget:
    """One ``[[budget]]`` of a toolkit.toml.

    ``name`` is its own: no other budget of the file has it.  ``checks`` are those of the report
    that must pass besides the required ones.  ``problem`` is what its table says and must not.
    """

    name: str
    subject: Subject
    rules: tuple[Rule, ...] = ()
    baseline: Path | None = None
    checks: tuple[str, ...] = ()
    missing: Level = "fail"
    line: int = 0
    problem: Problem | None = None

    @property
    def grows(self) -> bool:
        """Whether a rule of it needs something to compare with."""
        return any(rule.kind == "growth" for rule in self.rules)


@dataclass(frozen=True)
class Verdict:
    """How a rule, or a check, came out.

    ``message`` is one line: what was found, what is allowed, and the ``cause``: what the figure
    comes of and what changed.  ``advice`` is what to do, ``line`` where the rule stands.
    """

    name: str
    kind: VerdictKind
    outcome: Outcome
    rule: str
    message: str
    value: Measurement | None = None
    baseline: Measurement | None = None
    fails: bool = False
    cause: str = ""
    advice: str = ""
    line: int = 0


@dataclass(frozen=True)
class Gate:
    """A budget held against what was built: ok, failed, or an error; it may be both judged in part
    and in error (limits hold, but the base cannot be compared).

    ``identity`` says what was judged, ``changes`` what differs from the base in words, ``notes``
    what became of the baseline.  ``seconds`` are those of the build, None where nothing was built.
    """

    name: str
    model: str
    target: str
    verdicts: tuple[Verdict, ...] = ()
    identity: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: Problem | None = None
    line: int = 0
    seconds: float | None = None

    @property
    def state(self) -> State:
        if self.problem is not None:
            return "error"
        return "fail" if any(verdict.fails for verdict in self.verdicts) else "ok"

    @property
    def passed(self) -> bool:
        """Whether every rule and check holds; a missing figure counts as the budget says."""
        return self.state == "ok"

    @property
    def exit_code(self) -> int:
        if self.problem is not None:
            return self.problem.exit_code
        return 0 if self.passed else 1


@dataclass(frozen=True)
class Result:
    """All gates of a run.  ``file`` holds the budgets, ``commit`` is what was judged, ``against``
    what it was compared with; ``title`` tells runs apart that report to the same place.  ``gone``
    are budgets that the base has and the file has not."""

    gates: tuple[Gate, ...]
    file: str = ""
    title: str = ""
    commit: str = ""
    against: str = ""
    gone: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The worst of all gates."""
        return max((gate.exit_code for gate in self.gates), default=0)

    @property
    def passed(self) -> bool:
        return self.exit_code == 0

    def count(self, state: State) -> int:
        return sum(gate.state == state for gate in self.gates)
