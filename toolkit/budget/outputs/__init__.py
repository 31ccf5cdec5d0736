"""A result as text: terminal lines, a comment, JUnit, JSON, annotations of a CI service."""

from toolkit.budget.outputs.annotations import github_annotations
from toolkit.budget.outputs.cases import result_junit
from toolkit.budget.outputs.comment import MARKER, comment
from toolkit.budget.outputs.document import read_result, result_json
from toolkit.budget.outputs.terminal import print_result

__all__ = [
    "MARKER",
    "comment",
    "github_annotations",
    "print_result",
    "read_result",
    "result_json",
    "result_junit",
]
