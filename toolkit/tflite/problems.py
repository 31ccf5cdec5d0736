"""What a ``.tflite`` holds that is not supported, all of it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ai_edge_litert import schema_py_generated as schema

from toolkit.ir import DType
from toolkit.ops import OPERATORS
from toolkit.ops.numerics.functions import Formula
from toolkit.tflite.flatbuffer import RawModel, RawOperator, RawTensor
from toolkit.tflite.tables import TABLES as INT8_FUNCTIONS
from toolkit.tflite.write import TENSOR_TYPES

DTYPES = {code: dtype for dtype, code in TENSOR_TYPES.items()}
_TYPE_NAMES = {v: k for k, v in vars(schema.TensorType).items() if not k.startswith("_")}
NO_FUNCTIONS: Mapping[str, Formula] = {}
BY_TFLITE_NAME = {(op.tflite_name, op.custom): op for op in OPERATORS.values()}
_HINT_QUANTIZE = (
    "Convert the ONNX with `toolkit convert`, or quantise to full int8 with int8 inputs and"
    " outputs."
)


def operator_problems(
    model: RawModel, functions: Mapping[str, Formula] = NO_FUNCTIONS
) -> Iterator[str]:
    """What there is no operator for, nor one of ``functions``."""
    for index, op in enumerate(model.operators):
        known = not op.custom and op.name in functions
        if not known and (op.name, op.custom) not in BY_TFLITE_NAME:
            kind = "custom operator" if op.custom else "operator"
            at = f"node {index} (output {output_name(model, op)!r})"
            made = [model.tensors[i] for i in op.outputs if 0 <= i < len(model.tensors)]
            of = f" of {_type_name(made[0])}" if made and op.name in INT8_FUNCTIONS else ""
            yield f"unsupported {kind} {op.name!r}{of} at {at}"


def tensor_problems(model: RawModel) -> Iterator[str]:
    """Tensors that no int8 model has."""
    floats = []
    kept, read = _variables(model)
    for index in sorted(kept ^ read):
        what = "is no variable" if index in kept else "is variable (stateful) storage"
        yield f"tensor {model.tensors[index].name!r} {what}"
    for tensor in _used(model):
        dtype = DTYPES.get(tensor.type_code)
        label = f"tensor {tensor.name!r}"
        if tensor.unsupported:
            yield f"{label} uses {tensor.unsupported}"
        elif dtype is None or dtype is DType.BOOL:
            yield f"{label} has the unsupported type {_type_name(tensor)}"
        elif dtype is DType.FLOAT32:
            floats.append(tensor)
        elif dtype is DType.UINT8 and tensor.scale:
            yield f"{label} is quantised to the legacy uint8 scheme; only int8 is supported"
    if floats:
        # A dynamic-range ("hybrid") model keeps int8 weights between float activations.
        hybrid = any(DTYPES.get(t.type_code) is DType.INT8 for t in _used(model))
        kind = "is only partly quantised (float32 activations)" if hybrid else "is float32"
        yield f"the model {kind}: tensor {floats[0].name!r} and {len(floats) - 1} others"


def hint_of(problems: list[str]) -> str:
    """What to do about them."""
    if any("float32" in p or "uint8" in p for p in problems):
        return _HINT_QUANTIZE
    if any(f"{name!r} of INT" in problem for problem in problems for name in INT8_FUNCTIONS):
        return "TFLM has these functions in int8 alone: quantise what they read and make to int8."
    return "See docs/SUPPORTED_OPS.md."


def _variables(model: RawModel) -> tuple[set[int], set[int]]:
    """Tensors that operators keep from run to run, and variable tensors that anything uses."""
    kept: set[int] = set()
    used = {*model.inputs, *model.outputs}
    for op in model.operators:
        operator = BY_TFLITE_NAME.get((op.name, op.custom))
        at = () if operator is None else operator.variable_inputs
        kept.update(op.inputs[i] for i in at if i < len(op.inputs))
        used.update((*op.inputs, *op.outputs))
    count = len(model.tensors)
    inside = {index for index in kept if 0 <= index < count}
    return inside, {i for i in used if 0 <= i < count and model.tensors[i].variable}


def _used(model: RawModel) -> Iterator[RawTensor]:
    used = {
        *model.inputs,
        *model.outputs,
        *(end for s in model.states for end in (s.read, s.write)),
    }
    used.update(i for op in model.operators for i in (*op.inputs, *op.outputs))
    return (model.tensors[i] for i in sorted(used) if 0 <= i < len(model.tensors))


def _type_name(tensor: RawTensor) -> str:
    return str(_TYPE_NAMES.get(tensor.type_code, tensor.type_code))


def output_name(model: RawModel, op: RawOperator) -> str:
    """What the first output of an operator is called, for messages."""
    index = op.outputs[0] if op.outputs else -1
    return model.tensors[index].name if 0 <= index < len(model.tensors) else "?"
