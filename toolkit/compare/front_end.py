"""Features of a device against the numpy reference, as figures and a verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolkit.compare.features import (
    arithmetic_in_use,
    arithmetic_notes,
    compare_features,
    judge_features,
    locate_deviation,
)
from toolkit.features.front_end import FrontEnd
from toolkit.features.quantise import quantise_features
from toolkit.measurement import Check, Issue, Measurement, Provenance


def feature_findings(
    front_end: FrontEnd,
    features: NDArray[np.float32],
    rows: NDArray[np.int8],
    provenance: Provenance,
) -> tuple[tuple[Measurement, ...], Check]:
    """Both figures of a clip, whose reference ``features`` [rows, row_values] a device computed as
    ``rows`` (``provenance``: how it ran), and whether they are what is asked.

    The check only informs: a clip may be shorter, or harsher, than what the bounds are for.
    """
    spec = front_end.spec
    reference = quantise_features(features, front_end.scale, front_end.zero_point)
    identical, error_steps = compare_features(reference, rows)
    arithmetic = arithmetic_in_use(spec, front_end.arithmetic)
    basis = f"device features in {arithmetic} arithmetic against the numpy reference, int8"
    figures = tuple(
        Measurement(name, value, unit, provenance, basis)
        for name, value, unit in (
            ("feature_identical_fraction", identical, "fraction"),
            ("feature_max_error_steps", error_steps, "steps"),
        )
    )
    passed, detail = judge_features(arithmetic, identical, error_steps)
    where = locate_deviation(reference, rows, spec)
    detail = f"{detail}; {where}" if where else detail
    return figures, Check("features_match", passed, detail, required=False, where=where)


def feature_issues(front_end: FrontEnd) -> tuple[Issue, ...]:
    """What the specification asks of an arithmetic that it does not give."""
    notes = arithmetic_notes(front_end.spec, front_end.arithmetic)
    return tuple(Issue("features", note) for note in notes)
