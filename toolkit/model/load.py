"""The MODEL argument of every verb: a zoo name or a file becomes a source."""

from __future__ import annotations

import difflib
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from toolkit.errors import InputError, ToolMissingError, reading, require_file
from toolkit.features.metadata import (
    DEFAULT_CLIP_SECONDS,
    MAX_CLIP_SECONDS,
    feature_spec,
)
from toolkit.features.spec import METADATA_KEY, from_json
from toolkit.ir import Graph
from toolkit.measurement import Issue
from toolkit.model.attach import attached, require_rows, rows_axis
from toolkit.model.source import Source
from toolkit.model.stated import Stated, longer_shape, named_shapes
from toolkit.model.zoo import ZooModel, zoo_model, zoo_models
from toolkit.plan.other_length import LENGTH_STEP, baked_nodes, tied_nodes
from toolkit.quantize.given import attach, given_params
from toolkit.quantize.ranges import Ranges, load_ranges
from toolkit.tflite.metadata import with_metadata
from toolkit.tflite.read import load_tflite, stripped_ends
from toolkit.tflite.read_float import is_float, read_float_tflite
from toolkit.tflite.write import write_tflite


def load_source(
    model: str, clip_seconds: float = DEFAULT_CLIP_SECONDS, stated: Stated | None = None
) -> Source:
    """Read the zoo model or file called ``model``.

    ``clip_seconds`` fixes the number of feature rows where the file leaves it open, ``stated`` says
    what else it leaves open.
    Raises InputError (or a subclass) for what cannot be used, ToolMissingError for a checkpoint
    without the training extra.
    """
    if not 0 < clip_seconds <= MAX_CLIP_SECONDS:
        raise InputError(
            f"--seconds must be above 0 and at most {MAX_CLIP_SECONDS:g}; got {clip_seconds:g}."
        )
    path, stated = Path(model), stated or Stated()
    zoo = zoo_model(model)
    if zoo is None:
        _require_model_file(path)
        zoo = _zoo_file(path)
    if zoo is not None:
        source = _from_onnx(zoo.onnx, zoo.name, clip_seconds, stated)
        ranges = load_ranges(zoo.ranges) if source.stated.features is None else source.ranges
        source = replace(source, argument=model, ranges=ranges)
    else:
        source = _loaders()[path.suffix.lower()](path, path.stem, clip_seconds, stated)
    return source.with_states()


def model_shape(model: str) -> tuple[int | str, ...]:
    """The shape of the one input of an ``.onnx`` or ``.tflite``; words are dimensions it leaves
    open.  InputError for other files, or several inputs."""
    from toolkit.frontend.reader import read_onnx
    from toolkit.tflite.read import load_tflite

    zoo = zoo_model(model)
    path = Path(model) if zoo is None else zoo.onnx
    _require_model_file(path)
    shapes: list[tuple[int | str, ...]]
    if path.suffix.lower() == ".tflite":
        data = path.read_bytes()
        floats = is_float(data, path.stem)
        graph = read_float_tflite(data, path.stem) if floats else load_tflite(path)
        shapes = [graph.tensors[name].shape for name in graph.inputs]
    elif path.suffix.lower() == ".onnx":
        shapes = [tuple(source.dims) for source in read_onnx(path).inputs]
    else:
        raise InputError(
            f"{model}: carries a feature specification already.",
            hint="`toolkit features show` prints it.",
        )
    if len(shapes) != 1:
        raise InputError(
            f"{model}: has {len(shapes)} inputs; features can feed one only.",
            hint="Feed it arrays, or export it with one input.",
        )
    return shapes[0]


def _require_model_file(path: Path) -> None:
    """Raise InputError unless ``path`` can be read and its suffix is one of ours."""
    if path.suffix.lower() not in _loaders():
        near = difflib.get_close_matches(str(path), zoo_models(), n=1)
        meant = f"Did you mean '{near[0]}'? " if near else ""
        raise InputError(
            f"unknown model '{path}'.",
            hint=f"{meant}Give a zoo name ({', '.join(zoo_models())}), an .onnx, a .tflite "
            "or a Wav2Small .safetensors.",
        )
    require_file(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.", hint="Check the path and its permissions."
        ) from None
    except ValueError:  # a NUL in the name
        raise InputError(
            f"{str(path)!r} is no file name.", hint="Give the path of a file."
        ) from None


def _loaders() -> dict[str, Callable[[Path, str, float, Stated], Source]]:
    """What reads a model file, by its suffix: called with path, name, clip length and what is
    stated."""
    return {".onnx": _from_onnx, ".tflite": _from_tflite, ".safetensors": _from_checkpoint}


def _from_onnx(path: Path, name: str, clip_seconds: float, stated: Stated) -> Source:
    from toolkit.frontend.load import load_onnx
    from toolkit.frontend.reader import RANGES_KEY, read_onnx
    from toolkit.passes.optimize import optimize
    from toolkit.passes.put_time_first import put_time_first

    model = read_onnx(path)
    metadata = model.metadata
    shapes = named_shapes(stated.shapes, model.inputs, path)
    text, ranges = metadata.get(METADATA_KEY), metadata.get(RANGES_KEY)
    spec = from_json(text) if text is not None else None
    features, issues = attached(stated.features, spec)
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

    def read(more: int = 0) -> tuple[Graph, Graph]:
        """The model as imported and as rewritten, for clips of ``more`` further frames."""
        longer = {i.name: longer_shape(i, shapes[i.name], more, stated.time_axis) for i in known}
        imported = load_onnx(path, longer, None if rows is None else rows + more)
        if features is not None:
            require_rows(imported, features)
            imported = imported.with_metadata(**{METADATA_KEY: features.to_json()})
        graph = optimize(imported)
        if stated.time_axis is not None and rows is None:  # no features say it
            graph = put_time_first(graph, stated.time_axis)
        elif spec is not None and (axis := rows_axis(imported, graph, spec)) is not None:
            graph = put_time_first(graph, axis)
        return imported, graph

    known = [source for source in model.inputs if source.name in shapes]
    with reading(path, "a network that the toolkit can take", "Export it again."):
        imported, graph = read()
        graph = attach(graph, imported)
    is_open = rows is not None or bool(known)
    return Source(
        argument=str(path),
        name=name,
        sha256=_sha256(path),
        float_graph=graph,
        imported=imported,
        onnx=path.read_bytes(),
        ranges=None if ranges is None else Ranges.from_json(ranges),
        given=given_params(imported),
        issues=issues,
        one_length=_tied(graph, (lambda: read(LENGTH_STEP)[1]) if is_open else None),
        stated=replace(stated, features=features),
    )


def _tied(graph: Graph, longer: Callable[[], Graph] | None) -> dict[str, str]:
    """The nodes that fit the clip length of ``graph`` only, and why; ``longer`` reads it at another
    length, None where every dimension is in the file."""
    if longer is None:
        return baked_nodes(graph)
    try:
        other = longer()
    except InputError:
        return baked_nodes(graph)  # the file has no other length, whatever it leaves open
    entry = graph.inputs[0]
    same = graph.tensors[entry].shape == other.tensors[entry].shape
    return baked_nodes(graph) if same else tied_nodes(graph, other)


def _from_tflite(path: Path, name: str, clip_seconds: float, stated: Stated) -> Source:
    if stated.shapes:
        raise InputError(
            f"--shape: {path.name} states the shapes of its inputs itself.",
            hint="Leave the option out.",
        )
    with reading(path, "a network that the toolkit can take", "Convert it again."):
        if is_float(path.read_bytes(), name):
            return _from_float_tflite(path, name, stated)
        graph = load_tflite(path)  # refuse what cannot be used before any work is done
        data = path.read_bytes()
        ends = stripped_ends(data, name)
    features, issues = attached(stated.features, feature_spec(graph))
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
    stated = replace(stated, features=features)
    return Source(str(path), name, _sha256(path), tflite=data, issues=issues, stated=stated)


def _from_float_tflite(path: Path, name: str, stated: Stated) -> Source:
    from toolkit.passes.optimize import optimize

    data = path.read_bytes()
    imported = read_float_tflite(data, name)
    features, issues = attached(stated.features, feature_spec(imported))
    if features is not None:
        require_rows(imported, features)
        imported = imported.with_metadata(**{METADATA_KEY: features.to_json()})
    graph = optimize(imported)
    return Source(
        argument=str(path),
        name=name,
        sha256=_sha256(path),
        float_graph=graph,
        imported=imported,
        float_tflite=data,
        issues=issues,
        one_length=baked_nodes(graph),
        stated=replace(stated, features=features),
    )


def _from_checkpoint(path: Path, name: str, clip_seconds: float, stated: Stated) -> Source:
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
        source = _from_onnx(onnx, name, clip_seconds, stated)
        return replace(source, argument=str(path), sha256=_sha256(path))


def _zoo_file(path: Path) -> ZooModel | None:
    """The zoo model whose ONNX file ``path`` is."""
    models = (zoo_model(name) for name in zoo_models())
    return next((m for m in models if m is not None and path.resolve() == m.onnx.resolve()), None)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
