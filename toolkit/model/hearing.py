"""How a source hears audio: the specification it carries, another one, the shape of its input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from toolkit.errors import InputError
from toolkit.features.metadata import feature_spec
from toolkit.features.spec import METADATA_KEY, FeatureSpec
from toolkit.model.source import Source, require_model_file
from toolkit.model.zoo import zoo_model


def source_spec(source: Source) -> FeatureSpec | None:
    """How audio becomes the input; None for a model of arrays."""
    graph = source.float_graph
    if graph is None:
        from toolkit.tflite.read import read_tflite

        assert source.tflite is not None
        graph = read_tflite(source.tflite, source.name)
    return feature_spec(graph)


def hearing(source: Source, features: FeatureSpec) -> Source:
    """The same model on other features of as many rows and values, its ranges kept."""
    text = features.to_json()
    graph, data = source.float_graph, source.tflite
    if graph is not None:
        graph = graph.with_metadata(**{METADATA_KEY: text})
    if data is not None:
        from toolkit.tflite.metadata import with_metadata

        data = with_metadata(data, METADATA_KEY, text)
    return replace(source, float_graph=graph, tflite=data, features=features)


def model_shape(model: str) -> tuple[int | str, ...]:
    """The shape of the one input of an ``.onnx`` or ``.tflite``; words are dimensions it leaves
    open.  InputError for other files, or several inputs."""
    from toolkit.frontend.reader import read_onnx
    from toolkit.tflite.read import load_tflite

    zoo = zoo_model(model)
    path = Path(model) if zoo is None else zoo.onnx
    require_model_file(path)
    shapes: list[tuple[int | str, ...]]
    if path.suffix.lower() == ".tflite":
        graph = load_tflite(path)
        shapes = [graph.tensors[name].shape for name in graph.inputs]
    elif path.suffix.lower() == ".onnx":
        shapes = [tuple(source.dims) for source in read_onnx(path).inputs]
    else:
        raise InputError(f"{model}: carries a feature specification already.")
    if len(shapes) != 1:
        raise InputError(f"{model}: has {len(shapes)} inputs; features can feed one only.")
    return shapes[0]
