"""``toolkit inspect``: what a model file says of itself, and its graph."""

from __future__ import annotations

import json
from collections.abc import Mapping

from toolkit.features.describe import describe
from toolkit.features.metadata import feature_spec
from toolkit.features.spec import METADATA_KEY
from toolkit.ir import Graph, Node, Shape, State
from toolkit.ir.labels import LABELS_KEY, output_labels
from toolkit.model.load import load_source
from toolkit.model.origin import ORIGIN_KEY, read_origin
from toolkit.model.stated import Stated
from toolkit.ops import OPERATORS
from toolkit.ops.parts.base import view
from toolkit.report.inspection import Inspection, NodeRow, StateRow, TensorRow

#: Metadata that has a line of its own.
_KNOWN = (METADATA_KEY, LABELS_KEY, ORIGIN_KEY)


def inspect(
    model: str, clip_seconds: float, shapes: Mapping[str, Shape] | None = None
) -> Inspection:
    """Read a zoo model, ``.onnx``, ``.tflite`` or checkpoint; nothing is converted.

    A float model is shown after the rewrites that precede quantisation, for a clip of
    ``clip_seconds`` where its file leaves the length open, or of ``shapes``.  Raises InputError.
    """
    source = load_source(model, clip_seconds, Stated(shapes or {}))
    if source.float_graph is not None:
        graph = source.float_graph
        kind = "QDQ ONNX" if source.given else "float ONNX"
        if source.argument.lower().endswith(".tflite"):
            kind = "float TFLite"
    else:
        from toolkit.tflite.read import read_tflite

        assert source.tflite is not None
        graph, kind = read_tflite(source.tflite, source.name), "int8 TFLite"
    spec = feature_spec(graph)
    return Inspection(
        model_name=source.name,
        sha256=source.sha256,
        format=kind,
        inputs=tuple(TensorRow.of(graph.tensors[name]) for name in graph.free_inputs),
        outputs=tuple(TensorRow.of(graph.tensors[name]) for name in graph.free_outputs),
        states=tuple(_state(graph, state) for state in graph.states),
        labels=_labels(graph),
        feature_spec=None if spec is None else json.loads(spec.to_json()),
        origin=read_origin(graph.metadata),
        metadata={k: v for k, v in sorted(graph.metadata.items()) if k not in _KNOWN},
        nodes=tuple(_node(graph, node) for node in graph.nodes),
        notes=tuple(issue.message for issue in source.issues),
        features=() if spec is None else describe(spec),
    )


def _labels(graph: Graph) -> tuple[str, ...]:
    """Names of the output values; none where the model does not name them."""
    if LABELS_KEY not in graph.metadata:
        return ()
    return output_labels(graph)


def _state(graph: Graph, state: State) -> StateRow:
    tensor = graph.tensors[state.read]
    zero = 0 if tensor.quant is None else tensor.zero_point
    initial = "constants" if (state.initial != zero).any() else "zeros"
    return StateRow(TensorRow.of(tensor), state.write, initial)


def _node(graph: Graph, node: Node) -> NodeRow:
    inputs = [name for name in node.inputs if name is not None]
    constants = [name for name in inputs if graph.tensors[name].is_constant]
    return NodeRow(
        name=node.name,
        op=node.op,
        inputs=tuple(name for name in inputs if name not in constants),
        output=TensorRow.of(graph.tensors[node.outputs[0]]),
        weights=tuple(TensorRow.of(graph.tensors[name]) for name in constants),
        macs=OPERATORS[node.op].work(view(graph, node)).macs,
    )
