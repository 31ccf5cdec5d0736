"""The MODEL argument of every verb: a zoo name or a file becomes a source."""

from __future__ import annotations

import difflib
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from toolkit.errors import InputError, ToolMissingError
from toolkit.features.metadata import (
    DEFAULT_CLIP_SECONDS,
    HOW_TO_ATTACH,
    MAX_CLIP_SECONDS,
    feature_spec,
)
from toolkit.features.spec import METADATA_KEY, FeatureSpec, from_json
from toolkit.ir import Graph, QuantParams, Tensor
from toolkit.ir.tensor import Array
from toolkit.measurement import Issue
from toolkit.model.attach import attached, require_rows
from toolkit.model.inputs import Cases, float_cases, window_cases
from toolkit.model.zoo import DEFAULT_MODEL, ZooModel, zoo_model, zoo_models
from toolkit.passes.absorb_layout import input_axes
from toolkit.plan.other_length import LENGTH_STEP, baked_nodes, tied_nodes
from toolkit.quantize.given import attach, given_params
from toolkit.quantize.ranges import Ranges, load_ranges
from toolkit.resources import data_dir


@dataclass(frozen=True, eq=False)
class Source:
    """A model as it came: a float graph (ONNX, checkpoint) or the bytes of an int8 ``.tflite``.

    ``argument`` is the zoo name or path that it was read from, ``sha256`` that of the file;
    ``onnx`` are the bytes that the float graph was imported from;
    ``ranges`` come with zoo models and those of `toolkit train`, ``given`` with models that were
    quantised elsewhere: the scales and zero points of the model as it was imported; ``issues`` say
    what was done to it on the way in.  ``max_seconds`` is the longest clip that it will be given,
    where the user states one; ``one_length`` the nodes that fit the file's clip length only, and
    why; ``features`` the specification that the user attached.
    """

    argument: str
    name: str
    sha256: str
    float_graph: Graph | None = None
    onnx: bytes | None = field(default=None, repr=False)
    tflite: bytes | None = field(default=None, repr=False)
    ranges: Ranges | None = None
    given: Mapping[str, QuantParams] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    max_seconds: float | None = None
    one_length: Mapping[str, str] = field(default_factory=dict)
    features: FeatureSpec | None = None

    def at_seconds(self, clip_seconds: float) -> Source:
        """The same model for clips of another length, where its file leaves that open."""
        return load_source(self.argument, clip_seconds, self.features)

    def up_to(self, max_seconds: float | None) -> Source:
        """The same model for clips up to that long, as the user states; None leaves it open.

        Raises InputError for a length that no clip has, or a model whose ranges are fixed.
        """
        if max_seconds is None:
            return self
        if not 0 < max_seconds <= MAX_CLIP_SECONDS:
            raise InputError(
                f"--max-seconds must be above 0 and at most {MAX_CLIP_SECONDS:g}; "
                f"got {max_seconds:g}."
            )
        if self.float_graph is None:
            raise InputError(
                f"--max-seconds: the ranges of {self.argument} are in the file already.",
                hint="Give it when the float model is converted.",
            )
        if feature_spec(self.float_graph) is None:
            raise InputError(
                f"--max-seconds: {self.name} carries no feature specification, which says how long "
                "a frame is.",
                hint=HOW_TO_ATTACH,
            )
        return replace(self, max_seconds=max_seconds)


def load_source(
    model: str,
    clip_seconds: float = DEFAULT_CLIP_SECONDS,
    features: FeatureSpec | None = None,
) -> Source:
    """Read the zoo model or file called ``model``.

    ``clip_seconds`` fixes the number of feature rows where the file leaves it open; ``features``
    say what they are, in place of what the file says.
    Raises InputError (or a subclass) for what cannot be used, ToolMissingError for a checkpoint
    without the training extra.
    """
    if not 0 < clip_seconds <= MAX_CLIP_SECONDS:
        raise InputError(
            f"--seconds must be above 0 and at most {MAX_CLIP_SECONDS:g}; got {clip_seconds:g}."
        )
    path = Path(model)
    zoo = zoo_model(model)
    if zoo is None:
        require_model_file(path)
        zoo = _zoo_file(path)
    if zoo is not None:
        source = _from_onnx(zoo.onnx, zoo.name, clip_seconds, features)
        ranges = source.ranges if source.features is not None else load_ranges(zoo.ranges)
        return replace(source, argument=model, ranges=ranges)
    return _loaders()[path.suffix.lower()](path, path.stem, clip_seconds, features)


def demo_clip() -> Path:
    """The speech clip that ships with the toolkit (one second, 16 kHz)."""
    return data_dir("models") / DEFAULT_MODEL / "demo_clip.wav"


def model_inputs(path: Path, graph: Graph) -> Array:
    """Float cases ``[cases, *shape]`` for the one input of ``graph``, in its layout.

    ``path`` is a folder of audio, of which the beginning of every file counts, or an array in the
    layout of the model file that ``graph`` came from.  Raises InputError for what cannot be used,
    and for a model of several inputs.
    """
    exported, axes = _exported_input(path, graph)
    return _moved(float_cases(path, exported, feature_spec(graph)), axes)


def model_cases(path: Path, graph: Graph) -> Cases:
    """The same of windows of all of every recording, silence left out (`load_windows`): what int8
    is calibrated and measured on."""
    exported, axes = _exported_input(path, graph)
    cases = window_cases(path, exported, feature_spec(graph))
    return replace(cases, values=_moved(cases.values, axes))


def _exported_input(path: Path, graph: Graph) -> tuple[Tensor, tuple[int, ...]]:
    """The one input of ``graph`` in the layout of its file, and the axes of ours in that; for a
    folder of audio, whose features are rows in time, in our own."""
    if len(graph.inputs) != 1:
        raise InputError(
            f"{path}: the model has {len(graph.inputs)} inputs; arrays can feed one only."
        )
    entry = graph.tensors[graph.inputs[0]]
    axes = tuple(range(len(entry.shape)))
    if not path.is_dir():
        axes = input_axes(graph).get(entry.name, axes)
    exported = replace(entry, shape=tuple(entry.shape[axes.index(a)] for a in range(len(axes))))
    return exported, axes


def _moved(cases: Array, axes: tuple[int, ...]) -> Array:
    """Cases of the file's layout in the graph's."""
    return np.ascontiguousarray(cases.transpose(0, *(axis + 1 for axis in axes)))


def require_model_file(path: Path) -> None:
    """Raise InputError unless ``path`` can be read and its suffix is one of ours."""
    if path.suffix.lower() not in _loaders():
        near = difflib.get_close_matches(str(path), zoo_models(), n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"unknown model '{path}'.",
            hint=f"{meant}Give a zoo name ({', '.join(zoo_models())}), an .onnx, an int8 .tflite "
            "or a Wav2Small .safetensors.",
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{str(path)!r} is no file name.") from None


def _loaders() -> dict[str, Callable[[Path, str, float, FeatureSpec | None], Source]]:
    """What reads a model file, by its suffix: called with path, name, clip length and features."""
    return {".onnx": _from_onnx, ".tflite": _from_tflite, ".safetensors": _from_checkpoint}


def _from_onnx(path: Path, name: str, clip_seconds: float, features: FeatureSpec | None) -> Source:
    from toolkit.frontend.load import load_onnx
    from toolkit.frontend.reader import RANGES_KEY, read_onnx
    from toolkit.passes.optimize import optimize

    metadata = read_onnx(path).metadata
    text, ranges = metadata.get(METADATA_KEY), metadata.get(RANGES_KEY)
    spec = from_json(text) if text is not None else None
    features, issues = attached(features, spec)
    if features is not None:
        spec, ranges = features, None
    rows = None
    if spec is not None:
        rows = spec.rows_for_samples(round(clip_seconds * spec.sample_rate_hz))
        if rows < 1:
            raise InputError(
                f"a clip of {clip_seconds:g} s gives no feature row.",
                hint=f"One row takes {spec.frame_samples} samples at {spec.sample_rate_hz} Hz.",
            )
    imported = load_onnx(path, rows=rows)
    if features is not None:
        require_rows(imported, features)
        imported = imported.with_metadata(**{METADATA_KEY: features.to_json()})
    graph = attach(optimize(imported), imported)
    return Source(
        argument=str(path),
        name=name,
        sha256=_sha256(path),
        float_graph=graph,
        onnx=path.read_bytes(),
        ranges=None if ranges is None else Ranges.from_json(ranges),
        given=given_params(imported),
        issues=issues,
        one_length=_tied(path, graph, rows),
        features=features,
    )


def _tied(path: Path, graph: Graph, rows: int | None) -> dict[str, str]:
    """The nodes that fit the clip length of ``graph`` only, of ``rows`` frames, and why."""
    from toolkit.frontend.load import load_onnx
    from toolkit.passes.optimize import optimize

    if rows is None:  # every dimension is in the file
        return baked_nodes(graph)
    try:
        other = optimize(load_onnx(path, rows=rows + LENGTH_STEP))
    except InputError:
        return baked_nodes(graph)  # the file has no other length, whatever it leaves open
    entry = graph.inputs[0]
    same = graph.tensors[entry].shape == other.tensors[entry].shape
    return baked_nodes(graph) if same else tied_nodes(graph, other)


def _from_tflite(
    path: Path, name: str, clip_seconds: float, features: FeatureSpec | None
) -> Source:
    from toolkit.tflite.metadata import with_metadata
    from toolkit.tflite.read import load_tflite, stripped_ends
    from toolkit.tflite.write import write_tflite

    graph = load_tflite(path)  # refuse what cannot be used before any work is done
    features, issues = attached(features, feature_spec(graph))
    data = path.read_bytes()
    ends = stripped_ends(data, name)
    if ends:
        note = (
            f"int8 instead of float or uint8 at {', '.join(map(repr, ends))}: the device converts "
            "none"
        )
        issues = (Issue("model.int8_ends", note), *issues)
        data = write_tflite(graph)
    if features is not None:
        require_rows(graph, features)
        data = with_metadata(data, METADATA_KEY, features.to_json())
    return Source(str(path), name, _sha256(path), tflite=data, issues=issues, features=features)


def _from_checkpoint(
    path: Path, name: str, clip_seconds: float, features: FeatureSpec | None
) -> Source:
    try:
        from toolkit.training.export import export_checkpoint
    except ModuleNotFoundError as error:
        raise ToolMissingError(
            f"{path}: a checkpoint needs the training extra ({error.name} is missing).",
            hint="pip install 'hearing-aid-toolkit[train]' -c constraints.txt, or give an .onnx.",
        ) from None
    with tempfile.TemporaryDirectory(prefix="toolkit-") as folder:
        onnx = Path(folder) / "model.onnx"
        export_checkpoint(path, onnx)
        source = _from_onnx(onnx, name, clip_seconds, features)
        return replace(source, argument=str(path), sha256=_sha256(path))


def _zoo_file(path: Path) -> ZooModel | None:
    """The zoo model whose ONNX file ``path`` is."""
    models = (zoo_model(name) for name in zoo_models())
    return next((m for m in models if m is not None and path.resolve() == m.onnx.resolve()), None)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
