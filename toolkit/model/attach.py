"""Attaches a feature specification to a model: does it fit, and what did the model say before."""

from __future__ import annotations

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
            hint="Correct the number of bands or coefficients in the specification.",
        )
