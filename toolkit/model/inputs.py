"""Model inputs from the user's files: arrays (``.npy``, ``.npz``) and folders of audio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from toolkit.errors import InputError, reading
from toolkit.features.audio import fit_clip, load_clip
from toolkit.features.extract import extract
from toolkit.features.metadata import HOW_TO_ATTACH
from toolkit.features.spec import FeatureSpec
from toolkit.ir import DType, Graph, Shape, Tensor
from toolkit.ir.tensor import Array, quantize
from toolkit.model.windows import load_windows

#: Steps of a clip of random arrays.
RANDOM_STEPS = 16

#: What libsndfile reads and recordings are kept in.
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".mp3", ".aif", ".aifc", ".aiff", ".au", ".caf", ".oga", ".opus"),
    *(".rf64", ".snd", ".w64", ".wave"),
)


@dataclass(frozen=True, eq=False)
class Cases:
    """Float ``values`` [cases, *shape] of a model input, the number of the recording that each
    comes from (of arrays: its own), and what was done to the recordings."""

    values: Array
    recordings: tuple[int, ...]
    notes: tuple[str, ...] = ()


def load_array(path: Path) -> Array:
    """The array in a ``.npy`` file, or the first one in a ``.npz``; never unpickles.

    Raises InputError when the file cannot be read or holds anything but finite numbers.
    """
    (array,) = load_arrays(path, ("",)).values()
    return array


def load_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The arrays called ``names`` in a ``.npz``; of a single name the first one where none is
    called so, or the one in a ``.npy`` file.  Never unpickles.

    Raises InputError when the file cannot be read, lacks one, or holds anything but finite numbers.
    """
    with reading(path, "an array", "Save it with numpy.save."):
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            found, there = {names[0]: loaded}, ["one array"]
        else:
            there = list(map(repr, loaded.files))
            found = {name: loaded[name] for name in names if name in loaded.files}
            if len(names) == 1 and not found:
                found = {names[0]: loaded[loaded.files[0]]}
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(
            f"{path}: holds no array for input {missing[0]!r}; it holds {', '.join(there[:8])}.",
            hint=f"Save a .npz with arrays called {', '.join(names)}; inputs that are state are "
            "stated by --state.",
        )
    return {name: _finite(path, found[name]) for name in names}


def _finite(path: Path, array: Array) -> Array:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: must hold numbers; found {array.dtype}.")
    with np.errstate(over="ignore"):
        finite = np.isfinite(array.astype(np.float32))
    if not finite.all():
        bad = array.size - np.count_nonzero(finite)
        raise InputError(
            f"{path}: must hold finite float32 numbers; {bad} of {array.size} values are not."
        )
    return array


def as_cases(array: Array, shape: Shape, where: str) -> Array:
    """``array`` as ``[cases, *shape]``; the first axis counts cases.

    A case has the shape wanted but for axes of size 1, or one of the two is flat.  Raises
    InputError for any other, above all for one of the right size in another layout.
    """
    wanted = [size for size in shape if size != 1]
    found = [size for size in array.shape[1:] if size != 1]
    flat = len(wanted) <= 1 or len(found) <= 1
    same = math.prod(wanted) == math.prod(found) if flat else wanted == found
    if array.ndim == 0 or array.shape[0] == 0 or not same:
        raise InputError(
            f"{where}: each case must have the shape {list(shape)}, {math.prod(shape)} values; "
            f"found shape {list(array.shape)}.",
            hint="The first axis counts cases.",
        )
    return array.reshape(array.shape[0], *shape)


def quantized_cases(array: Array, tensor: Tensor, where: str) -> Array:
    """Cases as the model takes them: integers of the input's type pass, floats are quantised.

    Raises InputError for integers of another type.
    """
    cases = as_cases(array, tensor.shape, where)
    if cases.dtype == tensor.dtype.numpy:
        return cases
    if cases.dtype.kind != "f":
        raise InputError(
            f"{where}: must be {tensor.dtype.value} or floating point; found {cases.dtype}."
        )
    assert tensor.quant is not None
    return quantize(cases, tensor.quant, tensor.dtype)


def audio_files(folder: Path) -> list[Path]:
    """The audio files of a folder and of those in it, by name; InputError where there are none.

    Hidden files are none: ``._x.wav`` is what macOS keeps beside ``x.wav``.
    """
    files = [path for path in _audio(folder) if not _is_hidden(path, folder)]
    if not files:
        raise InputError(
            f"{folder}: holds no audio files.", hint=f"Looked for {', '.join(AUDIO_SUFFIXES)}."
        )
    return files


def _audio(folder: Path) -> list[Path]:
    there = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)
    return sorted(path for path in there if path.is_file())


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _hidden_note(folder: Path) -> tuple[str, ...]:
    """What `audio_files` leaves out."""
    hidden = [path.name for path in _audio(folder) if _is_hidden(path, folder)]
    if not hidden:
        return ()
    return (f"{folder.name}: {len(hidden)} hidden skipped, '{hidden[0]}' first",)


def feature_cases(folder: Path, spec: FeatureSpec, rows: int) -> Iterator[Array]:
    """Features ``[rows, row_values]`` of the beginning of every audio file in ``folder``, by
    name."""
    for path in audio_files(folder):
        clip = load_clip(path, spec.sample_rate_hz, spec.samples_for_rows(rows))
        yield extract(fit_clip(clip.samples, spec, rows).samples, spec)


def float_cases(path: Path, tensor: Tensor, spec: FeatureSpec | None) -> Array:
    """Float cases ``[cases, *shape]`` for a model input, from an array file, or a folder of audio:
    the beginning of every file.

    Raises InputError when the path is neither, or audio is given without a feature specification.
    """
    if path.is_dir():
        spec, rows = _hearing(path, tensor, spec)
        return as_cases(np.stack(list(feature_cases(path, spec, rows))), tensor.shape, str(path))
    return as_cases(load_array(path).astype(np.float32), tensor.shape, str(path))


def window_cases(path: Path, tensor: Tensor, spec: FeatureSpec | None) -> Cases:
    """Cases as `float_cases`, but windows of all of every audio file (`load_windows`); each is
    heard as a clip of its own, level and state beginning afresh.

    Raises as `float_cases`, and InputError for recordings of silence, or clipped ones.
    """
    if not path.is_dir():
        values = float_cases(path, tensor, spec)
        return Cases(values, tuple(range(len(values))))
    spec, rows = _hearing(path, tensor, spec)
    size = spec.samples_for_rows(rows)
    windows = load_windows(audio_files(path), spec.sample_rate_hz, size)
    values = np.stack([extract(clip, spec) for clip in windows.clips])
    notes = (*windows.notes, *_hidden_note(path))
    return Cases(as_cases(values, tensor.shape, str(path)), windows.files, notes)


def _hearing(path: Path, tensor: Tensor, spec: FeatureSpec | None) -> tuple[FeatureSpec, int]:
    """What turns the folder ``path`` into ``tensor``, and the feature rows of one case."""
    if spec is None:
        raise InputError(
            f"{path}: audio needs a feature specification, which the model does not carry.",
            hint=f"{HOW_TO_ATTACH} Or give a .npy or .npz of model inputs.",
        )
    return spec, tensor.elements // spec.row_values


def random_cases(tensor: Tensor, count: int, seed: int = 0) -> Array:
    """Uniform random integers over the whole range of an integer input, ``[count, *shape]``."""
    assert tensor.dtype is not DType.FLOAT32
    low, high = tensor.dtype.limits
    generator = np.random.default_rng(seed)
    return generator.integers(
        low, high, (count, *tensor.shape), dtype=tensor.dtype.numpy, endpoint=True
    )


def random_inputs(graph: Graph, count: int) -> list[list[Array]]:
    """Random cases (fixed seed), each with one array a model input; of a model with states clips of
    `RANDOM_STEPS` steps."""
    steps = RANDOM_STEPS if graph.states else 1
    columns = [
        random_cases(graph.tensors[n], count * steps, i) for i, n in enumerate(graph.free_inputs)
    ]
    if graph.states:
        columns = [column.reshape(count, steps, *column.shape[1:]) for column in columns]
    return [list(case) for case in zip(*columns, strict=True)]
