"""ONNX file to plain Python data: the only module that touches protobuf.

The file is untrusted.  Whatever is wrong with it ends in a `ModelError` (damaged, malformed) or an
`UnsupportedError` (valid ONNX that the toolkit does not take), never in another exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.errors import ModelError, UnsupportedError, one_line, reading
from toolkit.frontend.node import Attributes, Inputs, OnnxNode
from toolkit.frontend.order import arranged
from toolkit.ir.tensor import Array

#: Operator sets whose meaning the lowering table knows.
MIN_OPSET, MAX_OPSET = 7, 27

#: Elements one tensor may have; larger ones cannot belong to a network for a microcontroller.
MAX_ELEMENTS = 1 << 26

#: Metadata entry with the calibration ranges of the file's own tensors; no part of the network.
RANGES_KEY = "toolkit.ranges"

_FLOAT_TYPES = {"float16", "bfloat16", "float32", "float64"}
#: Those of inputs, as ONNX numbers them: all are float32 to us.
FLOAT_CODES = (1, 10, 11, 16)


@dataclass(frozen=True)
class OnnxInput:
    """A graph input; a dimension is an int, or a name (``""`` when unnamed) where it is dynamic."""

    name: str
    dims: tuple[int | str, ...]


@dataclass(frozen=True)
class OnnxModel:
    """What the lowering needs of a model; floating-point constants are float32 and finite,
    integer ones int64, but for the 8-bit ones of quantised models, which keep their type."""

    name: str
    opset: int
    inputs: tuple[OnnxInput, ...]
    outputs: tuple[str, ...]
    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Array]
    metadata: Mapping[str, str]


def read_onnx(path: Path) -> OnnxModel:
    """Parse and check an ``.onnx`` file.

    Raises ModelError (unreadable, truncated, NaN or infinite weights, no outputs) or
    UnsupportedError (external data, too old an operator set).
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import ModelProto

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path.name}: cannot be read: {error.strerror}.") from None
    proto = ModelProto()
    try:
        proto.ParseFromString(content)
    except DecodeError:
        raise ModelError(
            f"{path.name}: not an ONNX model, or truncated.", hint="Export or download it again."
        ) from None
    if not proto.graph.node or not proto.graph.output:
        raise ModelError(
            f"{path.name}: an ONNX model must have nodes and outputs; got "
            f"{len(proto.graph.node)} and {len(proto.graph.output)}.",
            hint="Export or download it again.",
        )
    with reading(path.name, "a well-formed ONNX model", "Export or download it again."):
        return _read_model(proto, path.name)


def _read_model(proto: Any, where: str) -> OnnxModel:
    opset = _opset(proto, where)
    graph = proto.graph
    constants = {t.name: tensor_values(t, t.name, where) for t in graph.initializer}
    if graph.sparse_initializer:
        raise UnsupportedError(f"{where}: sparse weights are not supported.", hint="Densify them.")
    _check_finite(constants, where)
    inputs = tuple(
        OnnxInput(i.name, tuple(_dims(i, where))) for i in graph.input if i.name not in constants
    )
    if not inputs:
        raise ModelError(f"{where}: the model has no inputs.")
    outputs = tuple(o.name for o in graph.output)
    stated = [_node(n, index, where) for index, n in enumerate(graph.node)]
    return OnnxModel(
        name=graph.name or Path(where).stem,
        opset=opset,
        inputs=inputs,
        outputs=outputs,
        nodes=arranged(stated, outputs, where),
        constants=constants,
        metadata={p.key: p.value for p in proto.metadata_props},
    )


def _opset(proto: Any, where: str) -> int:
    versions = [o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")]
    if not versions:
        raise ModelError(f"{where}: states no ONNX operator set.", hint="Export it again.")
    if versions[0] < MIN_OPSET:
        raise UnsupportedError(
            f"{where}: operator set must be at least {MIN_OPSET}; got {versions[0]}.",
            hint="Export with opset_version=17.",
        )
    if versions[0] > MAX_OPSET:
        raise UnsupportedError(
            f"{where}: operator set must be at most {MAX_OPSET}; got {versions[0]}.",
            hint="Export with opset_version=17.",
        )
    return int(versions[0])


def _dims(value: Any, where: str) -> Iterator[int | str]:
    kind = value.type.tensor_type
    if kind.elem_type not in FLOAT_CODES:
        from onnx import TensorProto

        known = kind.elem_type in TensorProto.DataType.values()
        found = TensorProto.DataType.Name(kind.elem_type).lower() if known else kind.elem_type
        raise UnsupportedError(
            f"{where}: input {value.name!r} must be floating point; got {found}.",
            hint="Export the float model.",
        )
    if not kind.HasField("shape"):
        raise ModelError(f"{where}: input {value.name!r} states no shape.", hint="Export it again.")
    for dim in kind.shape.dim:
        if not dim.HasField("dim_value"):
            yield dim.dim_param
        elif 0 < dim.dim_value <= MAX_ELEMENTS:
            yield int(dim.dim_value)
        else:
            raise ModelError(
                f"{where}: input {value.name!r}: dimensions must be positive; got {dim.dim_value}."
            )


def _node(proto: Any, index: int, where: str) -> OnnxNode:
    name = proto.name or f"{proto.op_type}_{index}"
    op = proto.op_type if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"
    attrs = {a.name: _attribute(a, name, where) for a in proto.attribute}
    if len(attrs) != len(proto.attribute):
        raise ModelError(f"{where}: node {name!r} ({op}) states an attribute twice.")
    return OnnxNode(name, op, Inputs(proto.input), tuple(proto.output), Attributes(attrs))


def _attribute(attribute: Any, node: str, where: str) -> Any:
    """int, float, str, a tuple of these, or an array; None for what no supported operator has."""
    from onnx import AttributeProto

    match attribute.type:
        case AttributeProto.INT:
            return int(attribute.i)
        case AttributeProto.FLOAT:
            return float(attribute.f)
        case AttributeProto.STRING:
            return attribute.s.decode("utf-8", "replace")
        case AttributeProto.INTS:
            return tuple(int(i) for i in attribute.ints)
        case AttributeProto.FLOATS:
            return tuple(float(f) for f in attribute.floats)
        case AttributeProto.STRINGS:
            return tuple(text.decode("utf-8", "replace") for text in attribute.strings)
        case AttributeProto.TENSOR:
            values = tensor_values(attribute.t, attribute.name, where)
            _check_finite({node: values}, where)
            return values
        case _:
            return None


def tensor_values(proto: Any, name: str, where: str) -> Array:
    """A constant's values; floating point becomes float32, integers int64; truth values and 8-bit
    integers, whose type says what a zero point means, stay."""
    from onnx import TensorProto, numpy_helper

    if proto.data_location == TensorProto.EXTERNAL or proto.external_data:
        raise UnsupportedError(
            f"{where}: tensor {name!r} lies in another file (external data).",
            hint="Save the model as one file.",
        )
    elements = 1
    for dim in proto.dims:
        elements *= dim
        if dim < 0 or elements > MAX_ELEMENTS:
            raise ModelError(f"{where}: tensor {name!r} has an impossible shape {[*proto.dims]}.")
    try:
        values = numpy_helper.to_array(proto)
    except Exception as error:  # onnx raises whatever numpy or it meets on damaged content
        raise ModelError(
            f"{where}: tensor {name!r} is damaged: {one_line(error)}.",
            hint="Export or download the model again.",
        ) from None
    if values.dtype.name in _FLOAT_TYPES:
        with np.errstate(over="ignore"):
            return np.asarray(values, np.float32)
    if values.dtype.name in ("int8", "uint8"):
        return np.asarray(values)
    if values.dtype.kind in "iu":
        return np.asarray(values, np.int64)
    if values.dtype.kind == "b":
        return np.asarray(values)
    raise UnsupportedError(
        f"{where}: tensor {name!r} has the type {values.dtype.name}.",
        hint="Constants are floating point, integers or truth values.",
    )


def _check_finite(constants: Mapping[str, Array], where: str) -> None:
    for name, values in constants.items():
        if values.dtype == np.float32 and not np.isfinite(values).all():
            bad = int(np.count_nonzero(~np.isfinite(values)))
            raise ModelError(
                f"{where}: weights must be finite; {name!r} has {bad} of {values.size} values "
                "NaN or infinite.",
                hint="Training diverged or the export failed; export it again.",
            )
