"""Cases of a network's inputs, in its layout, from the user's arrays and recordings.

A case is one inference.  Of a network with states it is a step: arrays are ``[steps, *shape]`` for
one clip, or ``[clips, steps, *shape]``, and a recording is heard from its beginning, step by step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from toolkit.errors import InputError
from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.metadata import MAX_CLIP_SECONDS, feature_spec
from toolkit.features.spec import FeatureSpec
from toolkit.ir import Graph, Tensor
from toolkit.ir.tensor import Array
from toolkit.model.inputs import (
    as_cases,
    audio_files,
    float_cases,
    load_arrays,
    quantized_cases,
    window_cases,
)
from toolkit.model.reference import Case, steps_of
from toolkit.passes.absorb_layout import input_axes
from toolkit.quantize.outputs import Batch, as_steps

#: Recordings that a network with states hears at most, spread over those that there are.
MOST_RECORDINGS = 32


@dataclass(frozen=True, eq=False)
class InputCases:
    """Float ``values`` [cases, *shape] of each free input by name, the number of the recording (or
    clip) that each case comes from, and what was done to the recordings."""

    values: Mapping[str, Array]
    recordings: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def batches(self, graph: Graph) -> list[Batch]:
        """The cases one by one, of a float ``graph`` with states with what each step finds."""
        cases: list[Batch] = [
            {name: values[index] for name, values in self.values.items()}
            for index in range(len(self.recordings))
        ]
        return as_steps(graph, cases, self.recordings) if graph.states else cases


def model_cases(path: Path, graph: Graph) -> InputCases:
    """What int8 is calibrated and measured on: ``path`` is an array file, or a folder of audio, of
    which windows of all of every recording count, silence left out (`load_windows`).

    Raises InputError for what cannot be used, and for a folder where there are several inputs.
    """
    if not path.is_dir():
        return _array_cases(path, graph)
    entry = _heard_input(path, graph)
    if graph.states:
        return _steps_heard(path, entry, feature_spec(graph))
    windows = window_cases(path, entry, feature_spec(graph))
    return InputCases({entry.name: windows.values}, windows.recordings, windows.notes)


def given_cases(path: Path, graph: Graph) -> list[Case]:
    """Cases of an integer network as a device is given them: integers of an array file pass as they
    are, in the network's layout; floats, in that of the model's file, are quantised, as is what the
    beginnings of the recordings of a folder give.  Raises as `model_cases`.
    """
    found = _given(path, graph)
    columns = [
        quantized_cases(found.values[name], graph.tensors[name], str(path))
        for name in graph.free_inputs
    ]
    if not graph.states:
        return [list(case) for case in zip(*columns, strict=True)]
    cuts = np.flatnonzero(np.diff(found.recordings)) + 1
    return [list(clip) for clip in zip(*(np.split(c, cuts) for c in columns), strict=True)]


def _given(path: Path, graph: Graph) -> InputCases:
    if path.is_dir() and not graph.states:
        entry = _heard_input(path, graph)
        values = float_cases(path, entry, feature_spec(graph))
        return InputCases({entry.name: values}, tuple(range(len(values))))
    if not path.is_dir():
        arrays = load_arrays(path, graph.free_inputs)
        if not all(array.dtype.kind == "f" for array in arrays.values()):
            return InputCases(*_clips(path, graph, arrays))
    return model_cases(path, graph)


def _array_cases(path: Path, graph: Graph) -> InputCases:
    arrays = load_arrays(path, graph.free_inputs)
    floats = {name: array.astype(np.float32) for name, array in arrays.items()}
    exported = replace(graph, tensors={**graph.tensors, **_exported(graph)})
    values, recordings = _clips(path, exported, floats)
    moved = {name: _moved(array, _axes(graph, name)) for name, array in values.items()}
    return InputCases(moved, recordings)


def _clips(
    path: Path, graph: Graph, arrays: Mapping[str, Array]
) -> tuple[dict[str, Array], tuple[int, ...]]:
    """The arrays as cases ``[cases, *shape]``, and the clip that each comes from."""
    values, counts = {}, set()
    for name, array in arrays.items():
        shape, where = graph.tensors[name].shape, f"{path}: input {name!r}"
        clips = 1
        if graph.states and array.ndim == len(shape) + 2 and array.shape[2:] == shape:
            clips, array = array.shape[0], array.reshape(-1, *shape)
        values[name] = as_cases(array, shape, where if len(arrays) > 1 else str(path))
        counts.add((clips, len(values[name])))
    if len(counts) > 1:
        listed = ", ".join(f"{name!r} {len(array)}" for name, array in values.items())
        raise InputError(f"{path}: inputs must have the same number of cases; got {listed}.")
    ((clips, count),) = counts
    of_clip = count // clips if graph.states else 1
    return values, tuple(index // of_clip for index in range(count))


def _steps_heard(path: Path, entry: Tensor, spec: FeatureSpec | None) -> InputCases:
    """Steps of the recordings in a folder, each up to a minute of it."""
    if spec is None:
        raise InputError(
            f"{path}: audio needs a feature specification, which the model does not carry.",
            hint="Give a .npy or .npz of model inputs instead.",
        )
    files = audio_files(path)
    files = files[:: math.ceil(len(files) / MOST_RECORDINGS)]
    longest = spec.rows_for_samples(round(MAX_CLIP_SECONDS * spec.sample_rate_hz))
    steps = []
    for file in files:
        clip = load_clip(file, spec.sample_rate_hz).samples
        rows = min(longest, spec.rows_for_samples(len(clip)))
        if rows:
            steps.append(steps_of(extract(fit_clip(clip, spec, rows).samples, spec), entry))
    counts = [len(part) for part in steps]
    if not sum(counts):
        raise InputError(
            f"{path}: no recording is as long as a step of the model.",
            hint="Give longer recordings.",
        )
    recordings = np.repeat(np.arange(len(counts)), counts).tolist()
    note = f"{path.name}: {sum(counts)} steps of {len(steps)} files"
    return InputCases({entry.name: np.concatenate(steps)}, tuple(recordings), (note,))


def _heard_input(path: Path, graph: Graph) -> Tensor:
    """The one input of ``graph``, in our layout: features are rows in time."""
    if len(graph.free_inputs) != 1:
        raise InputError(
            f"{path}: the model has {len(graph.free_inputs)} inputs; audio can feed one only.",
            hint=f"Give a .npz with arrays called {', '.join(graph.free_inputs)}; inputs that are "
            "state are stated by --state.",
        )
    return graph.tensors[graph.free_inputs[0]]


def _exported(graph: Graph) -> dict[str, Tensor]:
    """The free inputs in the layout of the model's file."""
    tensors = {}
    for name in graph.free_inputs:
        tensor, axes = graph.tensors[name], _axes(graph, name)
        shape = tuple(tensor.shape[axes.index(axis)] for axis in range(len(axes)))
        tensors[name] = replace(tensor, shape=shape)
    return tensors


def _axes(graph: Graph, name: str) -> tuple[int, ...]:
    return input_axes(graph).get(name, tuple(range(len(graph.tensors[name].shape))))


def _moved(cases: Array, axes: tuple[int, ...]) -> Array:
    """Cases of the file's layout in the graph's."""
    return np.ascontiguousarray(cases.transpose(0, *(axis + 1 for axis in axes)))
