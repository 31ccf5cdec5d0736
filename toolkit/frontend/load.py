"""ONNX file to float graph: read, fix the shapes, lower node by node."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from toolkit.errors import InputError, ModelError, ToolkitError, UnsupportedError, one_line
from toolkit.frontend import (
    conv_transpose,
    convolution,
    elementwise,
    functions,
    matmul,
    normalization,
    quantization,
    rearrange,
    recurrent,
    reductions,
    resize,
    scatter,
    shapes,
)
from toolkit.frontend.fold import FOLDS, fold
from toolkit.frontend.inferred import check_shapes
from toolkit.frontend.lowering import Lower, Lowering, attribute, unsupported
from toolkit.frontend.node import OnnxNode
from toolkit.frontend.reader import OnnxInput, OnnxModel, read_onnx
from toolkit.frontend.reference import MAX_FOLDED_ELEMENTS, evaluate, is_foldable
from toolkit.frontend.schema import check_accounted, check_schema
from toolkit.ir import DType, Graph, Shape, Tensor
from toolkit.ir.check import check_graph
from toolkit.ir.edit import rename_tensors
from toolkit.ir.tensor import MAX_RANK, Array

#: One function an ONNX operator.
LOWERINGS: dict[str, Lower] = {
    **conv_transpose.LOWERINGS,
    **convolution.LOWERINGS,
    **elementwise.LOWERINGS,
    **functions.LOWERINGS,
    **matmul.LOWERINGS,
    **normalization.LOWERINGS,
    **quantization.LOWERINGS,
    **rearrange.LOWERINGS,
    **recurrent.LOWERINGS,
    **reductions.LOWERINGS,
    **resize.LOWERINGS,
    **scatter.LOWERINGS,
    **shapes.LOWERINGS,
}

#: What malformed operands make numpy and Python raise inside a lowering function.
_MALFORMED = (
    ValueError,
    IndexError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    AssertionError,
    MemoryError,
)


def load_onnx(
    path: Path, input_shapes: Mapping[str, Shape] | None = None, rows: int | None = None
) -> Graph:
    """The float graph of an ONNX model, as exported (no pass has run), with concrete shapes.

    Dynamic input dimensions are fixed by ``input_shapes`` (input name to shape), the first one of
    an input otherwise to 1 (the batch), the remaining ones to ``rows``.  Graph inputs and outputs
    keep the model's names, order and layout; its metadata goes to ``Graph.metadata``.

    Raises ModelError (damaged, malformed, or of other shapes than ONNX infers), UnsupportedError
    (operators the toolkit lacks, all named at once, or what a lowering does not account for) or
    InputError (a dynamic dimension is left open).
    """
    model = read_onnx(path)
    low = _lowered(model, input_shapes or {}, rows)
    check_shapes(low, path)
    _require_ranks(low)
    return check_graph(_finish(low, model), "import")


def _require_ranks(low: Lowering) -> None:
    deep = next((t for t in low.builder.tensors.values() if len(t.shape) > MAX_RANK), None)
    if deep is not None:
        raise UnsupportedError(
            f"value {deep.name!r}: a tensor may have at most {MAX_RANK} dimensions; got "
            f"{list(deep.shape)}.",
            hint="Leave out dimensions of size 1, or flatten some.",
        )


def trace_onnx(path: Path, input_shapes: Mapping[str, Shape]) -> tuple[Graph, dict[str, str]]:
    """The same before outputs are named as in the model, and the tensor of every computed value of
    the model, by the value's name; raises as `load_onnx`."""
    model = read_onnx(path)
    low = _lowered(model, input_shapes, None)
    low.builder.outputs.extend(low.value(output) for output in model.outputs)
    return low.builder.build(), dict(low.values)


def _lowered(model: OnnxModel, input_shapes: Mapping[str, Shape], rows: int | None) -> Lowering:
    _check_operators(model)
    low = Lowering(model)
    for source in model.inputs:
        shape = _input_shape(source, input_shapes.get(source.name), rows)
        low.values[source.name] = low.builder.add_input(Tensor(source.name, shape, DType.FLOAT32))
    for node in model.nodes:
        _lower(low, node)
    return low


def _check_operators(model: OnnxModel) -> None:
    known = LOWERINGS.keys() | FOLDS.keys() | {"Shape"}
    constant = set(model.constants)  # whether a value may turn out to be: computed by no device
    missing = []
    for node in model.nodes:
        if node.op == "Shape" or constant.issuperset(node.inputs.present()):
            constant.update(node.outputs)
            if node.op not in known and not is_foldable(node.op, model.opset):
                missing.append(node)
        elif node.op not in known:
            missing.append(node)
    if missing:
        listed = ", ".join(f"{node.op} (node {node.name!r})" for node in missing[:12])
        more = f" and {len(missing) - 12} more" if len(missing) > 12 else ""
        hint = "Replace them in the model; docs/SUPPORTED_OPS.md lists what there is."
        if any(quantization.is_operator_format(node) for node in missing):
            hint = "Quantise in QDQ format (static), not in operator format or dynamically."
        raise UnsupportedError(
            f"{model.name!r} uses operators that the toolkit does not have: {listed}{more}.", hint
        )


def _input_shape(source: OnnxInput, given: Shape | None, rows: int | None) -> Shape:
    if given is not None:
        fits = len(given) == len(source.dims) and all(
            size > 0 and want in (size, str(want))
            for size, want in zip(given, source.dims, strict=True)
        )
        if not fits:
            raise InputError(
                f"input {source.name!r}: shape {list(given)} does not fit {list(source.dims)}.",
                hint="State a size for each dimension that the file leaves open.",
            )
        return given
    shape = [dim if isinstance(dim, int) else 0 for dim in source.dims]
    if shape and shape[0] == 0:
        shape[0] = 1
    if open_dims := shape.count(0):
        if rows is None or open_dims > 1:
            raise InputError(
                f"input {source.name!r} has dynamic dimensions {list(source.dims)}.",
                hint=f"State its shape, a number for every N: --shape {source.name}="
                + ",".join(str(dim or "N") for dim in shape)
                + "; or attach its features, --features SPEC.toml|PRESET.",
            )
        shape[shape.index(0)] = rows
    return tuple(shape)


def _lower(low: Lowering, node: OnnxNode) -> None:
    _require_fitting(low, node)
    check_schema(node, low.opset)
    try:
        _enter(low, node)
    except ToolkitError:
        raise
    except _MALFORMED as error:
        raise ModelError(
            f"node {node.name!r} ({node.op}): malformed operands: {one_line(error)}."
        ) from error
    made = low.values.keys() | low.constants.keys()
    lost = [name for name in node.outputs if name and name not in made and low.is_used(name)]
    check_accounted(node, low.opset, lost)


def _require_fitting(low: Lowering, node: OnnxNode) -> None:
    """Raise ModelError where an input is not there yet, or an output is there already."""
    unknown = [i for i in node.inputs if i and i not in low.values and i not in low.constants]
    if unknown:
        raise ModelError(
            f"node {node.name!r} ({node.op}): input {unknown[0]!r} is produced by no earlier node.",
            hint="The graph has a cycle, is out of order, or uses a second output we lack.",
        )
    outputs = [name for name in node.outputs if name]
    clash = any(name in low.values or name in low.constants for name in outputs)
    if clash or not outputs or len(set(outputs)) < len(outputs):
        raise ModelError(f"node {node.name!r} ({node.op}): outputs {list(node.outputs)} clash.")


def _enter(low: Lowering, node: OnnxNode) -> None:
    """Enter what a node makes: a constant where that is known now, else nodes of ours."""
    if node.op == "Shape":
        low.constants[node.outputs[0]] = _shape(low, node)
        low.from_shapes.add(node.outputs[0])
    elif (value := _folded(low, node)) is not None:
        low.fold({node.outputs[0]: value})
        if not low.from_shapes.isdisjoint(node.inputs.present()):
            low.from_shapes.add(node.outputs[0])
    elif _all_constant(low, node):
        low.fold(_evaluated(low, node))
    elif node.op in LOWERINGS:
        result = LOWERINGS[node.op](low, node)
        if node.outputs[0]:
            low.values[node.outputs[0]] = result
    else:
        raise UnsupportedError(
            f"node {node.name!r} ({node.op}): supported on constants only; its input is computed.",
            hint="docs/SUPPORTED_OPS.md lists what there is.",
        )


def _shape(low: Lowering, node: OnnxNode) -> Array:
    """Shape, or a part of it; bounds beyond its ends are those."""
    shape = low.shape(node.inputs[0])
    start, end = attribute(node, "start", int, 0), attribute(node, "end", int, len(shape))
    return np.array(shape[start:end], np.int64)


def _all_constant(low: Lowering, node: OnnxNode) -> bool:
    return all(name in low.constants for name in node.inputs.present())


def _evaluated(low: Lowering, node: OnnxNode) -> dict[str, Array]:
    """The values of a node whose inputs are all constants: it runs now instead of on the device."""
    values = evaluate(node, low.opset, low.constants)
    if values is None:
        raise unsupported(
            node,
            f"its inputs are constants, but its value cannot be computed beforehand in "
            f"{MAX_FOLDED_ELEMENTS:,} elements",
        )
    return dict(values)


def _folded(low: Lowering, node: OnnxNode) -> Array | None:
    """The value of a node that can be computed now."""
    value = fold(node, low.constants)
    return quantization.fold(low, node) if value is None else value


def _finish(low: Lowering, model: OnnxModel) -> Graph:
    """The graph, its outputs named as in the model."""
    renames: dict[str, str] = {}
    for output in model.outputs:
        if output not in low.values and output not in low.constants:
            raise ModelError(f"output {output!r} is produced by no node.")
        if output in renames.values():
            raise ModelError(f"output {output!r} is stated twice.")
        tensor = None if output in low.constants else low.values[output]
        if tensor is None or low.builder.tensors[tensor].is_constant:
            raise UnsupportedError(
                f"output {output!r} is constant: it does not depend on any input.",
                hint="Remove it from the model's outputs.",
            )
        if tensor in renames or tensor in low.builder.inputs:  # each has a tensor of its own
            tensor = low.copy(tensor)
        low.builder.outputs.append(tensor)
        renames[tensor] = output
    return rename_tensors(low.builder.build(), renames)
