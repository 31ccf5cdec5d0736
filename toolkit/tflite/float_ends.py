"""Takes off the conversions at the ends of an int8 ``.tflite`` with float or uint8 inputs and
outputs, as TensorFlow's converter writes it by default: the device reads and writes int8."""

from __future__ import annotations

from dataclasses import replace

from ai_edge_litert import schema_py_generated as schema

from toolkit.tflite.flatbuffer import RawModel, RawOperator

_OUTER = (int(schema.TensorType.FLOAT32), int(schema.TensorType.UINT8))
_INNER = int(schema.TensorType.INT8)


def strip_float_ends(model: RawModel) -> tuple[RawModel, tuple[str, ...]]:
    """The model without QUANTIZE behind its inputs and DEQUANTIZE (or QUANTIZE) before its outputs,
    and the names of the inputs and outputs that became int8, which they keep.

    An end that anything else reads as well stays as it is.
    """
    dropped: dict[int, int] = {}  # operator to the outer tensor it converts
    inputs, outputs = list(model.inputs), list(model.outputs)
    for place, outer in enumerate(model.inputs):
        readers = [i for i, op in enumerate(model.operators) if outer in op.inputs]
        if len(readers) == 1 and outer not in outputs:
            inner = _other_end(model, readers[0], outer, from_outer=True)
            if inner is not None and inner not in outputs:
                dropped[readers[0]], inputs[place] = outer, inner
    for place, outer in enumerate(model.outputs):
        makers = [i for i, op in enumerate(model.operators) if outer in op.outputs]
        read = any(outer in op.inputs for op in model.operators)
        if len(makers) == 1 and not read and makers[0] not in dropped:
            inner = _other_end(model, makers[0], outer, from_outer=False)
            if inner is not None and inner not in (*inputs, *outputs):
                dropped[makers[0]], outputs[place] = outer, inner
    if not dropped:
        return model, ()
    tensors = list(model.tensors)
    ends = [*zip(model.inputs, inputs, strict=True), *zip(model.outputs, outputs, strict=True)]
    for outer, inner in ends:
        names = tensors[outer].name, tensors[inner].name
        tensors[inner] = replace(tensors[inner], name=names[0])
        tensors[outer] = replace(tensors[outer], name=names[1 if outer != inner else 0])
    stripped = replace(
        model,
        tensors=tuple(tensors),
        operators=tuple(op for i, op in enumerate(model.operators) if i not in dropped),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )
    return stripped, tuple(model.tensors[outer].name for outer in dropped.values())


def _other_end(model: RawModel, index: int, outer: int, from_outer: bool) -> int | None:
    """The int8 tensor that an operator converts ``outer`` to or from; None for other operators."""
    op: RawOperator = model.operators[index]
    wanted = ("QUANTIZE",) if from_outer else ("QUANTIZE", "DEQUANTIZE")
    if op.custom or op.name not in wanted or len(op.inputs) != 1 or len(op.outputs) != 1:
        return None
    inner = op.outputs[0] if from_outer else op.inputs[0]
    if not (0 <= inner < len(model.tensors) and 0 <= outer < len(model.tensors)):
        return None
    kinds = model.tensors[outer].type_code, model.tensors[inner].type_code
    return inner if kinds[0] in _OUTER and kinds[1] == _INNER else None
