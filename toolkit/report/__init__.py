"""The result of a verb, and its renderings: terminal and JSON."""

from toolkit.report.model import LayerRow, Report

__all__ = ["LayerRow", "Report"]
