"""Budgets a model must keep, baselines it is compared with, and the verdicts."""

from toolkit.budget.model import Budget, Gate, Rule, Verdict

__all__ = ["Budget", "Gate", "Rule", "Verdict"]
