"""Attaches a feature specification to a model: does it fit, and what did the model say before."""

from __future__ import annotations

import math

from toolkit.errors import InputError
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph
from toolkit.measurement import Issue


def attached(
    given: FeatureSpec | None, own: FeatureSpec | None
) -> tuple[FeatureSpec | None, tuple[Issue, ...]]:
    """The specification to attach to a model that carries its ``own``, and a note where another
    goes; None where there is nothing to attach."""
    if given is None or given == own:
        return None, ()
    if own is None:
        return given, ()
    note = "--features replaces the feature specification that the model carries"
    return given, (Issue("features.replaced", note),)


def rows_axis(imported: Graph, graph: Graph, spec: FeatureSpec) -> int | None:
    """The axis of the file's only input that counts rows of ``spec``, where the input of ``graph``
    has it elsewhere than as axis 1; None where nothing need be turned, or several could be it."""
    if len(graph.inputs) != 1 or len(imported.inputs) != 1:
        return None
    now, file = (g.tensors[g.inputs[0]].shape for g in (graph, imported))
    if len(now) < 3 or math.prod(now[2:]) == spec.row_values:
        return None
    axes = [
        axis
        for axis in range(1, len(file))
        if file[axis] * spec.row_values == math.prod(file[1:]) and file[axis] > 1
    ]
    return axes[0] if len(axes) == 1 else None


def require_rows(graph: Graph, spec: FeatureSpec) -> None:
    """Raise InputError unless rows of ``spec`` fill the one input of ``graph``, in its file's
    layout: an axis as long as a row, or all of them in one."""
    shapes = [graph.tensors[name].shape for name in graph.inputs]
    wide = [size for shape in shapes for size in shape if size != 1]
    fits = spec.row_values in (wide or [1]) or (len(wide) == 1 and wide[0] % spec.row_values == 0)
    if len(shapes) != 1 or not (fits or spec.row_values == 1):
        raise InputError(
            f"--features: rows of {spec.row_values} values do not fit the model's inputs "
            f"{[list(shape) for shape in shapes]}.",
            hint="Correct the number of bands or coefficients in the specification"
            f"{_likely(shapes)}.",
        )


def _likely(shapes: list[tuple[int, ...]]) -> str:
    """Sizes that a row may have, for a hint."""
    sizes = sorted({size for shape in shapes[:1] for size in shape if size > 1})
    return f"; a row may have {' or '.join(map(str, sizes))}" if 1 <= len(sizes) <= 3 else ""
