"""Values of an imported network against those of an interpreter of others: how far, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.compare.outside import Answer
from toolkit.ir.tensor import Array

#: What float32 may differ by: of the largest output, and always.  Another order of summation gave
#: 1.6e-6 of it at most in the eleven networks tried, the wrong readings met so far 0.4 and more.
RELATIVE, ABSOLUTE = 1e-4, 1e-5


@dataclass(frozen=True)
class Difference:
    """How far an output is off, of its largest value; or in words, where it has another shape."""

    output: str
    relative: float
    holds: bool
    words: str = ""


def differences(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> list[Difference]:
    """Output by output of the file, in its order."""
    if list(ours) != list(theirs):
        words = f"outputs are called {list(ours)}, in the file {list(theirs)}"
        return [Difference("", np.inf, False, words)]
    return [_difference(name, ours[name], theirs[name]) for name in theirs]


def _difference(name: str, ours: Array, theirs: Array) -> Difference:
    if ours.shape != theirs.shape:
        words = f"output {name!r} has the shape {list(ours.shape[1:])}, "
        words += f"in the file {list(theirs.shape[1:])}"
        return Difference(name, np.inf, False, words)
    largest = float(np.abs(theirs).max(initial=0.0))
    off = _off(ours, theirs)
    return Difference(name, off / (largest or 1.0), bool(off <= RELATIVE * largest + ABSOLUTE))


def _off(ours: Array, theirs: Array) -> float:
    """Largest difference; NaN where only one of the two is finite."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        return float(np.where(same, 0.0, np.abs(a - b)).max(initial=0.0))


def summary(found: Sequence[Difference]) -> str:
    """The worst of them, in words."""
    wrong = [d for d in found if not d.holds]
    if worded := next((d.words for d in wrong if d.words), ""):
        return worded
    worst = max(wrong or found, key=lambda d: d.relative)
    many = len({d.output for d in wrong or found})
    what = f"output {worst.output!r} differs" if many == 1 else f"{many} outputs differ"
    return f"{what} by {'' if wrong else 'at most '}{worst.relative:.1e} of the largest value"


def first_wrong(ours: Mapping[str, Array], answer: Answer, as_exported: bool = False) -> str:
    """The first node of the file whose value differs from ours, in words; empty where none does.

    ``ours`` are by the name of the file's value, in a layout of the graph's unless ``as_exported``.
    """
    (theirs,) = (values.arrays for values in answer.values)
    for node in answer.nodes:
        for output in node.outputs:
            if output not in ours or output not in theirs:
                continue
            if not _agrees(ours[output], theirs[output][0], as_exported):
                return f"first differing node {node.name!r} ({node.op}), value {output!r}"
    return ""


def _agrees(ours: Array, theirs: Array, as_exported: bool) -> bool:
    """Whether two arrays are the same; in another layout values are compared in order of size."""
    if theirs.dtype.kind not in "fiu":
        return True
    if ours.shape != theirs.shape and ours.size == theirs.size and not as_exported:
        ours, theirs = np.sort(ours, axis=None), np.sort(theirs, axis=None)
    return _difference("", ours, theirs).holds
