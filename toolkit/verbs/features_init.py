"""``toolkit features init``: a specification for a model, to edit and attach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.presets import preset
from toolkit.features.spec import FeatureSpec, LogMel, Mfcc
from toolkit.features.text import commented_toml
from toolkit.model.load import model_shape

_MOST_BANDS = 512


def init(model: str, name: str) -> tuple[str, tuple[str, ...]]:
    """TOML of the preset called ``name``, its rows as long as an axis of the input of ``model``
    that they can be, the shortest of two; and what to know of it.

    InputError for a model that cannot be read or has several inputs, or another name.
    """
    found = preset(name)
    axes = model_shape(model)
    shape = " x ".join(map(str, axes))
    spec = _fitted(found.spec, axes)
    heading = [
        f"Features of {Path(model).name}, whose input is {shape}: {found.about}.",
        f"toolkit build {Path(model).name} --features THIS.toml --target cortex-m4",
    ]
    notes = []
    if spec.row_values not in axes and any(isinstance(axis, int) and axis > 1 for axis in axes):
        notes.append(f"A row has {spec.row_values} values, which no axis of the input has.")
    if spec != found.spec:
        notes.append(
            f"A row has {spec.row_values} values instead of the preset's "
            f"{found.spec.row_values}, as an axis of the input."
        )
    return commented_toml(spec, [*heading, *notes, *spec.whole_clip]), tuple(notes)


def _fitted(spec: FeatureSpec, axes: tuple[int | str, ...]) -> FeatureSpec:
    """The specification with as many bands or coefficients as the input takes, if it says so."""
    sizes = [axis for axis in axes if isinstance(axis, int) and 1 < axis <= _MOST_BANDS]
    sizes = [min(sizes)] if len(sizes) == 2 else sizes  # bands are mostly fewer than rows
    if spec.row_values in axes or len(sizes) != 1:
        return spec
    try:
        if isinstance(spec, Mfcc):
            return replace(spec, n_mfcc=sizes[0])
        return replace(spec, n_mels=sizes[0]) if isinstance(spec, LogMel) else spec
    except InputError:
        return spec
