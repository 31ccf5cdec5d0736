"""Shapes held against those that ONNX's own inference gives a model's values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import ModelError
from toolkit.frontend.lowering import Lowering
from toolkit.ir import Shape

_MIN_OPSET = 11


def check_shapes(low: Lowering, path: Path) -> None:
    """Raise ModelError where a value of the model in ``path`` has another shape in ``low`` than
    ONNX gives it.

    ONNX counts the last window of a pool with ``ceil_mode`` even where it begins behind the input,
    which onnxruntime and PyTorch do not; what comes of such a pool is not held against it.  Nor
    are models of operator sets below 11, where it misreads axes counted from the end.
    """
    if low.opset < _MIN_OPSET:
        return
    inferred = inferred_shapes(path, {i.name: low.shape(i.name) for i in low.model.inputs})
    doubtful: set[str] = set()
    for node in low.model.nodes:
        ceil_mode = "ceil_mode" in node.attrs and node.attrs.peek("ceil_mode")
        if ceil_mode or doubtful.intersection(node.inputs.present()):
            doubtful.update(node.outputs)
        for name in set(node.outputs) - doubtful - low.unexpanded:
            known = name in low.values or name in low.constants
            if known and inferred.get(name, low.shape(name)) != low.shape(name):
                raise ModelError(
                    f"node {node.name!r} ({node.op}): shape of {name!r} disagrees: "
                    f"{list(low.shape(name))} here, {list(inferred[name])} by ONNX's inference.",
                    hint="Export the model again, or report it.",
                )


def inferred_shapes(path: Path, inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes of the values of the model in ``path``, once its inputs have the shapes ``inputs``,
    for those that ONNX finds; nothing where its inference gives up.

    What the file itself says of shapes is left out: exporters leave those of other clip lengths.
    """
    from onnx import ModelProto, shape_inference

    model = ModelProto()
    model.ParseFromString(path.read_bytes())
    del model.graph.value_info[:]
    for entry in model.graph.input:
        if entry.name in inputs:
            _set_shape(entry.type.tensor_type, inputs[entry.name])
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    try:
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
    except (shape_inference.InferenceError, ValueError, RuntimeError):
        return {}
    found = {value.name: _shape(value) for value in (*graph.value_info, *graph.output)}
    return {name: shape for name, shape in found.items() if shape is not None}


def _set_shape(kind: Any, shape: Shape) -> None:
    kind.ClearField("shape")
    for size in shape:
        kind.shape.dim.add().dim_value = size


def _shape(value: Any) -> Shape | None:
    """A shape that is known throughout."""
    kind = value.type.tensor_type
    if not kind.HasField("shape") or not all(d.HasField("dim_value") for d in kind.shape.dim):
        return None
    return tuple(int(d.dim_value) for d in kind.shape.dim)
