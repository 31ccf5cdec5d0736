"""What the outputs share: states and headlines in words."""

from __future__ import annotations

from typing import Literal

from toolkit.budget.model import Gate, Result, Verdict

Mark = Literal["ok", "fail", "warn"]


def mark(verdict: Verdict) -> Mark:
    """ok, fail, or warn: broken or open without failing."""
    if verdict.fails:
        return "fail"
    return "ok" if verdict.outcome == "holds" else "warn"


def headline(gate: Gate) -> str:
    """How a gate came out, in a few words."""
    if gate.problem is not None:
        return "error"
    failing = sum(verdict.fails for verdict in gate.verdicts)
    warnings = sum(mark(verdict) == "warn" for verdict in gate.verdicts)
    count = len(gate.verdicts)
    words = f"{failing} of {count} rules broken" if failing else f"all {count} rules hold"
    if warnings and not failing:
        words = f"no rule of {count} broken"
    return f"{words}, {warnings} to look at" if warnings else words


def verdict_of(result: Result) -> str:
    """How the whole came out, in a line."""
    count = len(result.gates)
    failed, errors = result.count("fail"), result.count("error")
    if result.passed:
        return "the budget holds" if count == 1 else f"all {count} budgets hold"
    parts = [f"{failed} exceeded"] if failed else []
    parts += [f"{errors} in error"] if errors else []
    return f"{result.count('ok')} of {count} budgets hold, {', '.join(parts)}"


def worst_first(result: Result) -> list[Gate]:
    """Errors, then failures, then those that hold; in the file's order each."""
    order = {"error": 0, "fail": 1, "ok": 2}
    return sorted(result.gates, key=lambda gate: order[gate.state])


def versions(result: Result) -> str:
    """Commit, tools and what was compared with, of all gates together."""
    parts = [f"commit {result.commit[:12]}"] if result.commit else []
    for key in ("toolkit", "toolchain", "simulator"):
        found = sorted({g.identity[key] for g in result.gates if key in g.identity} - {"none"})
        parts += [f"{key} {', '.join(found)}"] if found else []
    parts += [f"against {result.against}"] if result.against else []
    return " · ".join(parts)
